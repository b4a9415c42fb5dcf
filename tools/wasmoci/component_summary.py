"""What a WebAssembly file holds: sections, parts, signatures. Nothing here is verified."""

from dataclasses import dataclass
from typing import BinaryIO

from wasmoci.component_parts import hash_parts, read_parts
from wasmoci.component_signature import Record, SignatureData, UnknownRecord
from wasmoci.wasm import Kind, Section, read_sections


@dataclass(frozen=True, slots=True)
class ComponentSummary:
    """The sections in file order, the 32-byte hash of each part, and the signature data if there is any."""

    kind: Kind
    sections: tuple[Section, ...]
    hashes: tuple[bytes, ...]
    signatures: SignatureData | None

    def lines(self) -> list[str]:
        """One line a fact, for people."""
        lines = [f"{self.kind.value}, {len(self.sections)} sections"]
        lines += [
            f"{index}  {_section_name(one)}  {one.end - one.start} bytes" for index, one in enumerate(self.sections)
        ]
        lines += [f"part {index}  sha256 {digest.hex()}" for index, digest in enumerate(self.hashes)]
        if self.signatures is None:
            return [*lines, "no signature"]
        for index, one in enumerate(self.signatures.sets):
            covers = "this content" if tuple(one.hashes) == self.hashes else "other content"
            lines += [f"signature set {index} (for {covers})  {_record_text(record)}" for record in one.records]
        return [*lines, "signatures are shown, not verified"]

    def to_json(self) -> dict[str, object]:
        """The same for programs; sizes in bytes, hashes and key ids in hex."""
        sets = () if self.signatures is None else self.signatures.sets
        return {
            "kind": self.kind.value,
            "sections": [
                {"id": one.id, "name": one.name, "offset": one.start, "size": one.end - one.start}
                for one in self.sections
            ],
            "hashes": [digest.hex() for digest in self.hashes],
            "signatureSets": [
                {
                    "hashes": [digest.hex() for digest in one.hashes],
                    "records": [_record_json(record) for record in one.records],
                }
                for one in sets
            ],
        }


def summarize(stream: BinaryIO) -> ComponentSummary:
    """Read a seekable file; raises FormatError, LimitError."""
    parts = read_parts(stream)
    return ComponentSummary(
        kind=parts.kind,
        sections=tuple(read_sections(stream)),
        hashes=hash_parts(stream, parts),
        signatures=None if parts.signature is None else SignatureData.parse(parts.signature),
    )


def _section_name(section: Section) -> str:
    return f"section {section.id}" if section.name is None else f"custom section {section.name!r}"


def _record_text(record: Record | UnknownRecord) -> str:
    if isinstance(record, UnknownRecord):
        return f"not understood: {record.problem}"
    return f"Ed25519, key id {record.key_id.hex() or 'absent'}"


def _record_json(record: Record | UnknownRecord) -> dict[str, object]:
    if isinstance(record, UnknownRecord):
        return {"problem": record.problem}
    return {"algorithm": "Ed25519", "keyId": record.key_id.hex() or None, "signature": record.signature.hex()}
