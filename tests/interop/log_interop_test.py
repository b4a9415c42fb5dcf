"""Transparency logs of keyed signatures: the real cosign verifies what we logged, and we verify what it logged."""

import json
from pathlib import Path

import pytest

from images import KeyPair, push, signed_layout, unsigned_layout
from peers import REGISTRIES, built, registry, run, run_refused
from sigstore_fixtures import Files, SigstoreServer
from wasmoci.errors import VerificationError
from wasmoci.image_source import ImageSource
from wasmoci.image_trust import ImageTrust
from wasmoci.layout import Layout
from wasmoci.log_signatures import LogRequest, log_signatures
from wasmoci.reference import Reference
from wasmoci.registry.client import RepositoryClient
from wasmoci.registry_source import RegistrySource
from wasmoci.signature_format import SignatureFormat
from wasmoci.transparency.rekor import RekorLogs
from wasmoci.transparency.verifying import TrustedLogs
from wasmoci.image_signatures import verify_image_signatures

REPOSITORY = "localhost:5000/acme/greeting"
PASSWORD = {"COSIGN_PASSWORD": "marked-password"}
LEGACY = "--new-bundle-format=false"


def logged_layout(folder: Path, pair: KeyPair, files: Files, rekor: int, repository: str = REPOSITORY) -> Path:
    """A layout that we signed in the bundle format, and then logged."""
    signed = signed_layout(folder, pair, repository, (SignatureFormat.BUNDLE,))
    output = folder / "logged"
    logs = TrustedLogs.from_file(files.trusted_root)
    request = LogRequest(signed, output, [pair.trusted()], logs)
    assert log_signatures(request, RekorLogs.from_file(files.signing_config(rekor))).added == 1
    return output


def verify_logged(source: ImageSource, pair: KeyPair, files: Files) -> list[SignatureFormat]:
    """The formats of the signatures that count where a log entry is required."""
    trust = ImageTrust([pair.trusted()], log=TrustedLogs.from_file(files.trusted_root), log_required=True)
    verified = verify_image_signatures(source, source.subject().digest, trust)
    return [one.format for one in verified.signatures]


@pytest.mark.parametrize("rekor", [1, 2])
def test_cosign_verifies_what_we_logged_from_a_layout(rekor: int, tmp_path: Path) -> None:
    pair = KeyPair.make(tmp_path, "key")
    with SigstoreServer() as server:
        files = server.write(tmp_path)
        layout = logged_layout(tmp_path, pair, files, rekor)
    verify = ("cosign", "verify", "--key", pair.public, "--trusted-root", files.trusted_root, "--local-image")
    run(*verify, layout, folder=tmp_path)
    run_refused(*verify, tmp_path / "signed", folder=tmp_path)
    assert verify_logged(Layout(layout), pair, files) == [SignatureFormat.BUNDLE]


@pytest.mark.parametrize("rekor", [1, 2])
@pytest.mark.parametrize("kind", REGISTRIES)
def test_cosign_verifies_what_we_logged_from_a_registry(kind: str, rekor: int, tmp_path: Path) -> None:
    pair = KeyPair.make(tmp_path, "key")
    with SigstoreServer() as server:
        files = server.write(tmp_path)
        with registry(kind, tmp_path) as address:
            repository = f"{address}/acme/greeting"
            layout = logged_layout(tmp_path, pair, files, rekor, repository)
            image = push(layout, repository, pair.trusted())
            trusted_root = ("--trusted-root", files.trusted_root)
            run("cosign", "verify", "--key", pair.public, *trusted_root, "--allow-http-registry", image, folder=tmp_path)


@pytest.mark.parametrize("rekor", [1, 2])
@pytest.mark.parametrize("kind", REGISTRIES)
def test_we_verify_what_cosign_logged(kind: str, rekor: int, tmp_path: Path) -> None:
    pair = KeyPair.make_by_cosign(tmp_path)
    with SigstoreServer() as server, registry(kind, tmp_path) as address:
        files = server.write(tmp_path)
        image = push(unsigned_layout(tmp_path), f"{address}/acme/greeting")
        flags = ["--signing-config", str(files.signing_config(rekor)), "--trusted-root", str(files.trusted_root)]
        command = ["cosign", "sign", "--key", str(pair.private), *flags, "--allow-http-registry", "-y", image]
        run(*command, folder=tmp_path, environment=PASSWORD)
        reference = Reference.parse(image)
        with RepositoryClient(reference.repository, {}, [address]) as client:
            source = RegistrySource(reference, client)
            assert verify_logged(source, pair, files) == [SignatureFormat.BUNDLE]


def test_we_verify_the_legacy_signature_that_cosign_logged(tmp_path: Path) -> None:
    pair = KeyPair.make_by_cosign(tmp_path)
    with SigstoreServer() as server, registry("embedded", tmp_path) as address:
        files = server.write(tmp_path)
        image = push(unsigned_layout(tmp_path), f"{address}/acme/greeting")
        log = ("--use-signing-config=false", "--rekor-url", server.url, "--trusted-root", files.trusted_root)
        flags = (LEGACY, "--allow-http-registry", "-y")
        run("cosign", "sign", "--key", pair.private, *log, *flags, image, folder=tmp_path, environment=PASSWORD)
        reference = Reference.parse(image)
        with RepositoryClient(reference.repository, {}, [address]) as client:
            source = RegistrySource(reference, client)
            assert verify_logged(source, pair, files) == [SignatureFormat.LEGACY]
