"""Builders of WebAssembly files and component signatures for tests.

The keys are public test keys: their seeds are the bytes 00..1f, 20..3f and 40..5f.
"""

import hashlib
import io
from collections.abc import Sequence

from hypothesis import strategies as st

from wasmoci.component_parts import hash_parts, read_parts
from wasmoci.component_signature import (
    DELIMITER_NAME,
    SECTION_NAME,
    Record,
    SignatureData,
    SignatureSet,
    signed_message,
)
from wasmoci.keys.component import ComponentPublicKey, ComponentSigner, SecretKey
from wasmoci.sign_component import sign_detached, sign_embedded
from wasmoci.verify_component import VerifiedComponent, verify_component
from wasmoci.wasm import Kind, custom_section, u32

MODULE = bytes.fromhex("0061736d01000000")
COMPONENT = bytes.fromhex("0061736d0d000100")

SEED_1 = bytes(range(32))
SEED_2 = bytes(range(32, 64))
SEED_3 = bytes(range(64, 96))
SECRET_KEY, OTHER_SECRET_KEY = SecretKey(SEED_1), SecretKey(SEED_2)
SIGNER = ComponentSigner(SECRET_KEY)
OTHER_SIGNER = ComponentSigner(OTHER_SECRET_KEY)
STRANGER = ComponentSigner(SecretKey(SEED_3))
KEY = SIGNER.public_key
OTHER_KEY = OTHER_SIGNER.public_key

TYPE_SECTION = bytes.fromhex("010401600000")
FUNCTION_SECTION = bytes.fromhex("03020100")

# The files of the test vectors in docs/formats.md.
TYPED_MODULE = MODULE + TYPE_SECTION + custom_section("a", b"hello")
PADDED_NAME_COMPONENT = (
    COMPONENT + custom_section("producers", b"\0") + b"\x07\x01\x00" + custom_section("name", b"x" * 200)
)
FIRST_DELIMITER = custom_section(DELIMITER_NAME, bytes(range(16)))
LAST_DELIMITER = custom_section(DELIMITER_NAME, bytes(range(16, 32)))
FIRST_PART = TYPE_SECTION + FUNCTION_SECTION + FIRST_DELIMITER
SECOND_PART = custom_section("dbg", b"xxxxx") + LAST_DELIMITER
TWO_PART_MODULE = MODULE + FIRST_PART + SECOND_PART

HELLO_WAT = """
(component
  (type $run (instance (export "run" (func))))
  (import "wasi:cli/run@0.2.0" (instance $i (type $run)))
  (import "log" (func (param "line" string)))
  (export "acme:hello/run@1.0.0" (instance $i))
)
"""


def wat(text: str) -> bytes:
    """The bytes of a component or module in its text form."""
    from wasmtime import wat2wasm

    return bytes(wat2wasm(text))


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def kind_of(data: bytes) -> Kind:
    return Kind.MODULE if data.startswith(MODULE) else Kind.COMPONENT


def section(section_id: int, body: bytes) -> bytes:
    return bytes([section_id]) + u32(len(body)) + body


def padded_u32(value: int, size: int = 5) -> bytes:
    """`value` as LEB128 of exactly `size` bytes."""
    groups = [value >> (7 * index) & 0x7F for index in range(size)]
    return bytes([group | 0x80 for group in groups[:-1]] + [groups[-1]])


def signed(data: bytes, signer: ComponentSigner = SIGNER, *, with_key_id: bool = False) -> bytes:
    target = io.BytesIO()
    sign_embedded(io.BytesIO(data), target, signer, kind_of(data), with_key_id=with_key_id)
    return target.getvalue()


def detached(data: bytes, signer: ComponentSigner = SIGNER, *, with_key_id: bool = False) -> bytes:
    return sign_detached(io.BytesIO(data), signer, kind_of(data), with_key_id=with_key_id)


def embed(data: bytes, signature_data: bytes) -> bytes:
    """`data`, which has no signature, with these bytes as its signature section."""
    return data[:8] + custom_section(SECTION_NAME, signature_data) + data[8:]


def hashes_of(data: bytes) -> tuple[bytes, ...]:
    stream = io.BytesIO(data)
    return hash_parts(stream, read_parts(stream))


def record(hashes: Sequence[bytes], signer: ComponentSigner = SIGNER, key_id: bytes = b"") -> Record:
    return Record.make(key_id, signer.sign(signed_message(hashes)))


def raw_record(key_id: bytes = b"", algorithm: int = 1, signature: bytes = bytes(64), rest: bytes = b"") -> bytes:
    return u32(len(key_id)) + key_id + bytes([algorithm]) + u32(len(signature)) + signature + rest


def raw_set(hashes: Sequence[bytes], records: Sequence[bytes], rest: bytes = b"") -> bytes:
    body = u32(len(hashes)) + b"".join(hashes) + u32(len(records))
    return body + b"".join(u32(len(one)) + one for one in records) + rest


def raw_data(sets: Sequence[bytes], versions: bytes = b"\x01\x01\x01", rest: bytes = b"") -> bytes:
    return versions + u32(len(sets)) + b"".join(u32(len(one)) + one for one in sets) + rest


def signature_of(data: bytes, records: Sequence[Record]) -> bytes:
    """Signature data with one set for the hashes of `data`."""
    return SignatureData((SignatureSet(hashes_of(data), tuple(records)),)).to_bytes()


def verify(data: bytes, *keys: ComponentPublicKey, signature: bytes | None = None) -> VerifiedComponent:
    """Verify `data` as the kind that its header says; the trusted key is the first test key if none is given."""
    return verify_component(io.BytesIO(data), keys or (KEY,), kind_of(data), signature)


def custom_sections() -> st.SearchStrategy[bytes]:
    names = st.text(alphabet="a:@\u00e9\0", max_size=8)
    return st.builds(custom_section, names, st.binary(max_size=40))


def files() -> st.SearchStrategy[bytes]:
    """Modules and components with arbitrary sections, some of them delimiters."""
    delimiters = st.builds(custom_section, st.just(DELIMITER_NAME), st.binary(min_size=16, max_size=16))
    plain = st.builds(section, st.integers(1, 127), st.binary(max_size=40))
    sections = st.lists(st.one_of(custom_sections(), plain, delimiters), max_size=6)
    return st.builds(lambda header, parts: header + b"".join(parts), st.sampled_from([MODULE, COMPONENT]), sections)
