"""OCI descriptors, manifests and indexes (image-spec 1.1), written in Go's field order.

The order is that of go-containerregistry, so that tools which decode and encode again keep the digest.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from wasmoci.oci.platform import Platform
from wasmoci.values.digest import Digest
from wasmoci.values.errors import FormatError, LimitError
from wasmoci.values.strict_json import JsonObject, dump, parse_object
from wasmoci.values.text import excerpt

MANIFEST_MEDIA_TYPE = "application/vnd.oci.image.manifest.v1+json"
INDEX_MEDIA_TYPE = "application/vnd.oci.image.index.v1+json"
IMAGE_CONFIG_MEDIA_TYPE = "application/vnd.oci.image.config.v1+json"
EMPTY_MEDIA_TYPE = "application/vnd.oci.empty.v1+json"
EMPTY_CONFIG = b"{}"

REF_NAME_ANNOTATION = "org.opencontainers.image.ref.name"
TITLE_ANNOTATION = "org.opencontainers.image.title"

# What the distribution-spec asks registries to accept, and what cosign and oras read at most.
MAX_MANIFEST_SIZE = 4 * 1024 * 1024
# Characters: 127 of a type, 127 of a subtype, and what is between (RFC 6838).
MAX_MEDIA_TYPE = 255
MAX_LAYERS = 1000
MAX_INDEX_ENTRIES = 1000

# Images in one index; every one of them is verified.
MAX_ENTRIES = 100

# What a manifest has and an index has not.
INDEX_FOREIGN = ("config", "layers")

_DOCUMENT_NAMES = frozenset(
    {"schemaVersion", "mediaType", "artifactType", "config", "layers", "manifests", "subject", "annotations"}
)
_DESCRIPTOR_NAMES = frozenset(
    {"mediaType", "digest", "size", "urls", "annotations", "data", "platform", "artifactType"}
)


class Descriptor(NamedTuple):
    """Media type, digest and size in bytes of some content."""

    media_type: str
    digest: Digest
    size: int
    annotations: Mapping[str, str] = {}
    artifact_type: str | None = None
    platform: Platform | None = None

    @classmethod
    def of(cls, media_type: str, data: bytes, annotations: Mapping[str, str] | None = None) -> "Descriptor":
        return cls(media_type, Digest.of(data), len(data), annotations or {})

    @classmethod
    def parse(cls, value: JsonObject) -> "Descriptor":
        """Raises FormatError, also for foreign content (`urls`) and for `data` that is not the content."""
        value.spelled(_DESCRIPTOR_NAMES)
        platform = value.optional_object("platform")
        descriptor = cls(
            media_type=value.string("mediaType"),
            digest=Digest.parse(value.string("digest")),
            size=value.integer("size"),
            annotations=value.string_map("annotations"),
            artifact_type=value.optional_string("artifactType") or None,
            platform=None if platform is None else Platform.parse(platform),
        )
        for name, text in (("mediaType", descriptor.media_type), ("artifactType", descriptor.artifact_type or "")):
            if len(text) > MAX_MEDIA_TYPE:
                raise FormatError(f"{value.where}: `{name}` has {len(text)} characters, the limit is {MAX_MEDIA_TYPE}")
        if "urls" in value:
            raise FormatError(f"{value.where}: content at `urls` is not accepted")
        if "data" in value:
            _check_inline_data(value, descriptor)
        return descriptor

    def to_json(self) -> dict[str, object]:
        members: dict[str, object] = {"mediaType": self.media_type, "size": self.size, "digest": str(self.digest)}
        if self.annotations:
            members["annotations"] = dict(sorted(self.annotations.items()))
        if self.platform:
            members["platform"] = self.platform.to_json()
        if self.artifact_type:
            members["artifactType"] = self.artifact_type
        return members


class Manifest(NamedTuple):
    """An OCI image manifest."""

    config: Descriptor
    layers: Sequence[Descriptor]
    annotations: Mapping[str, str] = {}
    subject: Descriptor | None = None
    artifact_type: str | None = None

    @classmethod
    def parse(cls, data: bytes, where: str = "the manifest") -> "Manifest":
        """Raises FormatError, LimitError above 4 MiB or 1,000 layers."""
        top = parse_document(data, where, MANIFEST_MEDIA_TYPE, foreign=("manifests",))
        subject = top.optional_object("subject")
        return cls(
            config=Descriptor.parse(top.object("config")),
            layers=tuple(Descriptor.parse(layer) for layer in top.objects("layers", MAX_LAYERS)),
            annotations=top.string_map("annotations"),
            subject=None if subject is None else Descriptor.parse(subject),
            artifact_type=top.optional_string("artifactType") or None,
        )

    @classmethod
    def attaching(cls, layer: Descriptor, subject: Descriptor, marks: Mapping[str, str] | None = None) -> "Manifest":
        """A referrer of `subject` that carries a blob, whose media type is its artifact type; `marks` annotate it."""
        config = Descriptor.of(EMPTY_MEDIA_TYPE, EMPTY_CONFIG)
        bare = Descriptor(subject.media_type, subject.digest, subject.size)
        return cls(config, (layer,), marks or {}, bare, layer.media_type)

    def to_bytes(self) -> bytes:
        """Raises LimitError where the result could not be read again."""
        content = {"config": self.config.to_json(), "layers": [layer.to_json() for layer in self.layers]}
        return _document(self, "the manifest", MANIFEST_MEDIA_TYPE, content)


class Index(NamedTuple):
    """An OCI image index."""

    manifests: Sequence[Descriptor]
    annotations: Mapping[str, str] = {}
    subject: Descriptor | None = None
    artifact_type: str | None = None

    @classmethod
    def parse(cls, data: bytes, where: str = "the index") -> "Index":
        """Raises FormatError, LimitError above 4 MiB or 1,000 entries."""
        top = parse_document(data, where, INDEX_MEDIA_TYPE, foreign=INDEX_FOREIGN)
        subject = top.optional_object("subject")
        return cls(
            manifests=tuple(Descriptor.parse(entry) for entry in top.objects("manifests", MAX_INDEX_ENTRIES)),
            annotations=top.string_map("annotations"),
            subject=None if subject is None else Descriptor.parse(subject),
            artifact_type=top.optional_string("artifactType") or None,
        )

    def to_bytes(self) -> bytes:
        """Raises LimitError where the result could not be read again."""
        return _document(
            self, "the index", INDEX_MEDIA_TYPE, {"manifests": [entry.to_json() for entry in self.manifests]}
        )


def referrer_descriptor(referrer: Manifest | Index, data: bytes) -> Descriptor:
    """The entry of a referrer in an index: artifact type and all annotations pulled up (image-spec 1.1)."""
    media_type, artifact_type = INDEX_MEDIA_TYPE, referrer.artifact_type
    if isinstance(referrer, Manifest):
        media_type, artifact_type = MANIFEST_MEDIA_TYPE, artifact_type or referrer.config.media_type
    return Descriptor(media_type, Digest.of(data), len(data), referrer.annotations, artifact_type)


def blob_line(blob: Descriptor) -> str:
    """What is told of a blob."""
    return f"blob {blob.digest} ({blob.size} bytes)"


def index_entries(data: bytes) -> tuple[Descriptor, ...]:
    """The images of an index, which is flat and closed: a few images, each once, and nothing else; in order.

    Raises as `check_entries`; FormatError also for what is not an index and for an index that has a subject.
    """
    index = Index.parse(data)
    if index.subject is not None:
        raise FormatError("the index has a subject, so it is attached to something and no index of images")
    check_entries(index.manifests)
    return tuple(index.manifests)


def check_entries(entries: Sequence[Descriptor]) -> None:
    """Raises FormatError unless each is an OCI image manifest and there once, LimitError above MAX_ENTRIES."""
    if not entries:
        raise FormatError("the index has no entry")
    if len(entries) > MAX_ENTRIES:
        raise LimitError(f"the index has {len(entries)} entries, the limit is {MAX_ENTRIES}")
    seen: set[Digest] = set()
    for entry in entries:
        if entry.media_type == INDEX_MEDIA_TYPE:
            raise FormatError(f"the index's entry {entry.digest} is an index itself")
        if entry.media_type != MANIFEST_MEDIA_TYPE:
            raise FormatError(
                f"the index's entry {entry.digest} must be {MANIFEST_MEDIA_TYPE}, got: {excerpt(entry.media_type)!r}"
            )
        if entry.digest in seen:
            raise FormatError(f"the index has the entry {entry.digest} twice")
        seen.add(entry.digest)


def parse_document(data: bytes, where: str, media_type: str, *, foreign: Sequence[str]) -> JsonObject:
    """The top of a manifest or index, which must not have the members `foreign` of the other one.

    Raises FormatError, LimitError above 4 MiB.
    """
    top = parse_object(data, where, MAX_MANIFEST_SIZE).spelled(_DOCUMENT_NAMES)
    if top.integer("schemaVersion") != 2:
        raise FormatError(f"{where}: `schemaVersion` must be 2")
    if top.optional_string("mediaType") not in (None, media_type):
        raise FormatError(f"{where}: `mediaType` must be {media_type}, got: {excerpt(top.string('mediaType'))!r}")
    for name in foreign:
        if name in top:
            raise FormatError(f"{where}: `{name}` does not belong into {media_type}")
    return top


def _document(document: Manifest | Index, what: str, media_type: str, content: Mapping[str, object]) -> bytes:
    members: dict[str, object] = {"schemaVersion": 2, "mediaType": media_type, **content}
    if document.annotations:
        members["annotations"] = dict(sorted(document.annotations.items()))
    if document.subject:
        members["subject"] = document.subject.to_json()
    if document.artifact_type:
        members["artifactType"] = document.artifact_type
    data = dump(members)
    if len(data) > MAX_MANIFEST_SIZE:
        raise LimitError(f"{what} has {len(data)} bytes, the limit is {MAX_MANIFEST_SIZE}")
    return data


def _check_inline_data(value: JsonObject, descriptor: Descriptor) -> None:
    data = value.base64("data")
    if len(data) != descriptor.size or Digest.of(data) != descriptor.digest:
        raise FormatError(f"{value.where}: `data` is not the content that the digest names")
