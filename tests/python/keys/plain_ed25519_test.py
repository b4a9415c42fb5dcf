"""Plain Ed25519 key files: what is read without a library is read by it too, and is the same key."""

import base64

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from hypothesis import given
from hypothesis import strategies as st

from wasmoci.keys.plain_ed25519 import KEY_SIZE, public_key_in, seed_in

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(KEY_SIZE)))
RAW = KEY.public_key().public_bytes_raw()
DER, PEM = serialization.Encoding.DER, serialization.Encoding.PEM
SPKI, PKCS8 = serialization.PublicFormat.SubjectPublicKeyInfo, serialization.PrivateFormat.PKCS8


def private_file(encoding: serialization.Encoding) -> bytes:
    return KEY.private_bytes(encoding, PKCS8, serialization.NoEncryption())


def public_file(encoding: serialization.Encoding) -> bytes:
    return KEY.public_key().public_bytes(encoding, SPKI)


def pem(label: str, der: bytes) -> bytes:
    return f"-----BEGIN {label}-----\n{base64.b64encode(der).decode()}\n-----END {label}-----\n".encode()


@pytest.mark.parametrize("encoding", [DER, PEM])
def test_what_is_written_for_a_key_is_read(encoding: serialization.Encoding) -> None:
    assert seed_in(private_file(encoding)) == KEY.private_bytes_raw()
    assert public_key_in(public_file(encoding)) == RAW


def test_text_before_a_block_and_no_newline_at_its_end_change_nothing() -> None:
    assert seed_in(b"my key:\n\n" + private_file(PEM)[:-1]) == KEY.private_bytes_raw()
    assert public_key_in(b"my key:\n\n" + public_file(PEM)[:-1]) == RAW


OTHER_TYPE = bytes.fromhex("302a300506032b6571032100") + RAW
OTHERS = {
    "nothing": b"",
    "another type": OTHER_TYPE,
    "another type in PEM": pem("PUBLIC KEY", OTHER_TYPE),
    "a byte less": public_file(DER)[:-1],
    "a byte more": public_file(DER) + b"\0",
    "another label": pem("RSA PUBLIC KEY", public_file(DER)),
    "another label at its start": public_file(PEM).replace(b"BEGIN PUBLIC", b"BEGIN RSA PUBLIC"),
    "another label at its end": public_file(PEM).replace(b"END PUBLIC", b"END PRIVATE"),
    "two blocks": public_file(PEM) * 2,
    "a block before": pem("NOTE", b"") + public_file(PEM),
    "text on the first line": b"x" + public_file(PEM),
    "text behind": public_file(PEM) + b"x",
    "bits that mean nothing": public_file(PEM).replace(b"g=", b"h="),
    "the other half": private_file(PEM),
    "the other half in DER": private_file(DER),
    "encrypted": KEY.private_bytes(PEM, PKCS8, serialization.BestAvailableEncryption(b"marked-password")),
}


@pytest.mark.parametrize("name", OTHERS)
def test_every_other_file_is_left_to_the_library(name: str) -> None:
    assert public_key_in(OTHERS[name]) is None


def test_the_private_half_is_not_taken_from_other_files() -> None:
    assert {seed_in(data) for name, data in OTHERS.items() if "half" not in name} == {None}
    assert seed_in(public_file(PEM)) is seed_in(private_file(DER) + b"\0") is None


@st.composite
def edited(draw: st.DrawFn, data: bytes) -> bytes:
    """The file with a few bytes of it replaced."""
    for _ in range(draw(st.integers(0, 3))):
        start = draw(st.integers(0, len(data)))
        end = draw(st.integers(start, min(len(data), start + 3)))
        data = (
            data[:start]
            + draw(st.binary(max_size=3) | st.sampled_from([b"\n", b"\r\n", b" ", b"-", b"="]))
            + data[end:]
        )
    return draw(st.sampled_from([b"", b"\n", b"text\n", b"\xff\0\n"])) + data


@given(st.sampled_from([DER, PEM]).flatmap(lambda encoding: edited(private_file(encoding))))
def test_a_private_key_that_is_read_is_the_one_that_the_library_reads(data: bytes) -> None:
    found = seed_in(data)
    if found is not None:
        load = serialization.load_pem_private_key if b"-----BEGIN" in data else serialization.load_der_private_key
        key = load(data, None)
        assert isinstance(key, Ed25519PrivateKey)
        assert key.private_bytes_raw() == found


@given(st.sampled_from([DER, PEM]).flatmap(lambda encoding: edited(public_file(encoding))))
def test_a_public_key_that_is_read_is_the_one_that_the_library_reads(data: bytes) -> None:
    found = public_key_in(data)
    if found is not None:
        load = serialization.load_pem_public_key if b"-----BEGIN" in data else serialization.load_der_public_key
        key = load(data)
        assert isinstance(key, Ed25519PublicKey)
        assert key.public_bytes_raw() == found
