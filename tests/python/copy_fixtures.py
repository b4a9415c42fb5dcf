"""Registries between which images are copied, and images with all kinds of things attached."""

import io
from functools import partial
from pathlib import Path

from image_fixtures import OTHER_SIGNER
from index_fixtures import signed_index, write_index_layout
from publish_fixtures import PATH
from wasmoci import simple_signing
from wasmoci.copy_image import copy_to_registry, plan_copy
from wasmoci.cosign_tags import CosignTag
from wasmoci.digest import Digest
from wasmoci.image_contents import Contents, read_contents
from wasmoci.layout import Layout
from wasmoci.oci import (
    EMPTY_CONFIG,
    EMPTY_MEDIA_TYPE,
    IMAGE_CONFIG_MEDIA_TYPE,
    MANIFEST_MEDIA_TYPE,
    Descriptor,
    Manifest,
    referrer_descriptor,
)
from wasmoci.progress import SILENT
from wasmoci.reference import Reference, Repository
from wasmoci.registry.client import RepositoryClient
from wasmoci.registry.server_storage import Event
from wasmoci.registry_source import RegistrySource
from wasmoci.send_image import Destination, Published
from wasmoci.simple_signing import signature_tag

CONFIG = Descriptor.of(EMPTY_MEDIA_TYPE, EMPTY_CONFIG)
EXAMPLE = "application/vnd.example"
ENVELOPE = "application/vnd.dsse.envelope.v1+json"


def client_at(address: str, path: str = PATH) -> RepositoryClient:
    return RepositoryClient(Repository(address, path), {}, [address], lambda _: None)


def source_in(client: RepositoryClient, name: str = "v1") -> RegistrySource:
    return RegistrySource(Reference(client.repository, name, None), client)


def put(client: RepositoryClient, media_type: str, data: bytes) -> Descriptor:
    descriptor = Descriptor.of(media_type, data)
    client.put_blob(descriptor, partial(io.BytesIO, data))
    return descriptor


def send_layout(layout: Path, client: RepositoryClient, tag: str = "v1") -> Published:
    """Put a layout there with all that belongs to it; nothing is verified."""
    planned = plan_copy(Layout(layout), None, recursive=True)
    return copy_to_registry(planned, Destination(client, [tag]), SILENT)


def index_layout(folder: Path) -> Path:
    return write_index_layout(signed_index(), folder / "index")


def attach(client: RepositoryClient, subject: Descriptor, content: bytes) -> Descriptor:
    """Attach `content` to a manifest; gives the referrer's descriptor."""
    client.put_blob(CONFIG, partial(io.BytesIO, EMPTY_CONFIG))
    layer = put(client, EXAMPLE, content)
    plain = Descriptor(subject.media_type, subject.digest, subject.size)
    manifest = Manifest(CONFIG, [layer], {}, plain, artifact_type=EXAMPLE)
    entry = referrer_descriptor(manifest, manifest.to_bytes())
    client.attach_referrer(subject.digest, entry, manifest.to_bytes())
    return entry


def chain(client: RepositoryClient, subject: Descriptor, length: int) -> None:
    """Attach something to the subject, something to that, and so on."""
    for number in range(length):
        subject = attach(client, subject, b"link %d" % number)


def put_tagged(client: RepositoryClient, kind: CosignTag, subject: Digest, *contents: bytes) -> bytes:
    """Let a tag of cosign's name a manifest with these layers; gives its bytes."""
    config = put(client, IMAGE_CONFIG_MEDIA_TYPE, EMPTY_CONFIG)
    layers = [put(client, ENVELOPE, one) for one in contents]
    data = Manifest(config, layers).to_bytes()
    client.put_manifest(data, MANIFEST_MEDIA_TYPE, kind.of(subject))
    return data


def put_others_signature(client: RepositoryClient, subject: Digest) -> bytes:
    """A signature by somebody else at the tag `.sig`, which hides what was there."""
    payload = simple_signing.payload(subject, "registry.example.com/theirs")
    layer = simple_signing.signature_layer(payload, OTHER_SIGNER.sign(payload))
    legacy = simple_signing.signature_manifest([layer])
    put(client, layer.media_type, payload)
    put(client, IMAGE_CONFIG_MEDIA_TYPE, legacy.config)
    client.put_manifest(legacy.manifest, MANIFEST_MEDIA_TYPE, signature_tag(subject))
    return legacy.manifest


def contents_in(client: RepositoryClient, name: str = "v1") -> Contents:
    return read_contents(source_in(client, name))


def blobs_in(contents: Contents) -> dict[Digest, Descriptor]:
    """All blobs of an image and of what belongs to it."""
    found = {one.digest: one for one in contents.blobs}
    for tagged in contents.tagged:
        found |= {one.digest: one for one in (tagged.config, *tagged.layers)}
    for part in (*contents.entries, *contents.referrers):
        found |= blobs_in(part)
    return found


def digests_in(contents: Contents) -> set[Digest]:
    """Of all manifests."""
    own = {contents.descriptor.digest, *(one.descriptor.digest for one in contents.tagged)}
    return own.union(*map(digests_in, (*contents.entries, *contents.referrers)))


def human_tags(event: Event) -> dict[str, Digest]:
    return {tag: digest for tag, digest in event.tags.items() if not tag.startswith("sha256-")}
