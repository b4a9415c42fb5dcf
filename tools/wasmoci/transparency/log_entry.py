"""A transparency log entry as bundles and legacy signatures carry it.

Source: `TransparencyLogEntry` of sigstore's protobuf-specs (rekor/v1), in protobuf's JSON: whole numbers
are strings, and what is zero or empty may be left out.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass

from wasmoci.cosign.bundle import LOG_ENTRY_SHAPE, parse_bundle
from wasmoci.transparency.merkle import MAX_PROOF_HASHES, parse_hash
from wasmoci.values.base64_strict import decode, encode
from wasmoci.values.errors import FormatError, LimitError
from wasmoci.values.strict_json import MAX_SAFE_INTEGER, JsonObject, dump, parse_object

MAX_BODY_SIZE = 128 * 1024
_MAX_LEGACY_SIZE = 2 * MAX_BODY_SIZE

_HEX_HASH = re.compile(r"[0-9a-f]{64}")
_NUMBER = re.compile(r"0|[1-9][0-9]{0,15}", re.ASCII)

_LEGACY_NAMES = frozenset({"SignedEntryTimestamp", "Payload"})
_LEGACY_PAYLOAD_NAMES = frozenset({"body", "integratedTime", "logIndex", "logID"})


@dataclass(frozen=True, slots=True)
class InclusionProof:
    """That a leaf is in the tree which the checkpoint signs; `index` counts in that tree alone."""

    index: int
    tree_size: int
    root: bytes
    hashes: tuple[bytes, ...]
    checkpoint: str


@dataclass(frozen=True, slots=True)
class LogEntry:
    """One entry. `integrated_time` is in seconds since 1970 and 0 where the log gives none, as Rekor v2.

    `promise` is the signed entry timestamp, empty where there is none; `body` is the leaf of the tree.
    """

    index: int
    log_id: bytes
    kind: str
    version: str
    integrated_time: int
    promise: bytes
    proof: InclusionProof
    body: bytes

    @classmethod
    def parse(cls, value: JsonObject) -> "LogEntry":
        """Raises FormatError, also for names that are not known and for an entry without inclusion proof."""
        value.only(LOG_ENTRY_SHAPE)
        kind, log_id = value.object("kindVersion"), value.object("logId")
        promise = value.optional_object("inclusionPromise")
        body = _bytes(value, "canonicalizedBody")
        if len(body) > MAX_BODY_SIZE:
            raise LimitError(f"{value.where}: the body has {len(body)} bytes, the limit is {MAX_BODY_SIZE}")
        return cls(
            index=_number(value, "logIndex"),
            log_id=parse_hash(log_id.string("keyId"), f"{log_id.where}: `keyId`"),
            kind=kind.string("kind"),
            version=kind.string("version"),
            integrated_time=_number(value, "integratedTime"),
            promise=b"" if promise is None else _bytes(promise, "signedEntryTimestamp"),
            proof=_parse_proof(value.object("inclusionProof")),
            body=body,
        )

    def to_json(self) -> dict[str, object]:
        """In the order in which cosign writes it; zeros are written out, as sigstore-python wants them."""
        members: dict[str, object] = {
            "logIndex": str(self.index),
            "logId": {"keyId": encode(self.log_id)},
            "kindVersion": {"kind": self.kind, "version": self.version},
        }
        if self.integrated_time:
            members["integratedTime"] = str(self.integrated_time)
        if self.promise:
            members["inclusionPromise"] = {"signedEntryTimestamp": encode(self.promise)}
        members["inclusionProof"] = {
            "logIndex": str(self.proof.index),
            "rootHash": encode(self.proof.root),
            "treeSize": str(self.proof.tree_size),
            "hashes": [encode(sibling) for sibling in self.proof.hashes],
            "checkpoint": {"envelope": self.proof.checkpoint},
        }
        members["canonicalizedBody"] = encode(self.body)
        return members


@dataclass(frozen=True, slots=True)
class LegacyBundle:
    """The log entry of a legacy signature: it has a promise and no proof; the fields are those of LogEntry.

    It is the text of an annotation beside the signature, `simple_signing.LOG_ANNOTATION`.
    Source: cosign 3.1.3 (`--new-bundle-format=false`).
    """

    index: int
    log_id: bytes
    integrated_time: int
    promise: bytes
    body: bytes

    @classmethod
    def parse(cls, text: str) -> "LegacyBundle":
        """Raises FormatError, LimitError."""
        top = parse_object(text.encode(), "the legacy bundle", _MAX_LEGACY_SIZE).spelled(_LEGACY_NAMES)
        payload = top.object("Payload").spelled(_LEGACY_PAYLOAD_NAMES)
        return cls(
            index=payload.integer("logIndex"),
            log_id=bytes.fromhex(hex_hash(payload, "logID")),
            integrated_time=payload.integer("integratedTime"),
            promise=decode(top.string("SignedEntryTimestamp"), "the signed entry timestamp"),
            body=payload.base64("body"),
        )


def hex_hash(value: JsonObject, name: str) -> str:
    """The text of a SHA-256 hash in hex; FormatError for anything else."""
    text = value.string(name)
    if not _HEX_HASH.fullmatch(text):
        raise FormatError(f"{value.where}: `{name}` must be 64 lower-case hex digits")
    return text


def with_log_entries(bundle: bytes, entries: Sequence[LogEntry], stamps: Sequence[bytes] = ()) -> bytes:
    """The same bundle with these entries instead of those that it has; the same bytes for the same input.

    The time stamps (RFC 3161) come after those that it has. Raises FormatError for what is no bundle, LimitError
    where the result could not be read again.
    """
    stamps = [*parse_bundle(bundle).time_stamps, *stamps]
    top = json.loads(bundle)
    material = top["verificationMaterial"]
    material["tlogEntries"] = [entry.to_json() for entry in entries]
    if stamps:
        signed = [{"signedTimestamp": encode(stamp)} for stamp in stamps]
        material["timestampVerificationData"] = {"rfc3161Timestamps": signed}
    data = dump(top)
    parse_bundle(data)
    return data


def _parse_proof(value: JsonObject) -> InclusionProof:
    hashes = value.strings("hashes", MAX_PROOF_HASHES) if "hashes" in value else []
    return InclusionProof(
        index=_number(value, "logIndex"),
        tree_size=_number(value, "treeSize"),
        root=parse_hash(value.string("rootHash"), f"{value.where}: `rootHash`"),
        hashes=tuple(parse_hash(sibling, f"{value.where}: `hashes`") for sibling in hashes),
        checkpoint=value.object("checkpoint").string("envelope"),
    )


def whole_number(text: str, what: str) -> int:
    """The number that a text is; FormatError unless it is whole, from 0 to 2**53 - 1, and has no leading zero."""
    number = int(text) if _NUMBER.fullmatch(text) else MAX_SAFE_INTEGER + 1
    if number > MAX_SAFE_INTEGER:
        raise FormatError(f"{what} must be the text of a whole number from 0 to 2**53 - 1")
    return number


def _number(value: JsonObject, name: str) -> int:
    return whole_number(value.string(name) if name in value else "0", f"{value.where}: `{name}`")


def _bytes(value: JsonObject, name: str) -> bytes:
    data = value.base64(name)
    if not data:
        raise FormatError(f"{value.where}: `{name}` is empty")
    return data
