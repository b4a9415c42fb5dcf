"""The real cosign accepts what we attest and refuses what is not so; we verify what it attests; oras shows it."""

import base64
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from images import KeyPair, push, signed_layout, unsigned_layout
from key_fixtures import open_image_signer
from peers import REGISTRIES, registry, run, run_refused
from registry_fixtures import OwnClient
from sigstore_certificate_fixtures import ISSUER, SAN
from sigstore_fixtures import Files, SigstoreServer
from wasmoci.cosign.bundle import BUNDLE_MEDIA_TYPE
from wasmoci.cosign.predicate_type import SHORT_NAMES
from wasmoci.cosign.provenance import BuildTarget, ProvenanceExpectation, Run, Source
from wasmoci.cosign.statement import Statement
from wasmoci.disk.layout import Layout
from wasmoci.keyless.identity import IdentityPattern
from wasmoci.keyless.signing import KeylessSigner
from wasmoci.keyless.verifying import IdentityVerifier
from wasmoci.registry.source import RegistrySource
from wasmoci.sign.attest import AttestRequest, attest
from wasmoci.sign.attested import image_provenance
from wasmoci.values.errors import Reason, VerificationError
from wasmoci.values.image_reference import Reference
from wasmoci.values.level import Level
from wasmoci.values.signature_format import SignatureFormat
from wasmoci.verify.attestation import AttestationPolicy, VerifiedAttestations, verify_attestation
from wasmoci.verify.image import verify
from wasmoci.verify.policy import Policy
from wasmoci.verify.trust import ImageTrust

VERIFY = ("cosign", "verify-attestation", "--insecure-ignore-tlog")
ATTEST = ("cosign", "attest", "--tlog-upload=false", "--use-signing-config=false", "--allow-http-registry", "-y")
PASSWORD = {"COSIGN_PASSWORD": "marked-password"}

BUILDER = "https://example.com/builders/ci@v1"
SOURCE = Source("git+https://example.com/acme/greeting", "7fd1a60b01f91b314f59955a4e4d4e80d8edf11d")
SBOMS = {
    "cyclonedx": b'{"bomFormat": "CycloneDX", "specVersion": "1.6", "version": 1, "components": []}',
    "spdxjson": b'{"spdxVersion": "SPDX-2.3", "SPDXID": "SPDXRef-DOCUMENT", "name": "greeting"}',
}
TYPES = ["slsaprovenance1", *SBOMS]


def predicate_of(layout: Path, type_name: str) -> bytes:
    if type_name in SBOMS:
        return SBOMS[type_name]
    return image_provenance(layout, BuildTarget("//app:greeting"), Run(BUILDER), source=SOURCE)


def attested_layout(folder: Path, layout: Path, pair: KeyPair) -> Path:
    """The layout with an attestation of each of TYPES."""
    for type_name in TYPES:
        output = folder / type_name
        attest(
            AttestRequest(layout, output, type_name, predicate_of(layout, type_name)), open_image_signer(pair.private)
        )
        layout = output
    return layout


def statement_in(output: str) -> Statement:
    """The statement that cosign printed as a DSSE envelope."""
    return Statement.parse(base64.b64decode(json.loads(output)["payload"]))


def verified_in(image: str, policy: AttestationPolicy) -> VerifiedAttestations:
    reference = Reference.parse(image)
    with OwnClient(reference.repository, {}, [reference.repository.registry]) as client:
        return verify_attestation(RegistrySource(reference, client), policy)


@pytest.mark.parametrize("kind", REGISTRIES)
def test_cosign_verifies_what_we_attest_from_a_registry(kind: str, tmp_path: Path) -> None:
    pair, other = KeyPair.make(tmp_path, "key"), KeyPair.make(tmp_path, "other")
    with registry(kind, tmp_path) as address:
        repository = f"{address}/acme/greeting"
        layout = attested_layout(tmp_path, signed_layout(tmp_path, pair, repository), pair)
        image = push(layout, repository, pair.trusted())
        for type_name in TYPES:
            command = (*VERIFY, "--allow-http-registry", "--type", type_name)
            statement = statement_in(run(*command, "--key", pair.public, image, folder=tmp_path).stdout)
            statement.check_subject(Layout(layout).subject().digest)
            assert statement.predicate_type == SHORT_NAMES[type_name]
            assert statement.predicate.members() == json.loads(predicate_of(layout, type_name))
            run_refused(*command, "--key", other.public, image, folder=tmp_path)
        run_refused(
            *(*VERIFY, "--allow-http-registry", "--type", "openvex", "--key", pair.public, image), folder=tmp_path
        )


@pytest.mark.parametrize("kind", REGISTRIES)
def test_attestations_leave_the_signatures_as_they_are(kind: str, tmp_path: Path) -> None:
    pair, stranger = KeyPair.make(tmp_path, "key"), KeyPair.make(tmp_path, "stranger")
    with registry(kind, tmp_path) as address:
        repository = f"{address}/acme/greeting"
        layout = attested_layout(tmp_path, signed_layout(tmp_path, pair, repository), stranger)
        image = push(layout, repository, pair.trusted())
        command = ("cosign", "verify", "--insecure-ignore-tlog", "--allow-http-registry", "--key", pair.public)
        run(*command, image, folder=tmp_path)
        run(*command, "--new-bundle-format=false", image, folder=tmp_path)


@pytest.mark.parametrize("type_name", TYPES)
def test_cosign_verifies_what_we_attest_in_a_layout(type_name: str, tmp_path: Path) -> None:
    pair, other = KeyPair.make(tmp_path, "key"), KeyPair.make(tmp_path, "other")
    layout = attested_layout(tmp_path, signed_layout(tmp_path, pair, "localhost:5000/acme/greeting"), pair)
    command = (*VERIFY, "--local-image", "--type", type_name)
    assert statement_in(run(*command, "--key", pair.public, layout, folder=tmp_path).stdout)
    run_refused(*command, "--key", other.public, layout, folder=tmp_path)
    run("cosign", "verify", "--insecure-ignore-tlog", "--local-image", "--key", pair.public, layout, folder=tmp_path)


def test_an_attestation_alone_is_a_signature_for_cosign_and_none_for_us(tmp_path: Path) -> None:
    pair = KeyPair.make(tmp_path, "key")
    layout = attested_layout(tmp_path, unsigned_layout(tmp_path), pair)
    run("cosign", "verify", "--insecure-ignore-tlog", "--local-image", "--key", pair.public, layout, folder=tmp_path)
    with pytest.raises(VerificationError) as refused:
        verify(Layout(layout), Policy.of([], [pair.trusted()], Level.OCI_ONLY))
    assert refused.value.reason is Reason.UNSIGNED


def test_a_legacy_signature_alone_is_what_cosign_overlooks(tmp_path: Path) -> None:
    pair, stranger = KeyPair.make(tmp_path, "key"), KeyPair.make(tmp_path, "stranger")
    layout = signed_layout(tmp_path, pair, "localhost:5000/acme/greeting", (SignatureFormat.LEGACY,))
    command = ("cosign", "verify", "--insecure-ignore-tlog", "--local-image", "--key", pair.public)
    run(*command, layout, folder=tmp_path)
    output = tmp_path / "attested"
    attested = attest(
        AttestRequest(layout, output, "cyclonedx", SBOMS["cyclonedx"]), open_image_signer(stranger.private)
    )
    run_refused(*command, output, folder=tmp_path)
    assert len(attested.warnings) == 1


@pytest.mark.parametrize("kind", REGISTRIES)
@pytest.mark.parametrize(
    ("type_name", "document"),
    [
        ("slsaprovenance1", None),
        ("cyclonedx", SBOMS["cyclonedx"]),
        ("spdxjson", SBOMS["spdxjson"]),
        ("openvex", b'{"@context": "https://openvex.dev/ns/v0.2.0", "score": 7.5}'),
        ("custom", b"plain text"),
        ("https://example.com/predicate/v1", b'{"a": 1.5}'),
    ],
)
def test_we_verify_what_cosign_attests(kind: str, type_name: str, document: bytes | None, tmp_path: Path) -> None:
    pair = KeyPair.make_by_cosign(tmp_path)
    layout = unsigned_layout(tmp_path)
    predicate = tmp_path / "predicate"
    predicate.write_bytes(predicate_of(layout, type_name) if document is None else document)
    with registry(kind, tmp_path) as address:
        image = push(layout, f"{address}/acme/greeting")
        run(
            *(*ATTEST, "--key", pair.private, "--type", type_name, "--predicate", predicate, image),
            folder=tmp_path,
            environment=PASSWORD,
        )
        (found,) = verified_in(image, AttestationPolicy(ImageTrust([pair.trusted()]), type_name)).attestations
        if type_name == "custom":
            assert found.statement.predicate.string("Data") == "plain text"
        else:
            assert found.statement.predicate.members() == json.loads(predicate.read_bytes())
        for trusted, wanted, reason in [
            (KeyPair.make(tmp_path, "other"), type_name, Reason.UNTRUSTED_KEY),
            (pair, "vuln", Reason.UNATTESTED),
        ]:
            with pytest.raises(VerificationError) as refused:
                verified_in(image, AttestationPolicy(ImageTrust([trusted.trusted()]), wanted))
            assert refused.value.reason is reason


def test_what_cosign_passes_on_of_our_provenance_is_still_as_expected(tmp_path: Path) -> None:
    pair = KeyPair.make_by_cosign(tmp_path)
    layout = unsigned_layout(tmp_path)
    (tmp_path / "predicate").write_bytes(predicate_of(layout, "slsaprovenance1"))
    with registry("embedded", tmp_path) as address:
        image = push(layout, f"{address}/acme/greeting")
        run(
            *(*ATTEST, "--key", pair.private, "--type", "slsaprovenance1", "--predicate", "predicate", image),
            folder=tmp_path,
            environment=PASSWORD,
        )
        expected = ProvenanceExpectation(BUILDER, SOURCE)
        policy = AttestationPolicy(ImageTrust([pair.trusted()]), "slsaprovenance1", expected)
        assert len(verified_in(image, policy).attestations) == 1


def test_what_cosign_signs_is_no_attestation(tmp_path: Path) -> None:
    pair = KeyPair.make_by_cosign(tmp_path)
    with registry("embedded", tmp_path) as address:
        image = push(unsigned_layout(tmp_path), f"{address}/acme/greeting")
        flags = ATTEST[2:]
        run("cosign", "sign", *flags, "--key", pair.private, image, folder=tmp_path, environment=PASSWORD)
        with pytest.raises(VerificationError) as refused:
            verified_in(image, AttestationPolicy(ImageTrust([pair.trusted()]), "custom"))
    assert refused.value.reason is Reason.UNATTESTED


@pytest.mark.parametrize("kind", REGISTRIES)
def test_oras_shows_the_attestations(kind: str, tmp_path: Path) -> None:
    pair = KeyPair.make(tmp_path, "key")
    with registry(kind, tmp_path) as address:
        repository = f"{address}/acme/greeting"
        layout = attested_layout(tmp_path, signed_layout(tmp_path, pair, repository), pair)
        image = push(layout, repository, pair.trusted())
        discover = ("oras", "discover", "--format", "json", "--artifact-type", BUNDLE_MEDIA_TYPE)
        for listed in (
            run(*discover, "--plain-http", image, folder=tmp_path).stdout,
            run(*discover, "--oci-layout", f"{layout}:v1.0.0", folder=tmp_path).stdout,
        ):
            shown = [one["annotations"] for one in json.loads(listed)["referrers"]]
            assert sorted(one["dev.sigstore.bundle.predicateType"] for one in shown) == sorted(
                ["https://sigstore.dev/cosign/sign/v1", *(SHORT_NAMES[name] for name in TYPES)]
            )
            assert {one["dev.sigstore.bundle.content"] for one in shown} == {"dsse-envelope"}


@pytest.fixture(name="server")
def _server() -> Iterator[SigstoreServer]:
    with SigstoreServer() as server:
        yield server


IDENTITY = ("--certificate-identity", SAN, "--certificate-oidc-issuer", ISSUER)


@pytest.mark.parametrize("rekor", [1, 2])
def test_cosign_verifies_what_an_identity_attests_with_us(server: SigstoreServer, rekor: int, tmp_path: Path) -> None:
    files = server.write(tmp_path)
    layout, output = unsigned_layout(tmp_path), tmp_path / "attested"
    signer = KeylessSigner(
        token_file=files.token, signing_config=files.signing_config(rekor), trusted_root=files.trusted_root
    )
    attest(AttestRequest(layout, output, "cyclonedx", b'{"bomFormat":"CycloneDX","score":7.50}'), signer)
    command = ("cosign", "verify-attestation", "--local-image", "--trusted-root", files.trusted_root)
    run(*command, *IDENTITY, "--type", "cyclonedx", output, folder=tmp_path)
    wrong = ("--certificate-identity", f"{SAN}x", "--certificate-oidc-issuer", ISSUER)
    run_refused(*command, *wrong, "--type", "cyclonedx", output, folder=tmp_path)
    policy = AttestationPolicy(identity_trust(files, SAN), "cyclonedx")
    (found,) = verify_attestation(Layout(output), policy).attestations
    assert [one.logged for one in found.attesters] == [True]
    assert found.payload.endswith(b'"score":7.50}}')


@pytest.mark.parametrize("rekor", [1, 2])
def test_we_verify_what_an_identity_attests_with_cosign(server: SigstoreServer, rekor: int, tmp_path: Path) -> None:
    files = server.write(tmp_path)
    (tmp_path / "predicate").write_bytes(SBOMS["cyclonedx"])
    with registry("embedded", tmp_path) as address:
        image = push(unsigned_layout(tmp_path), f"{address}/acme/greeting")
        run(
            *("cosign", "attest", "--identity-token", files.token, "--signing-config", files.signing_config(rekor)),
            *("--trusted-root", files.trusted_root, "--allow-http-registry", "-y"),
            *("--type", "cyclonedx", "--predicate", "predicate", image),
            folder=tmp_path,
        )
        (found,) = verified_in(image, AttestationPolicy(identity_trust(files, SAN), "cyclonedx")).attestations
        with pytest.raises(VerificationError) as refused:
            verified_in(image, AttestationPolicy(identity_trust(files, f"{SAN}x"), "cyclonedx"))
    assert found.statement.predicate.members() == json.loads(SBOMS["cyclonedx"])
    assert refused.value.reason is Reason.UNTRUSTED_KEY


def identity_trust(files: Files, identity: str) -> ImageTrust:
    pattern = IdentityPattern.of(identity=identity, issuer=ISSUER)
    return ImageTrust(certificates=IdentityVerifier(files.trusted_root, [pattern]))
