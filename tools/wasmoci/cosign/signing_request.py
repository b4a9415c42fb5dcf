"""What a signer far away is asked to sign: `request.json`, and a file for each message beside it.

`request.json` names each message's file, layer, format, size and digest, and what was asked for, so that
whoever has the same component or image can make the very same messages of it again.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import TypeVar

from wasmoci.values.digest import Digest
from wasmoci.values.errors import FormatError
from wasmoci.values.image_reference import Repository
from wasmoci.values.signature_format import Placement, SignatureFormat
from wasmoci.values.strict_json import JsonObject, dump, parse_object
from wasmoci.values.text import excerpt
from wasmoci.wasm.message import ComponentAsked
from wasmoci.wasm.sections import Kind

FILE_NAME = "request.json"
MEDIA_TYPE = "application/vnd.rules-wasm-oci.signing-request.v1+json"
MAX_SIGNING_REQUEST_SIZE = 1024 * 1024

COMPONENT_FORMAT = "wasmsign2"

_E = TypeVar("_E", bound=Enum)


@dataclass(frozen=True, slots=True)
class ManifestAsked:
    """The manifest is to be signed in these formats, with these annotations, for this `host[:port]/path`."""

    repository: str
    formats: Sequence[SignatureFormat]
    annotations: Mapping[str, str] = field(default_factory=dict)

    def to_json(self) -> dict[str, object]:
        return {
            "repository": self.repository,
            "formats": [signature_format.value for signature_format in self.formats],
            "annotations": dict(sorted(self.annotations.items())),
        }


@dataclass(frozen=True, slots=True)
class Message:
    """Bytes to sign as they are: with Ed25519, or with ECDSA or RSA over their SHA-256."""

    name: str
    layer: str
    format: str
    data: bytes

    @classmethod
    def of_component(cls, data: bytes) -> "Message":
        return cls("component.message", "component", COMPONENT_FORMAT, data)

    @classmethod
    def of_manifest(cls, signature_format: SignatureFormat, data: bytes) -> "Message":
        return cls(f"oci-{signature_format.value}.message", "oci", signature_format.value, data)

    def to_json(self) -> dict[str, object]:
        return {
            "file": self.name,
            "layer": self.layer,
            "format": self.format,
            "size": len(self.data),
            "digest": str(Digest.of(self.data)),
        }


@dataclass(frozen=True, slots=True)
class SigningRequest:
    """What is asked for, and the messages. `subject` is the digest of the image's manifest or of the file."""

    subject: Digest
    component: ComponentAsked | None
    manifest: ManifestAsked | None
    messages: Sequence[Message]

    def of_layer(self, layer: str) -> list[Message]:
        return [message for message in self.messages if message.layer == layer]

    def to_bytes(self) -> bytes:
        asked: dict[str, object] = {}
        if self.component is not None:
            asked["component"] = self.component.to_json()
        if self.manifest is not None:
            asked["oci"] = self.manifest.to_json()
        return dump(
            {
                "mediaType": MEDIA_TYPE,
                "subject": str(self.subject),
                **asked,
                "messages": [message.to_json() for message in self.messages],
            }
        )


def parse_asked(data: bytes) -> tuple[ComponentAsked | None, ManifestAsked | None]:
    """What a `request.json` asks for; its messages and subject are for the reader to compare. Raises FormatError."""
    top = parse_object(data, FILE_NAME, MAX_SIGNING_REQUEST_SIZE)
    top.check("mediaType", MEDIA_TYPE)
    component, manifest = top.optional_object("component"), top.optional_object("oci")
    return None if component is None else _component(component), None if manifest is None else _manifest(manifest)


def _component(asked: JsonObject) -> ComponentAsked:
    return ComponentAsked(
        placement=_one_of(Placement, asked.string("signatureType"), asked),
        kind=_one_of(Kind, asked.string("kind"), asked),
        with_key_id=asked.boolean("keyId"),
    )


def _manifest(asked: JsonObject) -> ManifestAsked:
    return ManifestAsked(
        repository=str(Repository.parse(asked.string("repository"))),
        formats=[_one_of(SignatureFormat, text, asked) for text in asked.strings("formats", len(SignatureFormat))],
        annotations=asked.string_map("annotations"),
    )


def _one_of(values: type[_E], text: str, where: JsonObject) -> _E:
    try:
        return values(text)
    except ValueError:
        raise FormatError(f"{where.where}: {excerpt(text)!r} is none of {[value.value for value in values]}") from None
