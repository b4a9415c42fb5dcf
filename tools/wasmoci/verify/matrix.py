"""Which of many keys signed which parts of a component, by the rules of verification."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import BinaryIO

from wasmoci.keys.component import ComponentPublicKey
from wasmoci.verify.component import SignedComponent, check_trust, has_signed, judge, read_signed
from wasmoci.verify.parts import checked_parts, sets_over
from wasmoci.wasm.section_pattern import Selection
from wasmoci.wasm.sections import Kind
from wasmoci.wasm.signature import SignatureSet


@dataclass(frozen=True, slots=True)
class MatrixRow:
    """One key: whether it verifies the file as asked, and for each part whether it signed all up to its end."""

    key: ComponentPublicKey
    verifies: bool
    parts: tuple[bool, ...]


@dataclass(frozen=True, slots=True)
class Matrix:
    """A row for each distinct key, in the order given; at least one of them verifies."""

    rows: tuple[MatrixRow, ...]
    warnings: tuple[str, ...]


def component_matrix(
    stream: BinaryIO,
    keys: Sequence[ComponentPublicKey],
    kind: Kind,
    selection: Selection | None = None,
    detached: bytes | None = None,
) -> Matrix:
    """Verify the file with each key on its own: as `verify_component` does, with `selection` as `verify_parts`.

    Raises VerificationError with the reason if no key verifies it, UsageError without a key.
    """
    check_trust(keys, 1)
    signed = read_signed(stream, kind, detached)
    if selection is None:
        sets: Sequence[SignatureSet] = signed.data.sets_for(signed.hashes)
    else:
        sets = sets_over(signed, checked_parts(stream, selection))
    verified = judge(signed.data, sets, keys, 1)
    rows = tuple(MatrixRow(key, key in verified.keys, _signed_parts(key, signed)) for key in dict.fromkeys(keys))
    return Matrix(rows, verified.warnings)


def _signed_parts(key: ComponentPublicKey, signed: SignedComponent) -> tuple[bool, ...]:
    count = len(signed.hashes)
    own = [
        signed_set.hashes
        for signed_set in signed.data.sets
        if len(signed_set.hashes) == count and has_signed(key, signed_set)
    ]
    return tuple(
        any(tuple(hashes[: index + 1]) == signed.hashes[: index + 1] for hashes in own) for index in range(count)
    )
