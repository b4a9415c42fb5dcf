"""Identities instead of keys: cosign, sigstore-python and we verify what each of us signs, with a local Sigstore."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import ExtendedKeyUsageOID
from sigstore.errors import VerificationError as SigstoreRefusal
from sigstore.models import Bundle, TrustedRoot
from sigstore.verify import Verifier
from sigstore.verify.policy import Identity as SigstoreIdentity

from images import attach_bundle, push, unsigned_layout
from peers import REGISTRIES, built, registry, run, run_refused
from registry_fixtures import OwnClient
from sigstore_certificate_fixtures import ISSUER, SAN, YEAR, Authority, Leaf, now
from sigstore_fixtures import Files, Sigstore, SigstoreServer, timestamp
from sigstore_log_fixtures import Json, Log
from wasmoci.disk.layout import Layout
from wasmoci.keyless.identity import IdentityPattern
from wasmoci.keyless.signing import KeylessSigner
from wasmoci.keyless.verifying import IdentityVerifier
from wasmoci.keys.component_files import load_component_key
from wasmoci.oci.graph import read_image
from wasmoci.oci.source import ImageSource
from wasmoci.registry.source import RegistrySource
from wasmoci.sign.image import SignRequest, sign_image
from wasmoci.values.errors import Reason, VerificationError
from wasmoci.values.image_reference import Reference
from wasmoci.values.level import Level
from wasmoci.values.signature_format import SignatureFormat
from wasmoci.values.strict_json import dump
from wasmoci.verify.attached_bundles import attached_bundles
from wasmoci.verify.image import verify
from wasmoci.verify.policy import Policy
from wasmoci.verify.trust import ImageTrust

WRONG_IDENTITY = IdentityPattern.of(identity=f"{SAN}x", issuer=ISSUER)
WRONG_ISSUER = IdentityPattern.of(identity=SAN, issuer="https://evil.example")
PATTERNS = [
    IdentityPattern.of(identity=SAN, issuer=ISSUER),
    IdentityPattern.of(
        identity_regexp=r"https://ci\.example\.com/acme/.*", issuer_regexp=r"https://token\.example\.com"
    ),
]


@pytest.fixture(name="server")
def _server() -> Iterator[SigstoreServer]:
    with SigstoreServer() as server:
        yield server


def verify_command(files: Files, identity: str = SAN, issuer: str = ISSUER) -> list[str]:
    command = ["cosign", "verify", "--certificate-identity", identity, "--certificate-oidc-issuer", issuer]
    return [*command, "--trusted-root", str(files.trusted_root)]


def check_cosign(files: Files, *image: str | Path, folder: Path) -> None:
    """cosign verifies the image for our identity and for no other."""
    run(*verify_command(files), *image, folder=folder)
    run_refused(*verify_command(files, identity=f"{SAN}x"), *image, folder=folder)
    run_refused(*verify_command(files, issuer="https://evil.example"), *image, folder=folder)


def check_sigstore_python(files: Files, source: ImageSource) -> None:
    """sigstore-python itself verifies the one bundle for our identity and for no other."""
    (attached,) = attached_bundles(read_image(source), [])
    verifier = Verifier(trusted_root=TrustedRoot.from_file(str(files.trusted_root)))
    bundle = Bundle.from_json(attached.data)
    _, payload = verifier.verify_dsse(bundle, SigstoreIdentity(identity=SAN, issuer=ISSUER))
    assert payload == attached.bundle.envelope.payload
    with pytest.raises(SigstoreRefusal):
        verifier.verify_dsse(bundle, SigstoreIdentity(identity=f"{SAN}x", issuer=ISSUER))


def check_ours(files: Files, source: ImageSource) -> None:
    """We verify the image for our identity and for no other."""
    component_key = load_component_key(built("keys/placeholder_component.pub"))
    for pattern in PATTERNS:
        trust = ImageTrust(certificates=IdentityVerifier(files.trusted_root, [pattern]))
        verified = verify(source, Policy.of([component_key], trust, Level.DUAL_LAYER))
        assert [one.signer.fingerprint for one in verified.image_signatures] == [PATTERNS[0].name]
    for wrong in (WRONG_IDENTITY, WRONG_ISSUER):
        with pytest.raises(VerificationError) as refused:
            verify(source, Policy.of([], ImageTrust(certificates=IdentityVerifier(files.trusted_root, [wrong]))))
        assert refused.value.reason is Reason.UNTRUSTED_KEY


def signed_layout(files: Files, rekor: int, folder: Path) -> Path:
    """The greeting component in a layout that the token's identity signed."""
    signer = KeylessSigner(
        token_file=files.token, signing_config=files.signing_config(rekor), trusted_root=files.trusted_root
    )
    layout = folder / "signed"
    request = SignRequest(unsigned_layout(folder), layout, "localhost/acme/greeting", [SignatureFormat.BUNDLE])
    sign_image(request, signer)
    return layout


@pytest.mark.parametrize("rekor", [1, 2])
@pytest.mark.parametrize("kind", REGISTRIES)
def test_we_verify_what_cosign_signed(server: SigstoreServer, kind: str, rekor: int, tmp_path: Path) -> None:
    files = server.write(tmp_path)
    flags = ["--signing-config", str(files.signing_config(rekor)), "--trusted-root", str(files.trusted_root)]
    flags += ["--identity-token", str(files.token), "--allow-http-registry", "-y"]
    with registry(kind, tmp_path) as address:
        image = push(unsigned_layout(tmp_path), f"{address}/acme/greeting")
        run("cosign", "sign", *flags, image, folder=tmp_path)
        check_cosign(files, "--allow-http-registry", image, folder=tmp_path)
        reference = Reference.parse(image)
        with OwnClient(reference.repository, {}, [address]) as client:
            source = RegistrySource(reference, client)
            check_ours(files, source)
            check_sigstore_python(files, source)


@pytest.mark.parametrize("rekor", [1, 2])
@pytest.mark.parametrize("kind", REGISTRIES)
def test_cosign_verifies_what_we_signed_from_a_registry(
    server: SigstoreServer, kind: str, rekor: int, tmp_path: Path
) -> None:
    files = server.write(tmp_path)
    layout = signed_layout(files, rekor, tmp_path)
    with registry(kind, tmp_path) as address:
        image = push(layout, f"{address}/acme/greeting")
        check_cosign(files, "--allow-http-registry", image, folder=tmp_path)
        check_cosign(files, "--allow-http-registry", f"{address}/acme/greeting:v1.0.0", folder=tmp_path)


@pytest.mark.parametrize("rekor", [1, 2])
def test_cosign_and_sigstore_python_verify_what_we_signed_from_a_layout(
    server: SigstoreServer, rekor: int, tmp_path: Path
) -> None:
    files = server.write(tmp_path)
    layout = signed_layout(files, rekor, tmp_path)
    check_cosign(files, "--local-image", layout, folder=tmp_path)
    check_sigstore_python(files, Layout(layout))
    check_ours(files, Layout(layout))


def test_we_read_the_configuration_that_cosign_writes(server: SigstoreServer, tmp_path: Path) -> None:
    files = server.write(tmp_path)
    sigstore, url = server.sigstore, server.url
    start = f"start-time={timestamp(now() - YEAR)}"
    ca, tsa = tmp_path / "ca.pem", tmp_path / "tsa.pem"
    ca.write_bytes(b"".join(one.public_bytes(Encoding.PEM) for one in sigstore.authority.chain))
    tsa.write_bytes(b"".join(one.public_bytes(Encoding.PEM) for one in (sigstore.tsa.certificate, sigstore.tsa.root)))
    keys = {"rekor": sigstore.rekor1.key, "rekor2": sigstore.rekor2.key, "ct": sigstore.authority.log_key}
    for name, key in keys.items():
        pem = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        (tmp_path / f"{name}.pub").write_bytes(pem)
    run(
        *("cosign", "trusted-root", "create", "--out", files.trusted_root),
        f"--fulcio=url={url},certificate-chain={ca}",
        f"--tsa=url={url}/tsa,certificate-chain={tsa}",
        f"--ctfe=url={url}/ct,public-key={tmp_path / 'ct.pub'},{start}",
        f"--rekor=url={url},public-key={tmp_path / 'rekor.pub'},{start}",
        f"--rekor=url={url}/rekor2,public-key={tmp_path / 'rekor2.pub'},{start}",
        folder=tmp_path,
    )
    services = {"fulcio": (url, 1), "oidc-provider": (url, 1), "rekor": (f"{url}/rekor2", 2), "tsa": (f"{url}/tsa", 1)}
    run(
        *("cosign", "signing-config", "create", "--out", files.signing_config_v2),
        *("--rekor-config=ANY", "--tsa-config=ANY"),
        *(
            f"--{name}=url={address},api-version={version},{start},operator=example"
            for name, (address, version) in services.items()
        ),
        folder=tmp_path,
    )
    layout = signed_layout(files, 2, tmp_path)
    check_cosign(files, "--local-image", layout, folder=tmp_path)
    check_ours(files, Layout(layout))


@dataclass(frozen=True)
class Forger:
    """A StatementSigner whose bundles are what `forge` makes of the statement."""

    forge: Callable[[bytes], Json]
    fingerprint: str = "forger"
    bundles_only: bool = True

    def sign_statement(self, statement: bytes) -> bytes:
        return dump(self.forge(statement))

    def sign_payload(self, payload: bytes) -> bytes:
        raise AssertionError("a raw signature was asked for")


def foreign_log(sigstore: Sigstore, statement: bytes) -> Json:
    signed = sigstore.sign(statement)
    return signed.bundle(signed.logged_v1(Log(1, sigstore.rekor1.origin)))


def entry_of_another_artifact(sigstore: Sigstore, statement: bytes) -> Json:
    return sigstore.sign(statement).bundle(sigstore.sign(b"another").logged_v1(sigstore.rekor1))


def unknown_authority(sigstore: Sigstore, statement: bytes) -> Json:
    return replace(sigstore, authority=Authority()).bundle(statement)


FORGERIES: dict[str, Callable[[Sigstore, bytes], Json]] = {
    "expired_certificate": lambda sigstore, statement: sigstore.bundle(statement, Leaf(start=now() - YEAR)),
    "missing_sct": lambda sigstore, statement: sigstore.bundle(statement, Leaf(sct=None)),
    "wrong_eku": lambda sigstore, statement: sigstore.bundle(
        statement, Leaf(extended_usage=[ExtendedKeyUsageOID.SERVER_AUTH])
    ),
    "foreign_log": foreign_log,
    "entry_of_another_artifact": entry_of_another_artifact,
    "unknown_authority": unknown_authority,
}


@pytest.mark.parametrize("name", ["good", *FORGERIES])
def test_forgery_is_refused_by_cosign_and_by_us(name: str, tmp_path: Path) -> None:
    sigstore = Sigstore()
    forge = FORGERIES.get(name, Sigstore.bundle)
    root, layout = tmp_path / "trusted_root.json", tmp_path / "signed"
    root.write_bytes(dump(sigstore.trusted_root()))
    request = SignRequest(unsigned_layout(tmp_path), layout, "localhost/acme/greeting", [SignatureFormat.BUNDLE])
    sign_image(request, Forger(lambda statement: forge(sigstore, statement)))
    command = ["cosign", "verify", "--certificate-identity", SAN, "--certificate-oidc-issuer", ISSUER]
    command += ["--trusted-root", str(root), "--local-image", str(layout)]
    policy = Policy.of([], ImageTrust(certificates=IdentityVerifier(root, PATTERNS)))
    if name == "good":
        run(*command, folder=tmp_path)
        assert verify(Layout(layout), policy)
        return
    run_refused(*command, folder=tmp_path)
    with pytest.raises(VerificationError):
        verify(Layout(layout), policy)


def test_legacy_format_of_an_identity_is_refused_and_said_so(server: SigstoreServer, tmp_path: Path) -> None:
    """It is bound to no inclusion proof, and sigstore-python does not read it: only bundles of identities count."""
    files = server.write(tmp_path)
    keys = {
        "SIGSTORE_CT_LOG_PUBLIC_KEY_FILE": server.sigstore.authority.log_key,
        "SIGSTORE_REKOR_PUBLIC_KEY": server.sigstore.rekor1.key,
    }
    environment = {}
    for name, key in keys.items():
        path = tmp_path / f"{name}.pub"
        path.write_bytes(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
        environment[name] = str(path)
    root = tmp_path / "root.pem"
    root.write_bytes(server.sigstore.authority.root.public_bytes(Encoding.PEM))
    environment["SIGSTORE_ROOT_FILE"] = str(root)
    flags = [
        "--new-bundle-format=false",
        "--use-signing-config=false",
        "--fulcio-url",
        server.url,
        "--rekor-url",
        server.url,
    ]
    with registry("embedded", tmp_path) as address:
        image = push(unsigned_layout(tmp_path), f"{address}/acme/greeting")
        flags += ["--identity-token", str(files.token), "--allow-http-registry", "-y"]
        run("cosign", "sign", *flags, image, folder=tmp_path, environment=environment)
        reference = Reference.parse(image)
        with OwnClient(reference.repository, {}, [address]) as client:
            source = RegistrySource(reference, client)
            with pytest.raises(VerificationError, match="only bundles of these count") as refused:
                verify(source, Policy.of([], ImageTrust(certificates=IdentityVerifier(files.trusted_root, PATTERNS))))
    assert refused.value.reason is Reason.UNTRUSTED_KEY


def test_a_chain_of_certificates_is_accepted_by_cosign_where_it_is_allowed_and_not_by_us(
    server: SigstoreServer, tmp_path: Path
) -> None:
    files = server.write(tmp_path)
    (attached,) = attached_bundles(read_image(Layout(signed_layout(files, 1, tmp_path))), [])
    bundle = json.loads(attached.data)
    material = bundle["verificationMaterial"]
    material["x509CertificateChain"] = {"certificates": [material.pop("certificate")]}
    layout = tmp_path / "unsigned"
    attach_bundle(layout, dump(bundle))
    command = [*verify_command(files), "--local-image", str(layout)]
    run_refused(*command, folder=tmp_path)
    run(*command, "--allow-certificate-chain", folder=tmp_path)
    with pytest.raises(VerificationError) as refused:
        verify(Layout(layout), Policy.of([], ImageTrust(certificates=IdentityVerifier(files.trusted_root, PATTERNS))))
    assert refused.value.reason is Reason.MALFORMED
