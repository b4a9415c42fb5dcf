"""wasmsign2's signature data: what the `signature` section of a component and a detached file hold.

Source: wasmsign2 0.2.8 and the WebAssembly tool-conventions page `Signatures.md`; the length
prefixes of sets and records are in the program only. wsc (sigil) ends each record with a count
of certificates; only a count of 0 is understood and written here.

    data   := 01 01 01 | count of sets | (length | set)*
    set    := count of hashes | (32 bytes)* | count of records | (length | record)*
    record := length | key id | 01 | length = 64 | Ed25519 signature [| wsc: count of certificates = 0]
"""

from collections.abc import Callable, Sequence
from enum import Enum
from typing import NamedTuple

from wasmoci.values.errors import FormatError, LimitError, UnfitError
from wasmoci.wasm.sections import Cursor, u32

SECTION_NAME = "signature"
DELIMITER_NAME = "signature_delimiter"

MAX_SETS = 64
MAX_HASHES = 64
MAX_RECORDS = 256
MAX_DATA_SIZE = 4 * 1024 * 1024

HASH_SIZE = 32
SIGNATURE_SIZE = 64

_ED25519 = 0x01
_VERSIONS = b"\x01\x01\x01"
_DOMAIN = b"wasmsig"
_KEY_ID_SIZE = 12
_NO_CERTIFICATES = b"\0"


class RecordForm(str, Enum):
    """How a record is written: wasmsign2's way, or wsc's, which ends with a count of certificates."""

    WASMSIGN2 = "wasmsign2"
    WSC = "wsc"


class Record(NamedTuple):
    """One Ed25519 signature; `key_id` is empty where the signer gave none."""

    key_id: bytes
    signature: bytes
    raw: bytes

    @classmethod
    def make(cls, key_id: bytes, signature: bytes, form: RecordForm = RecordForm.WASMSIGN2) -> "Record":
        raw = u32(len(key_id)) + key_id + bytes([_ED25519]) + u32(len(signature)) + signature
        if form is RecordForm.WSC:
            raw += _NO_CERTIFICATES
        return cls(key_id, signature, raw)


class UnknownRecord(NamedTuple):
    """A record that is kept as it is and never counts as a signature; `problem` says why."""

    raw: bytes
    problem: str


class SignatureSet(NamedTuple):
    """Signatures over one list of 32-byte hashes, one hash a part of the file."""

    hashes: Sequence[bytes]
    records: Sequence[Record | UnknownRecord]


class SignatureData(NamedTuple):
    """All signature sets of a file, in their order."""

    sets: Sequence[SignatureSet] = ()

    @classmethod
    def parse(cls, data: bytes) -> "SignatureData":
        """Read signature data strictly: shortest LEB128, nothing after a set or the data.

        A record that cannot be understood becomes an UnknownRecord, so that it hides no other.
        Raises FormatError, LimitError.
        """
        _check_limit(len(data), "bytes", MAX_DATA_SIZE)
        cursor = Cursor(data, "the signature data")
        versions = cursor.take(len(_VERSIONS))
        if versions != _VERSIONS:
            raise FormatError(
                f"the signature data must start with version, content type and hash 010101, got: {versions.hex()}"
            )
        count = _count(cursor, "signature sets", MAX_SETS)
        sets = tuple(_parse_set(cursor.vector()) for _ in range(count))
        _check_whole(cursor, "the signature data")
        return cls(sets)

    def to_bytes(self) -> bytes:
        """Raises LimitError where the result could not be read again."""
        _check_limit(len(self.sets), "signature sets", MAX_SETS)
        sets = (_set_bytes(signature_set) for signature_set in self.sets)
        data = _VERSIONS + u32(len(self.sets)) + b"".join(u32(len(written)) + written for written in sets)
        _check_limit(len(data), "bytes", MAX_DATA_SIZE)
        return data

    def sets_for(self, hashes: Sequence[bytes]) -> tuple[SignatureSet, ...]:
        """The sets over exactly these hashes."""
        return tuple(signature_set for signature_set in self.sets if tuple(signature_set.hashes) == tuple(hashes))

    def without(self, is_unwanted: Callable[[SignatureSet, Record], bool]) -> "SignatureData":
        """Leave out the records that `is_unwanted` names, and the sets that lose their last record by that.

        All other records and sets stay as they are, those that are not understood too.
        """
        kept = []
        for signature_set in self.sets:
            records = tuple(
                record
                for record in signature_set.records
                if not (isinstance(record, Record) and is_unwanted(signature_set, record))
            )
            if records or not signature_set.records:
                kept.append(signature_set._replace(records=records))
        return SignatureData(tuple(kept))

    def with_record(self, hashes: Sequence[bytes], record: Record) -> "SignatureData":
        """Add `record` to the set of these `hashes`, which is made where there is none.

        Raises UnfitError where that set has this very signature already.
        """
        for index, signature_set in enumerate(self.sets):
            if tuple(signature_set.hashes) == tuple(hashes):
                if any(_same_signature(record, other) for other in signature_set.records):
                    raise UnfitError("this key has signed this file already")
                extended = signature_set._replace(records=(*signature_set.records, record))
                return SignatureData((*self.sets[:index], extended, *self.sets[index + 1 :]))
        return SignatureData((*self.sets, SignatureSet(tuple(hashes), (record,))))


def merged(sets: Sequence[SignatureSet]) -> tuple[SignatureSet, ...]:
    """One set for those over the same hashes, with each record once."""
    records: dict[tuple[bytes, ...], dict[Record | UnknownRecord, None]] = {}
    for signature_set in sets:
        records.setdefault(tuple(signature_set.hashes), {}).update(dict.fromkeys(signature_set.records))
    return tuple(SignatureSet(hashes, tuple(found)) for hashes, found in records.items())


def signed_message(hashes: Sequence[bytes]) -> bytes:
    """The bytes that every signer of a set signs."""
    return _DOMAIN + _VERSIONS + b"".join(hashes)


def key_id(public_key: bytes) -> bytes:
    """wasmsign2's default 12-byte key id of a 32-byte Ed25519 public key."""
    import hmac

    return hmac.digest(public_key, b"key_id", "sha256")[:_KEY_ID_SIZE]


def _same_signature(record: Record, other: Record | UnknownRecord) -> bool:
    return isinstance(other, Record) and (record.key_id, record.signature) == (other.key_id, other.signature)


def _set_bytes(signature_set: SignatureSet) -> bytes:
    _check_limit(len(signature_set.hashes), "hashes", MAX_HASHES)
    _check_limit(len(signature_set.records), "signatures", MAX_RECORDS)
    records = b"".join(u32(len(record.raw)) + record.raw for record in signature_set.records)
    return u32(len(signature_set.hashes)) + b"".join(signature_set.hashes) + u32(len(signature_set.records)) + records


def _parse_set(data: bytes) -> SignatureSet:
    cursor = Cursor(data, "a signature set")
    hashes = tuple(cursor.take(HASH_SIZE) for _ in range(_count(cursor, "hashes", MAX_HASHES)))
    records = tuple(_parse_record(cursor.vector()) for _ in range(_count(cursor, "signatures", MAX_RECORDS)))
    _check_whole(cursor, "a signature set")
    return SignatureSet(hashes, records)


def _parse_record(raw: bytes) -> Record | UnknownRecord:
    cursor = Cursor(raw, "a signature record")
    try:
        record_key_id = cursor.vector()
        algorithm = cursor.byte()
        if algorithm != _ED25519:
            raise FormatError(f"a signature record has the unknown algorithm {algorithm}")
        signature = cursor.vector()
        if len(signature) != SIGNATURE_SIZE:
            raise FormatError(f"an Ed25519 signature has {SIGNATURE_SIZE} bytes, got: {len(signature)}")
        if not cursor.at_end and cursor.u32() != 0:
            raise FormatError("a signature record has certificates, which no policy here can check")
        _check_whole(cursor, "a signature record")
    except FormatError as error:
        return UnknownRecord(raw, str(error))
    return Record(record_key_id, signature, raw)


def _count(cursor: Cursor, what: str, limit: int) -> int:
    count = cursor.u32()
    _check_limit(count, what, limit)
    return count


def _check_limit(count: int, what: str, limit: int) -> None:
    if count > limit:
        raise LimitError(f"the signature data has {count} {what}, the limit is {limit}")


def _check_whole(cursor: Cursor, what: str) -> None:
    if not cursor.at_end:
        raise FormatError(f"{what} has bytes after its end")
    if cursor.padded:
        raise FormatError(f"{what} has a LEB128 number that is not in its shortest form")
