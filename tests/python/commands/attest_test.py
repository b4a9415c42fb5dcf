"""`wasm-oci attest` and `verify-attestation`: options, reports, exit codes, files."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from attestation_fixtures import BUILDER, COMMIT, REPOSITORY_URI, SBOM, SPDX_2
from image_fixtures import FILE_KEY, OTHER_SIGNER, PUBLIC_KEY, SIGNED_HELLO, SIGNER, image_key
from publish_fixtures import dual_layout, unsigned_layout
from sigstore_certificate_fixtures import ISSUER, SAN
from sigstore_fixtures import TOKEN_SECRET, SigstoreServer
from wasm_fixtures import KEY
from wasmoci.commands.main import main
from wasmoci.cosign.statement import MAX_PREDICATE_SIZE
from wasmoci.disk.files import SECRET_FILE_MODE, write_atomically
from wasmoci.disk.layout import Layout
from wasmoci.keys.component import pem_public
from wasmoci.registry_server.server import EmbeddedRegistry
from wasmoci.values.digest import Digest

PASSWORD = "MARKED-PASSWORD"
ANY = ("--builder-id", BUILDER)


def run(*arguments: str | Path, code: int = 0, environment: dict[str, str] | None = None) -> Result:
    result = CliRunner().invoke(
        main, [str(argument) for argument in arguments], env={"COSIGN_PASSWORD": None, **(environment or {})}
    )
    assert result.exit_code == code, result.output + repr(result.exception)
    return result


def parsed(result: Result) -> Any:
    return json.loads(result.stdout)


class Desk:
    """A folder with keys, a layout, a predicate and a provenance request."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.layout = unsigned_layout(folder)
        self.output = folder / "attested"
        self.key, self.public_key = folder / "oci.key", folder / "oci.pub"
        self.sbom = self.file("sbom.json", SBOM)
        self.request = self.file("request.json", b'{"target":"//app:image","flags":{"compilation_mode":"opt"}}')
        write_atomically(self.key, FILE_KEY.pem(), SECRET_FILE_MODE)
        self.public_key.write_bytes(PUBLIC_KEY.pem())

    def file(self, name: str, data: bytes) -> Path:
        (self.folder / name).write_bytes(data)
        return self.folder / name

    def attest(self, *arguments: str | Path, code: int = 0) -> Result:
        return run("attest", self.layout, "--output", self.output, "--key", self.key, *arguments, code=code)

    def verify(self, type_name: str, *arguments: str | Path, code: int = 0) -> Result:
        key = ("--oci-key", self.public_key)
        return run("verify-attestation", self.output, "--type", type_name, *key, *arguments, code=code)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def test_an_sbom_is_attested_and_verified(desk: Desk) -> None:
    report = parsed(desk.attest("--predicate", desk.sbom, "--digest-file", desk.folder / "digest", "--json"))
    digest = str(Layout(desk.layout).subject().digest)
    assert report == {
        "result": "ok",
        "layout": str(desk.output),
        "image": digest,
        "predicateType": "https://cyclonedx.org/bom",
        "warnings": [],
    }
    assert (desk.folder / "digest").read_text() == f"{digest}\n"
    verified = parsed(desk.verify("cyclonedx", "--json"))
    (attestation,) = verified["attestations"]
    (signature,) = attestation["signatures"]
    assert (verified["result"], verified["image"], verified["warnings"]) == ("ok", digest, [])
    assert attestation["predicateType"] == "https://cyclonedx.org/bom"
    assert attestation["predicate"] == json.loads(SBOM)
    assert (signature["signer"], signature["logged"], signature["time"]) == (PUBLIC_KEY.fingerprint, False, None)
    assert signature["carrier"] in {str(entry.digest) for entry in Layout(desk.output).index.manifests}


def test_the_text_says_who_attests_what(desk: Desk) -> None:
    attested = desk.attest("--predicate", desk.sbom)
    digest = Layout(desk.layout).subject().digest
    assert attested.stdout == f"{desk.output}: {digest}\n"
    assert desk.verify("cyclonedx").stdout.splitlines() == [
        f"{desk.output}: {digest}",
        f"https://cyclonedx.org/bom attested by {PUBLIC_KEY.fingerprint}",
    ]


@pytest.mark.parametrize(
    ("document", "type_name", "uri"),
    [
        (SPDX_2, None, "https://spdx.dev/Document"),
        (SPDX_2, "spdx", "https://spdx.dev/Document"),
        (b'{"a":1.50}', "custom", "https://cosign.sigstore.dev/attestation/v1"),
        (b'{"a":1}', "https://example.com/x", "https://example.com/x"),
    ],
)
def test_the_type_is_told_or_given(desk: Desk, document: bytes, type_name: str | None, uri: str) -> None:
    predicate = desk.file("predicate.json", document)
    desk.attest("--predicate", predicate, *([] if type_name is None else ["--type", type_name]))
    assert parsed(desk.verify(uri, "--json"))["attestations"][0]["predicate"] == json.loads(document)


def test_statements_are_written_as_they_were_signed(desk: Desk) -> None:
    desk.attest("--predicate", desk.file("p", b'{"a" : 1.50}'), "--type", "custom", "--repository", "localhost:5000/a")
    folder = desk.folder / "statements"
    statement = parsed(desk.verify("custom", "--output", folder, "--json"))["attestations"][0]["statement"]
    (file,) = folder.iterdir()
    data = file.read_bytes()
    assert f"sha256:{file.stem}" == str(Digest.of(data)) == statement
    assert data.endswith(b'"predicate":{"a":1.50}}')
    assert json.loads(data)["subject"][0]["name"] == "localhost:5000/a"


def test_statements_are_written_into_an_empty_folder_only(desk: Desk) -> None:
    desk.attest("--predicate", desk.sbom)
    folder = desk.folder / "statements"
    folder.mkdir()
    (folder / "old.json").write_text("{}")
    result = desk.verify("cyclonedx", "--output", folder, code=1)
    assert "is not empty" in result.stderr


def test_a_refusal_writes_no_statements(desk: Desk) -> None:
    desk.attest("--predicate", desk.sbom)
    result = desk.verify("spdx", "--output", desk.folder / "statements", "--json", code=3)
    assert (parsed(result)["result"], parsed(result)["reason"]) == ("refused", "UNATTESTED")
    assert not (desk.folder / "statements").exists()


def test_provenance_is_attested_and_verified(desk: Desk) -> None:
    status = desk.file("stable-status.txt", f"STABLE_GIT_COMMIT {COMMIT}\nBUILD_USER marked-user\n".encode())
    desk.attest(
        *("--provenance", desk.request, *ANY, "--invocation-id", "run-{STABLE_GIT_COMMIT}"),
        *("--source", f"{REPOSITORY_URI}@{{STABLE_GIT_COMMIT}}", "--status-file", status),
        *("--material", "MODULE.bazel.lock", desk.file("lock", b"{}")),
        *("--component", desk.file("component.wasm", b"as it came in")),
        *("--started-on", "2026-01-31T12:00:00Z", "--finished-on", "2026-01-31T12:01:00Z"),
    )
    result = desk.verify("slsaprovenance1", *ANY, "--source", f"{REPOSITORY_URI}@{COMMIT}", "--json")
    predicate = parsed(result)["attestations"][0]["predicate"]
    assert predicate["buildDefinition"]["externalParameters"] == {
        "target": "//app:image",
        "source": REPOSITORY_URI,
        "flags": {"compilation_mode": "opt"},
    }
    assert predicate["buildDefinition"]["resolvedDependencies"] == [
        {"uri": REPOSITORY_URI, "digest": {"gitCommit": COMMIT}},
        {"name": "MODULE.bazel.lock", "digest": {"sha256": Digest.of(b"{}").hex}},
        {"name": "component", "digest": {"sha256": Digest.of(b"as it came in").hex}},
    ]
    assert predicate["runDetails"] == {
        "byproducts": [{"name": "signed-component", "digest": {"sha256": Digest.of(SIGNED_HELLO).hex}}],
        "builder": {"id": BUILDER},
        "metadata": {
            "invocationId": f"run-{COMMIT}",
            "startedOn": "2026-01-31T12:00:00Z",
            "finishedOn": "2026-01-31T12:01:00Z",
        },
    }
    assert "marked" not in result.output
    assert str(desk.folder) not in json.dumps(predicate)


@pytest.mark.parametrize("expected", [("--builder-id", f"{BUILDER}2"), ("--source", "git+https://example.com/evil")])
def test_provenance_of_another_build_is_refused(desk: Desk, expected: tuple[str, str]) -> None:
    desk.attest("--provenance", desk.request, *ANY, "--source", f"{REPOSITORY_URI}@{COMMIT}")
    assert "refused: POLICY_UNMET" in desk.verify("slsaprovenance1", *expected, code=3).stderr


def test_the_same_build_makes_the_same_layout(desk: Desk) -> None:
    indexes = []
    for name in ("one", "two"):
        desk.output = desk.folder / name
        desk.attest("--provenance", desk.request, *ANY)
        indexes.append((desk.output / "index.json").read_bytes())
    assert indexes[0] == indexes[1]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "give either --predicate, or --provenance"),
        (["--predicate", "sbom.json", "--builder-id", BUILDER], "give either --predicate, or --provenance"),
        (["--provenance", "request.json"], "needs --provenance and --builder-id"),
        (["--builder-id", BUILDER], "needs --provenance and --builder-id"),
        (["--provenance", "request.json", *ANY, "--type", "cyclonedx"], "makes predicates of type"),
        (["--provenance", "request.json", *ANY, "--source", "git+https://example.com/a"], "lacks the commit"),
        (["--provenance", "request.json", *ANY, "--source", "https://marked-pw@example.com/a"], "no password"),
        (["--provenance", "request.json", *ANY, "--invocation-id", "{BUILD_ID}"], "no status file was given"),
        (["--provenance", "request.json", *ANY, "--finished-on", "today"], "a time is written as"),
        (["--predicate", "request.json"], "give its type with --type"),
        (["--predicate", "sbom.json", "--type", "spdxjson"], "it looks like https://cyclonedx.org/bom"),
        (["--predicate", "sbom.json", "--type", "sbom"], "a predicate type is a URI or one of"),
        (["--predicate", "sbom.json", "--type", "https://sigstore.dev/cosign/sign/v1"], "of a signature"),
        (["--predicate", "sbom.json", "--repository", "acme"], "a repository is"),
    ],
)
def test_wrong_usage_of_attest(desk: Desk, monkeypatch: pytest.MonkeyPatch, arguments: list[str], message: str) -> None:
    monkeypatch.chdir(desk.folder)
    result = desk.attest(*arguments, code=2)
    assert message in result.stderr
    assert "marked" not in result.output
    assert not desk.output.exists()


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"SPDXVersion: SPDX-2.3\n", "the predicate is not JSON"),
        (b'{"a":"%s"}' % (b"x" * MAX_PREDICATE_SIZE), "more bytes than the limit"),
        (b'{"bomFormat":"CycloneDX","specVersion":"1.6","a":"%s"}' % (b"x" * (MAX_PREDICATE_SIZE // 4)), "the limit"),
    ],
    ids=["no_json", "file_too_large", "statement_too_large"],
)
def test_a_bad_document_is_an_error(desk: Desk, data: bytes, message: str) -> None:
    assert message in desk.attest("--predicate", desk.file("document", data), code=1).stderr
    assert not desk.output.exists()


def test_files_that_are_missing_are_errors(desk: Desk) -> None:
    missing = str(desk.folder / "missing")
    given = ("--provenance", str(desk.request), *ANY)
    for arguments in (
        ["--predicate", missing],
        ["--provenance", missing, *ANY],
        [*given, "--component", missing],
        [*given, "--material", "x", missing],
        [*given, "--status-file", missing],
    ):
        assert "cannot read" in desk.attest(*arguments, code=1).stderr


def test_nobody_who_signs_is_wrong_usage(desk: Desk) -> None:
    result = run("attest", desk.layout, "--output", desk.output, "--predicate", desk.sbom, code=2)
    assert "nobody is named who signs" in result.stderr


def test_an_encrypted_key_attests(desk: Desk) -> None:
    write_atomically(desk.key, FILE_KEY.pem_for_cosign(PASSWORD.encode()), SECRET_FILE_MODE)
    arguments = ("attest", desk.layout, "--output", desk.output, "--key", desk.key, "--predicate", desk.sbom)
    result = run(*arguments, environment={"COSIGN_PASSWORD": PASSWORD})
    assert PASSWORD not in result.output
    desk.verify("cyclonedx")


def test_a_legacy_signature_alone_is_warned_of(desk: Desk) -> None:
    signed = desk.folder / "signed"
    run(
        *("image", "sign", desk.layout, "--output", signed, "--key", desk.key),
        *("--repository", "localhost:5000/a", "--format", "legacy"),
    )
    desk.layout = signed
    assert "legacy format only" in desk.attest("--predicate", desk.sbom).stderr


def test_a_threshold_wants_several_keys(desk: Desk) -> None:
    other = desk.folder / "other"
    write_atomically(other, image_key(2).pem(), SECRET_FILE_MODE)
    desk.attest("--predicate", desk.sbom, "--key", other)
    public = desk.file("other.pub", OTHER_SIGNER.public_key.pem())
    both = ["--oci-key", str(public), "--threshold", "2"]
    (attestation,) = parsed(desk.verify("cyclonedx", *both, "--json"))["attestations"]
    assert {signature["signer"] for signature in attestation["signatures"]} == {
        SIGNER.fingerprint,
        OTHER_SIGNER.fingerprint,
    }
    desk.output = desk.folder / "alone"
    desk.attest("--predicate", desk.sbom)
    assert "refused: POLICY_UNMET" in desk.verify("cyclonedx", *both, code=3).stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--type", "cyclonedx"], "no OCI key and no identity is trusted"),
        (["--type", "sbom", "--oci-key", "oci.pub"], "a predicate type is a URI"),
        (["--type", "https://sigstore.dev/cosign/sign/v1", "--oci-key", "oci.pub"], "of a signature"),
        (["--type", "cyclonedx", "--oci-key", "oci.pub", *ANY], "a builder and a source"),
        (["--type", "slsaprovenance1", "--oci-key", "oci.pub", "--source", "acme"], "a source is"),
        (["--type", "cyclonedx", "--oci-key", "oci.pub", "--threshold", "0"], "threshold"),
        (["--oci-key", "oci.pub"], "--type"),
    ],
)
def test_wrong_usage_of_verify_attestation(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, arguments: list[str], message: str
) -> None:
    monkeypatch.chdir(desk.folder)
    assert message in run("verify-attestation", desk.layout, *arguments, code=2).stderr


@pytest.mark.parametrize("referrers", [True, False], ids=["referrers_api", "fallback_index"])
def test_publishing_carries_attestations_and_disturbs_nothing(desk: Desk, referrers: bool) -> None:
    component_key = desk.file("component.pub", pem_public(KEY))
    trusted = ["--component-key", str(component_key), "--oci-key", str(desk.public_key)]
    desk.layout = dual_layout(desk.folder)
    desk.attest("--predicate", desk.sbom)
    registry_folder = desk.folder / "registry"
    registry_folder.mkdir()
    with EmbeddedRegistry(registry_folder, referrers_api=referrers) as registry:
        insecure = ["--insecure-registry", registry.address]
        run("publish", desk.output, f"{registry.address}/acme/hello", "--tag", "v1", *trusted, *insecure)
        reference = f"{registry.address}/acme/hello:v1"
        run("verify", reference, *trusted, *insecure, "--require", "dual-layer")
        run("pull", reference, "--output", desk.folder / "pulled.wasm", *trusted, *insecure)
        result = run(*("verify-attestation", reference, "--type", "cyclonedx", *trusted[2:], *insecure, "--json"))
    assert (desk.folder / "pulled.wasm").read_bytes() == SIGNED_HELLO
    assert parsed(result)["attestations"][0]["predicate"] == json.loads(SBOM)


@pytest.mark.parametrize("rekor", [1, 2])
def test_an_identity_attests(desk: Desk, rekor: int) -> None:
    with SigstoreServer() as server:
        files = server.write(desk.folder)
        result = run(
            *("attest", desk.layout, "--output", desk.output, "--predicate", desk.sbom, "--keyless"),
            *("--identity-token", files.token, "--signing-config", files.signing_config(rekor)),
            *("--trusted-root", files.trusted_root),
        )
    assert TOKEN_SECRET not in result.output
    trusted = ("--certificate-oidc-issuer", ISSUER, "--trusted-root", files.trusted_root, "--certificate-identity")
    command = ("verify-attestation", desk.output, "--type", "cyclonedx", *trusted)
    (attestation,) = parsed(run(*command, SAN, "--json"))["attestations"]
    (signature,) = attestation["signatures"]
    assert (SAN in signature["signer"], signature["logged"]) == (True, True)
    assert signature["time"].endswith("Z")
    assert "refused: UNTRUSTED_KEY" in run(*command, f"{SAN}x", code=3).stderr
