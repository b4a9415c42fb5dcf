"""Verify parts of a component: its standard sections, and custom sections that are asked for; and who signed which.

wasmsign2's hashes roll on: the hash at a delimiter covers everything before it, what is not selected
too. So partial verification never makes an inner part free to change, only the end of the file. That
is all that is offered here; wasmsign2 0.2.8 accepts much more, see docs/formats.md.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from wasmoci.disk.files import open_for_reading, read_bounded
from wasmoci.keys.component import ComponentPublicKey
from wasmoci.values.errors import Reason, VerificationError, refusals_about
from wasmoci.verify.checks import MAX_CHECKS_EMBEDDED, Checks
from wasmoci.verify.component import (
    OpenComponent,
    SignedComponent,
    VerifiedComponent,
    check_trust,
    has_signed,
    judge,
    verify_component,
)
from wasmoci.wasm.section_pattern import Selection
from wasmoci.wasm.sections import Kind, read_sections
from wasmoci.wasm.signature import DELIMITER_NAME, MAX_DATA_SIZE, SECTION_NAME, SignatureSet, merged


@dataclass(frozen=True, slots=True)
class VerifiedParts:
    """Distinct trusted keys, and how far what they signed reaches: up to byte `covered_end` of the file.

    `whole` tells that this is the end of the file.
    """

    keys: tuple[ComponentPublicKey, ...]
    warnings: tuple[str, ...]
    covered_end: int
    whole: bool


def verify_parts(
    stream: BinaryIO,
    trusted: Sequence[ComponentPublicKey],
    kind: Kind,
    selection: Selection,
    detached: bytes | None = None,
    threshold: int = 1,
) -> VerifiedParts:
    """Check that at least `threshold` distinct trusted keys signed all that is selected in this file.

    What is guaranteed, apart from the header as everywhere: every byte before `covered_end` is the
    one that was signed, in its place; the file has as many parts as the one that was signed; and
    what follows `covered_end` is at most one part, of custom sections that are not selected and one
    delimiter. Nobody vouches for that part.

    What is not: that selected sections are still there which stood in the last part, where the file
    has more delimiters than a split with this very selection puts in.

    Raises VerificationError with the reason (POLICY_UNMET if the delimiters do not fit the
    selection), UsageError as `verify_component` does.
    """
    check_trust(trusted, threshold)
    signed = OpenComponent(stream, kind).signed(detached)
    checked = _checked_parts(stream, selection)
    verified = judge(signed.data, _sets_over(signed, checked), trusted, threshold)
    last = checked[-1]
    whole = last == len(signed.hashes) - 1
    return VerifiedParts(verified.keys, verified.warnings, signed.parts.ends[last], whole)


def verify_component_file(
    source: Path,
    trusted: Sequence[ComponentPublicKey],
    kind: Kind,
    *,
    threshold: int = 1,
    detached: Path | None = None,
    sections: Sequence[str] = (),
) -> VerifiedComponent | VerifiedParts:
    """Verify with the signature in the file `detached` or the embedded one; with `sections` only those parts.

    Raises what `verify_component` and `verify_parts` raise, Error where a file cannot be read.
    """
    signature = None if detached is None else read_bounded(detached, MAX_DATA_SIZE, "the detached signature")
    with refusals_about(source), open_for_reading(source, "the file to verify") as stream:
        if sections:
            return verify_parts(stream, trusted, kind, Selection.parse(sections), signature, threshold)
        return verify_component(stream, trusted, kind, signature, threshold)


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
    signed = OpenComponent(stream, kind).signed(detached)
    checked = range(len(signed.hashes)) if selection is None else _checked_parts(stream, selection)
    verified = judge(signed.data, _sets_over(signed, checked), keys, 1)
    rows = tuple(MatrixRow(key, key in verified.keys, _signed_parts(key, signed)) for key in dict.fromkeys(keys))
    return Matrix(rows, verified.warnings)


def _signed_parts(key: ComponentPublicKey, signed: SignedComponent) -> tuple[bool, ...]:
    checks = Checks(MAX_CHECKS_EMBEDDED)
    own = [tuple(found.hashes) for found in merged(_sets_over(signed, ())) if has_signed(key, found, checks)]
    ends = range(1, len(signed.hashes) + 1)
    return tuple(any(hashes[:end] == signed.hashes[:end] for hashes in own) for end in ends)


def _sets_over(signed: SignedComponent, checked: Sequence[int]) -> list[SignatureSet]:
    """The sets with as many hashes as the file has parts, and the right hash for each checked part."""
    return [
        found
        for found in signed.data.sets
        if len(found.hashes) == len(signed.hashes)
        and all(found.hashes[part] == signed.hashes[part] for part in checked)
    ]


def _checked_parts(stream: BinaryIO, selection: Selection) -> list[int]:
    """The indices of the parts whose boundary is checked: those that are selected, and empty ones.

    Raises VerificationError (POLICY_UNMET) for a part with selected and unselected sections, a file
    without a delimiter at its end, and more than one part after the last one checked.
    """
    values = _values(stream, selection)
    checked = [index for index, value in enumerate(values) if value is not False]
    if not checked:
        raise _unmet("no part of the file is selected, so nothing would be verified")
    if checked[-1] < len(values) - 2:
        raise _unmet("more than one part follows the last one that is selected, and nothing vouches for them")
    return checked


def _values(stream: BinaryIO, selection: Selection) -> list[bool | None]:
    """For each part whether it is selected, None for an empty one."""
    values: list[bool | None] = []
    current: bool | None = None
    closed = False
    for section in read_sections(stream):
        if section.name == SECTION_NAME:
            continue
        closed = section.name == DELIMITER_NAME
        if closed:
            values.append(current)
            current = None
            continue
        selected = selection.selects(section)
        if current is not None and selected is not current:
            raise _unmet(f"part {len(values)} has sections that are selected and others that are not")
        current = selected
    if not closed:
        raise _unmet("the file does not end with a delimiter, so its parts cannot be verified one by one")
    return values


def _unmet(problem: str) -> VerificationError:
    return VerificationError(Reason.POLICY_UNMET, f"the component is refused: {problem}")
