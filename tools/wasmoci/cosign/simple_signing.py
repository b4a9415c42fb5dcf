"""cosign's legacy format: simple-signing payloads in the manifest at the tag `sha256-<hex>.sig`.

Source: cosign 3.1.3 (`--new-bundle-format=false`). Each layer is one signed payload; its signature
is an annotation of the layer's descriptor.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from wasmoci.oci.manifest import IMAGE_CONFIG_MEDIA_TYPE, Descriptor, Manifest
from wasmoci.values.base64_strict import decode, encode
from wasmoci.values.digest import Digest
from wasmoci.values.errors import FormatError, Reason, VerificationError
from wasmoci.values.strict_json import dump, parse_object
from wasmoci.values.text import excerpt

PAYLOAD_MEDIA_TYPE = "application/vnd.dev.cosign.simplesigning.v1+json"
SIGNATURE_ANNOTATION = "dev.cosignproject.cosign/signature"
CERTIFICATE_ANNOTATION = "dev.sigstore.cosign/certificate"
LOG_ANNOTATION = "dev.sigstore.cosign/bundle"

MAX_PAYLOAD_SIZE = 1024 * 1024

_TYPE = "cosign container image signature"
_PAYLOAD_NAMES = frozenset({"critical", "optional"})
_CRITICAL_NAMES = frozenset({"identity", "image", "type"})
_IDENTITY_NAMES = frozenset({"docker-reference"})
_IMAGE_NAMES = frozenset({"docker-manifest-digest"})

_ZERO_TIME = "0001-01-01T00:00:00Z"


class LegacyManifest(NamedTuple):
    """A signature manifest and the config blob that belongs to it, both as the bytes to store."""

    manifest: bytes
    config: bytes


class LegacySignature(NamedTuple):
    """What a layer's annotations say: the raw signature, and cosign's log entry of it.

    `log_entry` is JSON that is not checked, empty where there is none. `is_bare` says that there is nothing else.
    """

    signature: bytes
    has_certificate: bool
    log_entry: str
    is_bare: bool

    @property
    def claimed_time(self) -> str | None:
        """When it was logged, as the log entry says, in seconds since 1970; None where that says nothing."""
        try:
            entry = parse_object(self.log_entry.encode(), "the log entry", len(self.log_entry.encode()))
            return str(entry.object("Payload").integer("integratedTime"))
        except FormatError:
            return None

    def is_checked(self, *, logged: bool) -> bool:
        """Whether there is nothing in it that nobody has checked, where the log entry was if it is `logged`."""
        return self.is_bare and logged == bool(self.log_entry)


class SignedPayload(NamedTuple):
    """What a payload signs with its subject. What is no text is no annotation, as podman's time stamp.

    `docker_reference` is what it is signed for: a repository, with a tag where podman signed it.
    """

    annotations: dict[str, str]
    docker_reference: str | None


def payload(subject: Digest, docker_reference: str, annotations: Mapping[str, str] | None = None) -> bytes:
    """The bytes to sign; `docker_reference` is the repository, without tag and digest."""
    return dump(
        {
            "critical": {
                "identity": {"docker-reference": docker_reference},
                "image": {"docker-manifest-digest": str(subject)},
                "type": _TYPE,
            },
            "optional": dict(sorted(annotations.items())) if annotations else None,
        }
    )


def signature_layer(payload_blob: bytes, signature: bytes) -> Descriptor:
    """The layer that carries one payload and its raw signature bytes."""
    return Descriptor.of(PAYLOAD_MEDIA_TYPE, payload_blob, {SIGNATURE_ANNOTATION: encode(signature)})


def signature_manifest(layers: Sequence[Descriptor]) -> LegacyManifest:
    """The manifest of these signature layers, in the shape that cosign gives it."""
    config = dump(
        {
            "architecture": "",
            "created": _ZERO_TIME,
            "history": [{"created": _ZERO_TIME} for _ in layers],
            "os": "",
            "rootfs": {"type": "layers", "diff_ids": [str(layer.digest) for layer in layers]},
            "config": {},
        }
    )
    manifest = Manifest(config=Descriptor.of(IMAGE_CONFIG_MEDIA_TYPE, config), layers=tuple(layers))
    return LegacyManifest(manifest.to_bytes(), config)


def parse_signature(layer: Descriptor) -> LegacySignature:
    """The signature that a layer's annotations carry; FormatError where there is none."""
    if layer.media_type != PAYLOAD_MEDIA_TYPE:
        raise FormatError(
            f"a signature layer's media type must be {PAYLOAD_MEDIA_TYPE}, got: {excerpt(layer.media_type)!r}"
        )
    if SIGNATURE_ANNOTATION not in layer.annotations:
        raise FormatError(f"the signature layer has no annotation {SIGNATURE_ANNOTATION}")
    return LegacySignature(
        signature=decode(layer.annotations[SIGNATURE_ANNOTATION], "the signature"),
        has_certificate=CERTIFICATE_ANNOTATION in layer.annotations,
        log_entry=layer.annotations.get(LOG_ANNOTATION, ""),
        is_bare=layer.annotations.keys() <= {SIGNATURE_ANNOTATION, LOG_ANNOTATION},
    )


def check_payload(data: bytes, subject: Digest) -> SignedPayload:
    """What the payload signs with `subject`.

    Raises VerificationError unless the payload is for `subject`, FormatError if it is no such payload.
    """
    top = parse_object(data, "the signature payload", MAX_PAYLOAD_SIZE).spelled(_PAYLOAD_NAMES)
    critical = top.object("critical").spelled(_CRITICAL_NAMES)
    image = critical.object("image").spelled(_IMAGE_NAMES)
    identity = critical.optional_object("identity")
    reference = None if identity is None else identity.spelled(_IDENTITY_NAMES).optional_string("docker-reference")
    critical.check("type", _TYPE)
    if image.string("docker-manifest-digest") != str(subject):
        raise VerificationError(Reason.WRONG_SUBJECT, f"the signature is not for {subject}")
    return SignedPayload(top.text_members("optional"), reference)
