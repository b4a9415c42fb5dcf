"""Transparency logs of keyed signatures: the real cosign verifies what we logged, and we verify what it logged."""

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from image_fixtures import blob_path
from images import KeyPair, push, signed_layout, unsigned_layout
from key_fixtures import open_image_signer
from log_entry_fixtures import Ed25519Sigstore
from peers import REGISTRIES, registry, run, run_refused
from registry_fixtures import OwnClient
from sigstore_certificate_fixtures import now
from sigstore_fixtures import Files, Sigstore, SigstoreServer, timestamp
from wasmoci.disk.layout import Layout
from wasmoci.disk.layout_writer import LayoutWriter
from wasmoci.oci.graph import read_image
from wasmoci.oci.manifest import Descriptor, Manifest, referrer_descriptor
from wasmoci.oci.source import ImageSource
from wasmoci.registry.source import RegistrySource
from wasmoci.sign.attest import AttestRequest, attest
from wasmoci.sign.log import log_signatures
from wasmoci.transparency.rekor import RekorLogs
from wasmoci.transparency.verifying import TrustedLogs
from wasmoci.values.errors import Reason, VerificationError
from wasmoci.values.image_reference import Reference
from wasmoci.values.signature_format import SignatureFormat
from wasmoci.values.strict_json import dump
from wasmoci.verify.signatures import verify_image_signatures
from wasmoci.verify.trust import ImageTrust

REPOSITORY = "localhost:5000/acme/greeting"
PASSWORD = {"COSIGN_PASSWORD": "marked-password"}
HOUR = timedelta(hours=1)
LEGACY = "--new-bundle-format=false"
BUNDLE = (SignatureFormat.BUNDLE,)


def log(signed: Path, output: Path, pair: KeyPair, files: Files, rekor: int) -> Path:
    """Log the signatures of a layout into a new one."""
    logs = TrustedLogs.from_file(files.trusted_root)
    client = RekorLogs.from_file(files.signing_config(rekor), logs)
    assert log_signatures(signed, output, [pair.trusted()], logs, client).added > 0
    return output


def logged_layout(folder: Path, pair: KeyPair, files: Files, rekor: int, repository: str = REPOSITORY) -> Path:
    """A layout that we signed in the bundle format, and then logged."""
    return log(signed_layout(folder, pair, repository, BUNDLE), folder / "logged", pair, files, rekor)


def verify_logged(source: ImageSource, pair: KeyPair, files: Files) -> list[SignatureFormat]:
    """The formats of the signatures that count where a log entry is required."""
    trust = ImageTrust([pair.trusted()], log=TrustedLogs.from_file(files.trusted_root), log_required=True)
    verified = verify_image_signatures(read_image(source), trust)
    return [one.format for one in verified.signatures]


def assert_verified_by_cosign(layout: Path, pair: KeyPair, files: Files) -> None:
    verify = ("cosign", "verify", "--key", pair.public, "--trusted-root", files.trusted_root)
    run(*verify, "--local-image", layout, folder=layout.parent)


def assert_refused_by_cosign(layout: Path, pair: KeyPair, files: Files) -> None:
    verify = ("cosign", "verify", "--key", pair.public, "--trusted-root", files.trusted_root)
    run_refused(*verify, "--local-image", layout, folder=layout.parent)


@pytest.mark.parametrize("rekor", [1, 2])
def test_cosign_verifies_what_we_logged_from_a_layout(rekor: int, tmp_path: Path) -> None:
    pair = KeyPair.make(tmp_path, "key")
    with SigstoreServer() as server:
        files = server.write(tmp_path)
        layout = logged_layout(tmp_path, pair, files, rekor)
    assert_refused_by_cosign(tmp_path / "signed", pair, files)
    assert_verified_by_cosign(layout, pair, files)
    assert verify_logged(Layout(layout), pair, files) == [SignatureFormat.BUNDLE]


@pytest.mark.parametrize(
    ("rekor", "kind"), [(1, "rsa-2048"), (1, "ed25519"), (1, "ecdsa-p384"), (1, "ecdsa-p521"), (2, "rsa-3072")]
)
def test_cosign_verifies_logged_signatures_of_other_keys(rekor: int, kind: str, tmp_path: Path) -> None:
    pair = KeyPair.make(tmp_path, "key", kind)
    with SigstoreServer() as server:
        files = server.write(tmp_path)
        assert_verified_by_cosign(logged_layout(tmp_path, pair, files, rekor), pair, files)


def test_cosign_verifies_an_entry_of_a_log_that_signs_with_ed25519(tmp_path: Path) -> None:
    pair = KeyPair.make(tmp_path, "key")
    with SigstoreServer(Ed25519Sigstore()) as server:
        files = server.write(tmp_path)
        layout = logged_layout(tmp_path, pair, files, 2)
    assert_verified_by_cosign(layout, pair, files)
    assert verify_logged(Layout(layout), pair, files) == [SignatureFormat.BUNDLE]


@pytest.mark.parametrize("rekor", [1, 2])
def test_the_entries_of_another_sigstore_are_refused_by_cosign_and_by_us(rekor: int, tmp_path: Path) -> None:
    pair = KeyPair.make(tmp_path, "key")
    with SigstoreServer() as server:
        files = server.write(tmp_path)
        layout = logged_layout(tmp_path, pair, files, rekor)
        server.sigstore = Sigstore()
        other = server.write(tmp_path)
    assert_refused_by_cosign(layout, pair, other)
    with pytest.raises(VerificationError) as refused:
        verify_logged(Layout(layout), pair, other)
    assert refused.value.reason is Reason.NOT_LOGGED


@pytest.mark.parametrize("rekor", [1, 2])
def test_an_entry_of_another_signature_is_refused_by_cosign_and_by_us(rekor: int, tmp_path: Path) -> None:
    pair = KeyPair.make(tmp_path, "key")
    with SigstoreServer() as server:
        files = server.write(tmp_path)
        second = tmp_path / "second"
        attest(
            AttestRequest(signed_layout(tmp_path, pair, REPOSITORY, BUNDLE), second, "custom", b"{}"),
            open_image_signer(pair.private),
        )
        both = log(second, tmp_path / "both", pair, files, rekor)
    swapped = swap_entries(both, tmp_path / "swapped")
    assert_verified_by_cosign(swap_entries(swapped, tmp_path / "swapped_back"), pair, files)
    assert_refused_by_cosign(swapped, pair, files)
    with pytest.raises(VerificationError) as refused:
        verify_logged(Layout(swapped), pair, files)
    assert refused.value.reason is Reason.NOT_LOGGED


def swap_entries(layout: Path, output: Path) -> Path:
    """A copy of a layout with two bundles in which each has the log entry of the other."""
    source = Layout(layout)
    carriers = source.referrers(source.subject().digest).descriptors
    manifests = [Manifest.parse(source.read_manifest(one)) for one in carriers]
    bundles = [json.loads(source.read_blob(one.layers[0], 2**20)) for one in manifests]
    entries = [one["verificationMaterial"]["tlogEntries"] for one in bundles]
    writer = LayoutWriter.start(output)
    writer.copy_all(source)
    for gone in (*carriers, *(one.layers[0] for one in manifests)):
        blob_path(output, gone.digest).unlink()
    referrers = []
    for manifest, bundle, entry in zip(manifests, bundles, reversed(entries), strict=True):
        bundle["verificationMaterial"]["tlogEntries"] = entry
        blob = dump(bundle)
        changed = manifest._replace(layers=[Descriptor.of(manifest.layers[0].media_type, blob)])
        for data in (blob, changed.to_bytes()):
            writer.add(data)
        referrers.append(referrer_descriptor(changed, changed.to_bytes()))
    writer.finish([source.subject(), *referrers])
    return output


@pytest.mark.parametrize("rekor", [1, 2])
@pytest.mark.parametrize("kind", REGISTRIES)
def test_cosign_verifies_what_we_logged_from_a_registry(kind: str, rekor: int, tmp_path: Path) -> None:
    pair = KeyPair.make(tmp_path, "key")
    with SigstoreServer() as server, registry(kind, tmp_path) as address:
        files = server.write(tmp_path)
        repository = f"{address}/acme/greeting"
        image = push(logged_layout(tmp_path, pair, files, rekor, repository), repository, pair.trusted())
        trust = ("--key", pair.public, "--trusted-root", files.trusted_root)
        run("cosign", "verify", *trust, "--allow-http-registry", image, folder=tmp_path)


@pytest.mark.parametrize("rekor", [1, 2])
def test_cosign_verifies_an_attestation_that_we_logged(rekor: int, tmp_path: Path) -> None:
    pair = KeyPair.make(tmp_path, "key")
    signer = open_image_signer(pair.private)
    with SigstoreServer() as server, registry("embedded", tmp_path) as address:
        files = server.write(tmp_path)
        repository = f"{address}/acme/greeting"
        attested = tmp_path / "attested"
        attest(AttestRequest(signed_layout(tmp_path, pair, repository, BUNDLE), attested, "custom", b"{}"), signer)
        image = push(log(attested, tmp_path / "logged", pair, files, rekor), repository, pair.trusted())
        trust = ("--key", pair.public, "--trusted-root", files.trusted_root, "--type", "custom")
        run("cosign", "verify-attestation", *trust, "--allow-http-registry", image, folder=tmp_path)


@pytest.mark.parametrize("rekor", [1, 2])
@pytest.mark.parametrize("kind", REGISTRIES)
def test_we_verify_what_cosign_logged(kind: str, rekor: int, tmp_path: Path) -> None:
    pair = KeyPair.make_by_cosign(tmp_path)
    with SigstoreServer() as server, registry(kind, tmp_path) as address:
        files = server.write(tmp_path)
        image = push(unsigned_layout(tmp_path), f"{address}/acme/greeting")
        logs = ("--signing-config", files.signing_config(rekor), "--trusted-root", files.trusted_root)
        sign = ("cosign", "sign", "--key", pair.private, *logs, "--allow-http-registry", "-y", image)
        run(*sign, folder=tmp_path, environment=PASSWORD)
        assert_verified_by_us(image, address, pair, files, SignatureFormat.BUNDLE)


@pytest.mark.parametrize("by_cosign", [True, False])
def test_a_signature_holds_by_its_time_stamp_after_the_shard_ended(by_cosign: bool, tmp_path: Path) -> None:
    pair = KeyPair.make_by_cosign(tmp_path) if by_cosign else KeyPair.make(tmp_path, "key")
    with SigstoreServer() as server, registry("embedded", tmp_path) as address:
        files = server.write(tmp_path)
        repository = f"{address}/acme/greeting"
        if by_cosign:
            image = push(unsigned_layout(tmp_path), repository)
            logs = ("--signing-config", files.signing_config(2), "--trusted-root", files.trusted_root)
            sign = ("cosign", "sign", "--key", pair.private, *logs, "--allow-http-registry", "-y", image)
            run(*sign, folder=tmp_path, environment=PASSWORD)
        else:
            image = push(logged_layout(tmp_path, pair, files, 2, repository), repository, pair.trusted())
        root = json.loads(files.trusted_root.read_bytes())
        root["tlogs"][1]["publicKey"]["validFor"]["end"] = timestamp(now() + HOUR)
        files.trusted_root.write_bytes(dump(root))
        ended = replace(TrustedLogs.from_file(files.trusted_root), clock=(now() + 2 * HOUR).timestamp)
        reference = Reference.parse(image)
        with OwnClient(reference.repository, {}, [address]) as client:
            graph = read_image(RegistrySource(reference, client))
            trust = ImageTrust([pair.trusted()], log=ended, log_required=True)
            assert len(verify_image_signatures(graph, trust).signatures) == 1
            without = replace(trust, log=replace(ended, authorities=()))
            with pytest.raises(VerificationError) as refused:
                verify_image_signatures(graph, without)
    assert refused.value.reason is Reason.NOT_LOGGED


@pytest.mark.parametrize("kind", REGISTRIES)
def test_we_verify_the_legacy_signature_that_cosign_logged(kind: str, tmp_path: Path) -> None:
    pair = KeyPair.make_by_cosign(tmp_path)
    with SigstoreServer() as server, registry(kind, tmp_path) as address:
        files = server.write(tmp_path)
        image = push(unsigned_layout(tmp_path), f"{address}/acme/greeting")
        logs = ("--use-signing-config=false", "--rekor-url", server.url, "--trusted-root", files.trusted_root)
        sign = ("cosign", "sign", "--key", pair.private, LEGACY, *logs, "--allow-http-registry", "-y", image)
        run(*sign, folder=tmp_path, environment=PASSWORD)
        assert_verified_by_us(image, address, pair, files, SignatureFormat.LEGACY)


def assert_verified_by_us(image: str, address: str, pair: KeyPair, files: Files, form: SignatureFormat) -> None:
    """And with the logs of another Sigstore it is not."""
    reference = Reference.parse(image)
    with OwnClient(reference.repository, {}, [address]) as client:
        source = RegistrySource(reference, client)
        assert verify_logged(source, pair, files) == [form]
        with SigstoreServer() as other, pytest.raises(VerificationError) as refused:
            verify_logged(source, pair, other.write(files.token.parent))
    assert refused.value.reason is Reason.NOT_LOGGED
