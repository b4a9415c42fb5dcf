"""Registries with TLS that Bazel pulls from: simulated ones, whose every answer is chosen, and the embedded one."""

import io
import json
import ssl
from functools import partial
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, pkcs12

from image_fixtures import MemoryImage
from registry_fixtures import REPOSITORY_PATH, Answer, Tls
from wasmoci.component_referrer import SIGNATURE_MEDIA_TYPE, component_signature_referrer
from wasmoci.oci import (
    EMPTY_CONFIG,
    EMPTY_MEDIA_TYPE,
    INDEX_MEDIA_TYPE,
    MANIFEST_MEDIA_TYPE,
    Descriptor,
    Manifest,
    referrer_descriptor,
)
from wasmoci.reference import Repository
from wasmoci.registry.client import RepositoryClient
from wasmoci.registry.server import EmbeddedRegistry
from wasmoci.registry.server_auth import ServerAuth
from wasmoci.simple_signing import signature_tag

TRUST_STORE_PASSWORD = "changeit"


class TlsRegistry(EmbeddedRegistry):
    """The embedded registry with TLS in front."""

    def __init__(self, folder: Path, tls: ssl.SSLContext, auth: ServerAuth | None = None) -> None:
        super().__init__(folder, auth=auth)
        self._server.socket = tls.wrap_socket(self._server.socket, server_side=True, do_handshake_on_connect=False)


def trust_store(tls: Tls, path: Path) -> None:
    """Write the certificate of `tls` as a Java program reads what it trusts."""
    certificate = x509.load_pem_x509_certificate(Path(tls.environment["SSL_CERT_FILE"]).read_bytes())
    entries = [pkcs12.PKCS12Certificate(certificate, b"test")]
    encryption = BestAvailableEncryption(TRUST_STORE_PASSWORD.encode())
    path.write_bytes(pkcs12.serialize_java_truststore(entries, encryption))


def listing(entries: list[dict[str, object]]) -> Answer:
    """A list of referrers."""
    index = {"schemaVersion": 2, "mediaType": INDEX_MEDIA_TYPE, "manifests": entries}
    return Answer(headers={"Content-Type": INDEX_MEDIA_TYPE}, body=json.dumps(index).encode())


def answers(image: MemoryImage, *, referrers_api: bool = True) -> dict[str, Answer]:
    """What a registry answers that has this image and all that is attached to it."""
    found = {f"GET blobs/{digest}": Answer(body=data) for digest, data in image.blobs.items()}
    for descriptor in (image.image, image.legacy, *image.attached):
        if descriptor is not None:
            found[f"GET manifests/{descriptor.digest}"] = _manifest(image, descriptor)
    if image.legacy is not None:
        found[f"GET manifests/{signature_tag(image.image.digest)}"] = _manifest(image, image.legacy)
    entries: list[dict[str, object]] = [
        {"mediaType": one.media_type, "digest": str(one.digest), "size": one.size} for one in image.attached
    ]
    if referrers_api:
        found[f"GET referrers/{image.image.digest}"] = listing(entries)
    else:
        found[f"GET manifests/sha256-{image.image.digest.hex}"] = listing(entries)
    return found


def attach_component_signature(image: MemoryImage, signature: bytes) -> None:
    image.add(EMPTY_MEDIA_TYPE, EMPTY_CONFIG)
    image.add(SIGNATURE_MEDIA_TYPE, signature)
    manifest = component_signature_referrer(signature, image.image, "hello.wasm.sig")
    image.attached.append(image.add(MANIFEST_MEDIA_TYPE, manifest.to_bytes()))


def push(image: MemoryImage, folder: Path) -> None:
    """Put the image and what is attached to it into the embedded registry's folder."""
    with EmbeddedRegistry(folder) as registry:
        repository = Repository.parse(f"{registry.address}/{REPOSITORY_PATH}")
        with RepositoryClient(repository, {}, [registry.address]) as client:
            for digest, data in image.blobs.items():
                client.put_blob(Descriptor("", digest, len(data)), partial(io.BytesIO, data))
            client.put_manifest(image.blobs[image.image.digest], MANIFEST_MEDIA_TYPE, "v1")
            for one in image.attached:
                data = image.blobs[one.digest]
                client.attach_referrer(image.image.digest, referrer_descriptor(Manifest.parse(data), data), data)
            if image.legacy is not None:
                tag = signature_tag(image.image.digest)
                client.put_manifest(image.blobs[image.legacy.digest], MANIFEST_MEDIA_TYPE, tag)


def _manifest(image: MemoryImage, descriptor: Descriptor) -> Answer:
    return Answer(headers={"Content-Type": descriptor.media_type}, body=image.blobs[descriptor.digest])
