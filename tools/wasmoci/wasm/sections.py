"""WebAssembly files as a header and a sequence of sections.

Source: WebAssembly core specification, "Binary Format", and the component model's "Binary.md".
A section's body is never read here, so a file of any size is walked in constant memory.
"""

from collections.abc import Iterator
from enum import Enum
from os import SEEK_END
from typing import BinaryIO, NamedTuple

from wasmoci.values.errors import FormatError, LimitError
from wasmoci.values.text import excerpt

HEADER_SIZE = 8
CUSTOM_SECTION_ID = 0
MAX_SECTIONS = 100_000
MAX_NAME = 100_000

_MAX_U32_BYTES = 5


class Kind(str, Enum):
    """What a file's header says that it is."""

    COMPONENT = "component"
    MODULE = "module"


_HEADERS = {
    bytes.fromhex("0061736d01000000"): Kind.MODULE,
    bytes.fromhex("0061736d0d000100"): Kind.COMPONENT,
}


# What files are that are taken for WebAssembly, by how they begin.
_OTHERS = {
    b"\x1f\x8b": "it is gzip, which must be unpacked first",
    b"\x28\xb5\x2f\xfd": "it is zstd, which must be unpacked first",
    b"PK\x03\x04": "it is a zip archive, which must be unpacked first",
}


class Section(NamedTuple):
    """Where one section lies; all offsets in bytes from the start of the file.

    `start` is the id byte, `payload` the first byte after the size (after the name in a custom
    section), `end` the first byte of the next section. `padded` tells that a length is not
    written in its shortest form.
    """

    id: int
    name: str | None
    start: int
    payload: int
    end: int
    padded: bool

    @property
    def size(self) -> int:
        return self.end - self.start


class Cursor:
    """Reads WebAssembly's primitive values from bytes; reading past the end is a FormatError."""

    def __init__(self, data: bytes, where: str) -> None:
        self._data = data
        self._where = where
        self.position = 0
        self.padded = False

    @property
    def at_end(self) -> bool:
        return self.position == len(self._data)

    def take(self, count: int) -> bytes:
        end = self.position + count
        if end > len(self._data):
            raise FormatError(f"{self._where} ends early")
        taken = self._data[self.position : end]
        self.position = end
        return taken

    def byte(self) -> int:
        position = self.position
        if position == len(self._data):
            raise FormatError(f"{self._where} ends early")
        self.position += 1
        return self._data[position]

    def u32(self) -> int:
        """An unsigned LEB128 number; sets `padded` where a shorter form exists."""
        byte = self.byte()
        value, bits = byte & 0x7F, 7
        while byte >= 0x80:
            if bits == 7 * _MAX_U32_BYTES:
                raise FormatError(f"{self._where} has a LEB128 number of more than {_MAX_U32_BYTES} bytes")
            byte = self.byte()
            value |= (byte & 0x7F) << bits
            bits += 7
            self.padded |= byte == 0
        if value > 0xFFFFFFFF:
            raise FormatError(f"{self._where} has a LEB128 number with bits above 32")
        return value

    def vector(self) -> bytes:
        """A length and that many bytes."""
        return self.take(self.u32())

    def name(self) -> str:
        """A length and that many bytes of UTF-8; LimitError above 100,000 bytes."""
        length = self.u32()
        if length > MAX_NAME:
            raise LimitError(f"{self._where} has a name of {length} bytes, the limit is {MAX_NAME}")
        try:
            return self.take(length).decode("utf-8")
        except UnicodeDecodeError:
            raise FormatError(f"{self._where} has a name that is not UTF-8") from None


def u32(value: int) -> bytes:
    """`value` (0 to 2**32 - 1) as LEB128 in its shortest form."""
    encoded = bytearray()
    while value >= 0x80:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)


def custom_section(name: str, payload: bytes) -> bytes:
    """A whole custom section: id, size, name, payload."""
    encoded = name.encode()
    body = u32(len(encoded)) + encoded + payload
    return bytes([CUSTOM_SECTION_ID]) + u32(len(body)) + body


def read_header(stream: BinaryIO) -> bytes:
    """The first 8 bytes of a core module or a component; FormatError for any other file."""
    stream.seek(0)
    header = stream.read(HEADER_SIZE)
    if header not in _HEADERS:
        raise FormatError(f"this is no WebAssembly module or component: {_what_it_is(header)}")
    return header


def read_kind(stream: BinaryIO) -> Kind:
    """Module or component, by the header; FormatError for any other file."""
    return _HEADERS[read_header(stream)]


def read_sections(stream: BinaryIO, start: int = HEADER_SIZE, end: int | None = None) -> Iterator[Section]:
    """Walk the top-level sections of a seekable file, after its header, or those of a component in it.

    Raises FormatError for a section that the file does not wholly contain, LimitError past
    100,000 sections. The stream's position is moved.
    """
    size = stream.seek(0, SEEK_END) if end is None else end
    for _ in range(MAX_SECTIONS):
        if start >= size:
            return
        section = _read_section(stream, start, size)
        yield section
        start = section.end
    if start < size:
        raise LimitError(f"the file has more than the limit of {MAX_SECTIONS} sections")


def read_payload(stream: BinaryIO, section: Section, limit: int) -> bytes:
    """The payload of `section`; LimitError where it has more than `limit` bytes."""
    length = section.end - section.payload
    if length > limit:
        what = section.id if section.name is None else repr(excerpt(section.name))
        raise LimitError(f"section {what} has {length} bytes, the limit is {limit}")
    stream.seek(section.payload)
    payload = stream.read(length)
    if len(payload) != length:
        raise FormatError("the file became shorter while it was read")
    return payload


def _what_it_is(head: bytes) -> str:
    for magic, what in _OTHERS.items():
        if head.startswith(magic):
            return what
    if head.isascii() and head.split() and b"".join(head.split()).decode().isprintable():
        return "it is text; of WebAssembly's text format `wasm-tools parse` makes a binary"
    return f"it starts with {head.hex() or 'nothing'}"


def _read_section(stream: BinaryIO, start: int, file_size: int) -> Section:
    where = f"the section at byte {start}"
    stream.seek(start)
    head = Cursor(stream.read(1 + _MAX_U32_BYTES), where)
    section_id = head.byte()
    if section_id >= 0x80:
        raise FormatError(f"{where} has the impossible id {section_id}")
    length = head.u32()
    body = start + head.position
    end = body + length
    if end > file_size:
        raise FormatError(f"{where} says {length} bytes, but the file has only {file_size - body} more")
    if section_id != CUSTOM_SECTION_ID:
        return Section(section_id, None, start, body, end, head.padded)
    stream.seek(body)
    custom = Cursor(stream.read(min(length, _MAX_U32_BYTES + MAX_NAME)), where)
    name = custom.name()
    return Section(section_id, name, start, body + custom.position, end, head.padded or custom.padded)
