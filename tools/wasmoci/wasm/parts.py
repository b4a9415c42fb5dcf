"""What of a component is hashed for its signature, and where the signature lies.

Source: wasmsign2 0.2.8. One SHA-256 runs over all sections but the signature, without the header;
its state is noted after each delimiter section, and at the end of the file.
"""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

from wasmoci.values.errors import FormatError, LimitError, Reason, VerificationError
from wasmoci.wasm.section_kind import HEAD_SIZE, section_kind
from wasmoci.wasm.sections import (
    HEADER_SIZE,
    Kind,
    Section,
    custom_section,
    read_header,
    read_kind,
    read_payload,
    read_sections,
)
from wasmoci.wasm.signature import DELIMITER_NAME, MAX_DATA_SIZE, MAX_HASHES, SECTION_NAME

if TYPE_CHECKING:
    from wasmoci.wasm.background_sha256 import BackgroundSha256

# Smaller blocks cost more for two threads to hand over, larger ones cost Linux more to find room for in the page cache.
HASHED_BLOCK_SIZE = 512 * 1024

# From this size on hashing is worth a thread.
LONG = 16 * HASHED_BLOCK_SIZE


_WAYS_OUT = {
    Kind.MODULE: ": make a component of it (`wasm-tools component new`), or say --kind module",
    Kind.COMPONENT: "",
}


class ComponentParts(NamedTuple):
    """Where the parts of a file lie; offsets in bytes.

    `content` is where the hashed sections start, `ends` where each part ends (the last is the end
    of the file). `signature` is the embedded signature data, None in an unsigned file. `padded`
    tells that some length is not written in its shortest form. `kind` is what the header says, and
    `stranger` where the first section starts that a file of this kind cannot have.
    """

    kind: Kind
    content: int
    ends: tuple[int, ...]
    signature: bytes | None
    padded: bool
    stranger: int | None = None

    def check_kind(self, kind: Kind) -> None:
        """Raise VerificationError (WRONG_KIND) unless the file is of `kind`."""
        if self.kind is not kind:
            raise VerificationError(
                Reason.WRONG_KIND,
                f"a {kind.value} was expected, but the file's header says {self.kind.value}{_WAYS_OUT[self.kind]}",
            )
        if self.stranger is not None:
            raise VerificationError(
                Reason.WRONG_KIND,
                f"a {kind.value} was expected, and the file's header says so, but the section at byte {self.stranger} "
                "is of another kind",
            )


def read_parts(stream: BinaryIO) -> ComponentParts:
    """Walk the whole file; raises FormatError for a signature anywhere but first, LimitError."""
    kind = read_kind(stream)
    content = end = HEADER_SIZE
    ends: list[int] = []
    signature = None
    padded = False
    stranger = None
    for index, section in enumerate(read_sections(stream)):
        padded |= section.padded
        end = section.end
        if section.name == SECTION_NAME:
            if index > 0:
                raise FormatError("a `signature` section must be the first section and the only one of that name")
            signature = read_payload(stream, section, MAX_DATA_SIZE)
            content = section.end
        elif section.name == DELIMITER_NAME:
            ends.append(section.end)
        elif stranger is None and section.name is None and _is_stranger(stream, section, kind):
            stranger = section.start
    if not ends or ends[-1] != end:
        ends.append(end)
    if len(ends) > MAX_HASHES:
        raise LimitError(f"the file has {len(ends)} delimited parts, the limit is {MAX_HASHES}")
    return ComponentParts(kind, content, tuple(ends), signature, padded, stranger)


def hash_parts(stream: BinaryIO, parts: ComponentParts, copy: BinaryIO | None = None) -> tuple[bytes, ...]:
    """The 32-byte hash at the end of each part, in order; FormatError if the file shrinks meanwhile.

    What is hashed is also written to `copy`, from where that stands.
    """
    hashes = []
    start = parts.content
    with sha256_of(parts.ends[-1] - start) as state:
        for end in parts.ends:
            for block in read_blocks(stream, start, end, 0 if copy is None else copy.tell()):
                state.update(block)
                if copy is not None:
                    copy.write(block)
            hashes.append(state.digest())
            start = end
    return tuple(hashes)


@contextmanager
def sha256_of(size: int) -> Iterator["hashlib._Hash | BackgroundSha256"]:
    """What hashes so many bytes: in a thread of its own where they are many."""
    if size < LONG:
        yield hashlib.sha256()
        return
    from wasmoci.wasm.background_sha256 import BackgroundSha256

    with BackgroundSha256() as state:
        yield state


def read_blocks(stream: BinaryIO, start: int, end: int, target: int = 0) -> Iterator[bytes]:
    """The bytes from `start` to `end` in blocks; FormatError if the file is shorter.

    Those that are copied to a file, from `target` on, get there fastest where they start at whole multiples of the
    block size: so all but the first do.
    """
    stream.seek(start)
    wanted = HASHED_BLOCK_SIZE - target % HASHED_BLOCK_SIZE
    while start < end:
        block = stream.read(min(wanted, end - start))
        if not block:
            raise FormatError("the file became shorter while it was read")
        yield block
        start += len(block)
        wanted = HASHED_BLOCK_SIZE


def write_with_signature(source: BinaryIO, target: BinaryIO, parts: ComponentParts, signature: bytes | None) -> None:
    """Copy a file with other signature data, or with none; all the rest is copied as it is."""
    write_head(source, target, signature)
    for block in read_blocks(source, parts.content, parts.ends[-1], target.tell()):
        target.write(block)


def write_head(source: BinaryIO, target: BinaryIO, signature: bytes | None) -> None:
    """Write what comes before the hashed sections of a copy: the header, and signature data if there is any."""
    target.seek(0)
    target.write(read_header(source))
    if signature is not None:
        target.write(custom_section(SECTION_NAME, signature))


def head_size(signature: bytes) -> int:
    """How many bytes `write_head` writes."""
    return HEADER_SIZE + len(custom_section(SECTION_NAME, signature))


def _is_stranger(stream: BinaryIO, section: Section, kind: Kind) -> bool:
    stream.seek(section.payload)
    head = stream.read(min(HEAD_SIZE, section.end - section.payload))
    return section_kind(section.id, head) not in (kind, None)
