"""What a signer of a WebAssembly file signs, and which files can carry a signature of which type."""

from typing import BinaryIO

from wasmoci.values.errors import FormatError
from wasmoci.values.signature_format import Placement
from wasmoci.wasm.parts import ComponentParts, check_embeddable, hash_parts, read_parts
from wasmoci.wasm.sections import Kind
from wasmoci.wasm.signature import signed_message


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
