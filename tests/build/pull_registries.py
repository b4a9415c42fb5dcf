"""Registries with TLS that Bazel pulls from: simulated ones, whose every answer is chosen, and the embedded one."""

import json
import os
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import bcrypt
from cryptography import x509
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, pkcs12

from bazel import toolbox
from copy_fixtures import client_at, send_layout
from image_fixtures import MemoryImage, write_layout
from observed_registry_fixtures import ObservedRegistry
from registry_auth_fixtures import ServerAuth
from registry_fixtures import PASSWORD, REPOSITORY_PATH, Answer, Tls
from wasmoci.oci.cosign_tags import CosignTag
from wasmoci.oci.manifest import EMPTY_CONFIG, EMPTY_MEDIA_TYPE, INDEX_MEDIA_TYPE, MANIFEST_MEDIA_TYPE, Descriptor
from wasmoci.oci.wasm_artifact import SIGNATURE_MEDIA_TYPE, component_signature_referrer
from wasmoci.registry_server.server import EmbeddedRegistry

TRUST_STORE_PASSWORD = "changeit"

_SECONDS = 60


class TlsRegistry(ObservedRegistry):
    """The embedded registry with TLS in front."""

    def __init__(self, folder: Path, tls: ssl.SSLContext, auth: ServerAuth | None = None) -> None:
        super().__init__(folder, auth=auth)
        self.socket = tls.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)


@contextmanager
def docker_registry(folder: Path, tls: Path) -> Iterator[str]:
    """Debian's docker-registry, which has no referrers API, for `user` with PASSWORD; gives its `host:port`.

    `tls` is the folder of `make_tls`.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    folder.mkdir()
    hashed = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(5)).decode()
    (folder / "htpasswd").write_text(f"user:{hashed}\n")
    files = {"certificate": str(tls / "certificate.pem"), "key": str(tls / "key.pem")}
    config = {
        "version": 0.1,
        "storage": {"filesystem": {"rootdirectory": str(folder / "content")}},
        "http": {"addr": f"127.0.0.1:{port}", "tls": files},
        "auth": {"htpasswd": {"realm": "test", "path": str(folder / "htpasswd")}},
    }
    # JSON is YAML.
    (folder / "config.yml").write_text(json.dumps(config))
    command = [*toolbox(), "docker-registry", "serve", folder / "config.yml"]
    with (
        (folder / "log").open("wb") as log,
        subprocess.Popen(command, env=dict(os.environ), stdout=log, stderr=log) as process,
    ):
        try:
            _wait_for(port)
            yield f"127.0.0.1:{port}"
        finally:
            process.terminate()


def _wait_for(port: int) -> None:
    end = time.monotonic() + _SECONDS
    while True:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except OSError:
            assert time.monotonic() < end, "docker-registry does not listen"
            time.sleep(0.1)
        else:
            return


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
        found[f"GET manifests/{CosignTag.SIGNATURES.of(image.image.digest)}"] = _manifest(image, image.legacy)
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
    with EmbeddedRegistry(folder) as registry, client_at(registry.address, REPOSITORY_PATH) as client:
        send_layout(write_layout(image, folder.with_name("pushed")), client)


def _manifest(image: MemoryImage, descriptor: Descriptor) -> Answer:
    return Answer(headers={"Content-Type": descriptor.media_type}, body=image.blobs[descriptor.digest])
