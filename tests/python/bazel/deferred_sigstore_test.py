"""Identities sign when an image is published, and signatures with keys are logged then."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from image_fixtures import FILE_KEY, PUBLIC_KEY
from observed_registry_fixtures import Event, ObservedRegistry
from publish_fixtures import PATH, client_for, dual_layout, target_request, unsigned_layout
from sigstore_certificate_fixtures import ISSUER, SAN
from sigstore_fixtures import TOKEN_SECRET, Files, SigstoreServer
from wasm_fixtures import KEY
from wasmoci.bazel.programs import publish as publish_program
from wasmoci.commands.main import main
from wasmoci.keyless.identity import IdentityPattern
from wasmoci.keyless.verifying import IdentityVerifier
from wasmoci.keys.component import pem_public
from wasmoci.registry.source import RegistrySource
from wasmoci.transparency.verifying import TrustedLogs
from wasmoci.values.image_reference import Reference, Repository
from wasmoci.values.level import Level
from wasmoci.values.signature_format import SignatureFormat
from wasmoci.values.strict_json import dump
from wasmoci.verify.image import verify
from wasmoci.verify.policy import Policy, Verified
from wasmoci.verify.trust import ImageTrust

IDENTITY = ["--certificate-identity", SAN, "--certificate-oidc-issuer", ISSUER]


@pytest.fixture(name="server")
def _server() -> Iterator[SigstoreServer]:
    with SigstoreServer() as server:
        yield server


@pytest.fixture(name="files")
def _files(server: SigstoreServer, tmp_path: Path) -> Files:
    """Sigstore's files, beside the keys of both layers."""
    (tmp_path / "component.pub").write_bytes(pem_public(KEY))
    (tmp_path / "oci.pub").write_bytes(PUBLIC_KEY.pem())
    (tmp_path / "oci.key").write_bytes(FILE_KEY.pem())
    (tmp_path / "oci.key").chmod(0o600)
    return server.write(tmp_path)


@pytest.fixture(name="events")
def _events() -> list[Event]:
    return []


@pytest.fixture(name="address")
def _address(tmp_path: Path, events: list[Event]) -> Iterator[str]:
    with ObservedRegistry(tmp_path / "registry", observer=events.append) as registry:
        yield registry.address


def keyless(files: Files, rekor: int) -> list[str]:
    where = ["--signing-config", str(files.signing_config(rekor)), "--trusted-root", str(files.trusted_root)]
    return ["--keyless", "--identity-token", str(files.token), *where]


def publish(layout: Path, address: str, *arguments: str, code: int = 0) -> Result:
    to = [f"{address}/{PATH}", "--tag", "v1", "--insecure-registry", address]
    key = ["--component-key", str(layout.parent / "component.pub")]
    result = CliRunner().invoke(main, ["publish", str(layout), *to, *key, *arguments])
    assert result.exit_code == code, result.output + repr(result.exception)
    assert isinstance(result.exception, SystemExit | None), repr(result.exception)
    return result


def verified(address: str, trust: ImageTrust) -> Verified:
    source = RegistrySource(Reference(Repository(address, PATH), "v1", None), client_for(address))
    return verify(source, Policy.of([KEY], trust))


@pytest.mark.parametrize("rekor", [1, 2])
def test_an_identity_signs_what_is_published(rekor: int, files: Files, address: str, tmp_path: Path) -> None:
    publish(unsigned_layout(tmp_path), address, *keyless(files, rekor), *IDENTITY)
    trust = ImageTrust((), IdentityVerifier(files.trusted_root, [IdentityPattern.of(identity=SAN, issuer=ISSUER)]))
    found = verified(address, trust)
    assert found.level is Level.DUAL_LAYER
    assert [one.format for one in found.image_signatures] == [SignatureFormat.BUNDLE]


def test_an_identity_that_the_policy_does_not_trust_publishes_nothing(
    files: Files, address: str, events: list[Event], tmp_path: Path
) -> None:
    other = ["--certificate-identity", "other@example.com", "--certificate-oidc-issuer", ISSUER]
    publish(unsigned_layout(tmp_path), address, *keyless(files, 1), *other, code=3)
    assert events == []


def test_a_token_that_is_refused_publishes_nothing_and_is_not_shown(
    files: Files, server: SigstoreServer, address: str, events: list[Event], tmp_path: Path
) -> None:
    answer = server.answer
    server.answer = lambda request: (  # type: ignore[method-assign]
        (401, b"denied") if request.path.endswith("signingCert") else answer(request)
    )
    result = publish(unsigned_layout(tmp_path), address, *keyless(files, 1), *IDENTITY, code=1)
    assert len(result.output.splitlines()) == 1
    assert TOKEN_SECRET not in result.output
    assert events == []


def test_the_format_that_an_identity_cannot_sign_is_wrong_usage(
    files: Files, server: SigstoreServer, address: str, tmp_path: Path
) -> None:
    result = publish(unsigned_layout(tmp_path), address, *keyless(files, 1), *IDENTITY, "--format", "legacy", code=2)
    assert "an identity signs bundles only" in result.output
    assert server.requests == []


@pytest.mark.parametrize("rekor", [1, 2])
@pytest.mark.parametrize("signed_before", [True, False])
def test_signatures_with_keys_are_logged_when_they_are_published(
    signed_before: bool, rekor: int, files: Files, address: str, tmp_path: Path
) -> None:
    layout = dual_layout(tmp_path) if signed_before else unsigned_layout(tmp_path)
    signing = [] if signed_before else ["--key", str(tmp_path / "oci.key"), "--format", "bundle"]
    log = ["--log-config", str(files.signing_config(rekor)), "--trusted-root", str(files.trusted_root)]
    publish(layout, address, *signing, *log, "--require-log", "--oci-key", str(tmp_path / "oci.pub"))
    trust = ImageTrust([PUBLIC_KEY], log=TrustedLogs.from_file(files.trusted_root), log_required=True)
    assert [one.logged for one in verified(address, trust).image_signatures] == [True]


def test_what_an_identity_signs_is_not_logged_twice(
    files: Files, server: SigstoreServer, address: str, tmp_path: Path
) -> None:
    log = ["--log-config", str(files.signing_config(1))]
    publish(unsigned_layout(tmp_path), address, *keyless(files, 1), *IDENTITY, *log)
    assert len([one for one in server.requests if "/log/entries" in one.path]) == 1


def test_a_log_that_fails_publishes_nothing(
    files: Files, server: SigstoreServer, address: str, events: list[Event], tmp_path: Path
) -> None:
    server.answer = lambda request: (500, b"")  # type: ignore[method-assign]
    log = ["--log-config", str(files.signing_config(1)), "--trusted-root", str(files.trusted_root)]
    publish(dual_layout(tmp_path), address, *log, "--oci-key", str(tmp_path / "oci.pub"), code=1)
    assert events == []


def test_a_target_signs_as_an_identity_and_logs(
    files: Files, address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RUNFILES_DIR", str(tmp_path))
    monkeypatch.delenv("RUNFILES_MANIFEST_FILE", raising=False)
    dual_layout(tmp_path)
    trusted_root = files.trusted_root.name
    sigstore = {"signingConfig": files.signing_config(1).name, "trustedRoot": trusted_root}
    request = target_request(
        "dual",
        [f"{address}/{PATH}"],
        [address],
        trust={
            "identities": [{"identity": SAN, "issuer": ISSUER}],
            "ociThreshold": 2,
            "trustedRoot": trusted_root,
            "requireLog": True,
        },
        signing={
            "oci": [{"keyless": {"identityToken": str(files.token), **sigstore}}],
            "formats": ["bundle", "legacy"],
            "log": sigstore,
        },
    )
    (tmp_path / "request.json").write_bytes(dump(request))
    result = CliRunner().invoke(publish_program.publish, ["--request", "request.json"])
    assert result.exit_code == 0, result.output + repr(result.exception)
    trust = ImageTrust(
        [PUBLIC_KEY],
        IdentityVerifier(files.trusted_root, [IdentityPattern.of(identity=SAN, issuer=ISSUER)]),
        TrustedLogs.from_file(files.trusted_root),
        log_required=True,
        threshold=2,
    )
    assert len(verified(address, trust).image_signatures) == 2
