"""What is asked of a signer of a component, and the message that it signs."""

from typing import BinaryIO, NamedTuple

from wasmoci.values.errors import FormatError
from wasmoci.values.signature_format import Placement
from wasmoci.wasm.parts import ComponentParts, hash_parts, read_parts
from wasmoci.wasm.sections import Kind
from wasmoci.wasm.signature import signed_message


class ComponentAsked(NamedTuple):
    """The component is to be signed. With `with_key_id` its signature will name its key."""

    placement: Placement
    kind: Kind = Kind.COMPONENT
    with_key_id: bool = False

    def to_json(self) -> dict[str, object]:
        return {"signatureType": self.placement.value, "kind": self.kind.value, "keyId": self.with_key_id}


def message_to_sign(source: BinaryIO, kind: Kind, placement: Placement) -> bytes:
    """The bytes that a signer of `source` signs; raises as `signable_parts`."""
    return signed_message(hash_parts(source, signable_parts(source, kind, placement)))


def signable_parts(source: BinaryIO, kind: Kind, placement: Placement) -> ComponentParts:
    """The parts of a file that can be signed so.

    Raises VerificationError (WRONG_KIND) for a file that is not of `kind`, FormatError for one that cannot
    be read strictly, cannot carry a signature, or has an embedded one where a detached one is to be made.
    """
    parts = read_parts(source)
    parts.check_kind(kind)
    if placement is Placement.EMBEDDED:
        check_embeddable(parts)
    elif parts.signature is not None:
        raise FormatError("this file has an embedded signature, which a detached one would not cover")
    return parts


def check_embeddable(parts: ComponentParts) -> None:
    """FormatError for a file that cannot carry a signature: others would hash it in another form."""
    if parts.padded:
        raise FormatError(
            "a length in this file is not in its shortest LEB128 form, so the file cannot carry a signature: "
            "write it again with a tool that shortens lengths, or use a detached signature"
        )
