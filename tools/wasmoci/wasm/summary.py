"""What a WebAssembly file holds: sections, parts, signatures. Nothing here is verified."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from typing import BinaryIO

from wasmoci.values.text import excerpt
from wasmoci.wasm.parts import hash_parts, read_parts
from wasmoci.wasm.sections import Kind, Section, read_sections
from wasmoci.wasm.signature import Record, SignatureData, SignatureSet, UnknownRecord

MAX_SHOWN_SECTIONS = 4096
MAX_SHOWN_NAME = 200


@dataclass(frozen=True, slots=True)
class ComponentSummary:
    """The first 4096 sections in file order, how many there are, the parts, and signature data if there is any.

    A part is where it starts, where it ends, and the SHA-256 of everything that is hashed up to there. The name of a
    custom section is cut after 200 characters, which "..." then follows.
    """

    kind: Kind
    sections: tuple[Section, ...]
    section_count: int
    parts: tuple[tuple[int, int, bytes], ...]
    signatures: SignatureData | None

    @property
    def hashes(self) -> tuple[bytes, ...]:
        return tuple(digest for _, _, digest in self.parts)

    def lines(self) -> list[str]:
        """One line a fact, for people."""
        lines = [f"{self.kind.value}, {self.section_count} sections"]
        lines += [
            f"{index}  {_section_name(section)}  {section.size} bytes" for index, section in enumerate(self.sections)
        ]
        if len(self.sections) < self.section_count:
            lines.append(f"and {self.section_count - len(self.sections)} more")
        lines += [
            f"part {index}  bytes {start} to {end}  sha256 {digest.hex()}"
            for index, (start, end, digest) in enumerate(self.parts)
        ]
        if self.signatures is None:
            return [*lines, "no signature"]
        for index, signature_set in enumerate(self.signatures.sets):
            covers = "this content" if self._covers(signature_set) else "other content"
            lines += [
                f"signature set {index} (for {covers})  {_record_text(record)}" for record in signature_set.records
            ]
        return [*lines, "signatures are shown, not verified"]

    def to_json(self) -> dict[str, object]:
        """The same for programs; offsets and sizes in bytes, hashes and key ids in hex."""
        sets: Sequence[SignatureSet] = () if self.signatures is None else self.signatures.sets
        return {
            "kind": self.kind.value,
            "sectionCount": self.section_count,
            "sections": [
                {"id": section.id, "name": section.name, "offset": section.start, "size": section.size}
                for section in self.sections
            ],
            "parts": [{"start": start, "end": end, "sha256": digest.hex()} for start, end, digest in self.parts],
            "signatureSets": [
                {
                    "forThisContent": self._covers(signature_set),
                    "hashes": [digest.hex() for digest in signature_set.hashes],
                    "records": [_record_json(record) for record in signature_set.records],
                }
                for signature_set in sets
            ],
        }

    def _covers(self, signature_set: SignatureSet) -> bool:
        return tuple(signature_set.hashes) == self.hashes


def summarize(stream: BinaryIO) -> ComponentSummary:
    """Read a seekable file in bounded memory; raises FormatError, LimitError."""
    parts = read_parts(stream)
    starts = (parts.content, *parts.ends)
    hashes = hash_parts(stream, parts)
    return ComponentSummary(
        kind=parts.kind,
        sections=tuple(
            section._replace(name=_cut(section.name)) for section in islice(read_sections(stream), MAX_SHOWN_SECTIONS)
        ),
        section_count=sum(1 for _ in read_sections(stream)),
        parts=tuple(zip(starts, parts.ends, hashes, strict=False)),
        signatures=None if parts.signature is None else SignatureData.parse(parts.signature),
    )


def _cut(name: str | None) -> str | None:
    return name if name is None or len(name) <= MAX_SHOWN_NAME else f"{name[:MAX_SHOWN_NAME]}..."


def _section_name(section: Section) -> str:
    return f"section {section.id}" if section.name is None else f"custom section {excerpt(section.name)!r}"


def _record_text(record: Record | UnknownRecord) -> str:
    if isinstance(record, UnknownRecord):
        return f"not understood: {record.problem}"
    return f"Ed25519, key id {record.key_id.hex() or 'absent'}"


def _record_json(record: Record | UnknownRecord) -> dict[str, object]:
    if isinstance(record, UnknownRecord):
        return {"problem": record.problem}
    return {"algorithm": "Ed25519", "keyId": record.key_id.hex() or None, "signature": record.signature.hex()}
