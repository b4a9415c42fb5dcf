"""What is sent to Rekor to log a signature, and what it answers.

Sources: the API of Rekor 1.5 (`dsse` 0.0.1) and of rekor-tiles 2.3, which is Rekor v2
(`hashedRekordRequestV002`).
"""

import hashlib
import re

from wasmoci.cosign.dsse import Envelope
from wasmoci.keys.image import ImagePublicKey
from wasmoci.transparency.entry_body import KEY_DETAILS
from wasmoci.transparency.log_entry import InclusionProof, LogEntry
from wasmoci.transparency.merkle import MAX_PROOF_HASHES
from wasmoci.values.base64_strict import decode, encode
from wasmoci.values.errors import FormatError
from wasmoci.values.strict_json import JsonObject, dump, parse_object

MAX_ANSWER_SIZE = 1024 * 1024

_HEX = re.compile(r"(?:[0-9a-f]{2})*")


def dsse_request(envelope: Envelope, key: ImagePublicKey) -> bytes:
    """The body of a POST to Rekor v1."""
    content = {"envelope": dump(envelope.to_json()).decode(), "verifiers": [encode(key.pem())]}
    return dump({"apiVersion": "0.0.1", "kind": "dsse", "spec": {"proposedContent": content}})


def hashed_rekord_request(envelope: Envelope, key: ImagePublicKey) -> bytes:
    """The body of a POST to Rekor v2, for a key of KEY_DETAILS."""
    digest = hashlib.sha256(envelope.signed_message).digest()
    verifier = {"publicKey": {"rawBytes": encode(key.spki)}, "keyDetails": KEY_DETAILS[key.algorithm]}
    signature = {"content": encode(envelope.signature), "verifier": verifier}
    return dump({"hashedRekordRequestV002": {"digest": encode(digest), "signature": signature}})


def parse_answer_v1(data: bytes, where: str) -> LogEntry:
    """The entry in Rekor v1's answer, an object with one member; FormatError for anything else."""
    top = parse_object(data, where, MAX_ANSWER_SIZE)
    names = sorted(top.names())
    if len(names) != 1:
        raise FormatError(f"{where} has {len(names)} log entries, one is wanted")
    value = top.object(names[0])
    verification = value.object("verification")
    proof = verification.object("inclusionProof")
    body = decode(value.string("body"), f"{where}: `body`")
    kind = parse_object(body, f"{where}: the body", MAX_ANSWER_SIZE)
    return LogEntry(
        index=value.integer("logIndex"),
        log_id=_hex(value, "logID"),
        kind=kind.string("kind"),
        version=kind.string("apiVersion"),
        integrated_time=value.integer("integratedTime"),
        promise=decode(verification.string("signedEntryTimestamp"), f"{where}: `signedEntryTimestamp`"),
        proof=InclusionProof(
            index=proof.integer("logIndex"),
            tree_size=proof.integer("treeSize"),
            root=_hex(proof, "rootHash"),
            hashes=tuple(_from_hex(sibling, proof.where) for sibling in proof.strings("hashes", MAX_PROOF_HASHES)),
            checkpoint=proof.string("checkpoint"),
        ),
        body=body,
    )


def parse_answer_v2(data: bytes, where: str) -> LogEntry:
    """The entry that is Rekor v2's answer; FormatError for anything else."""
    return LogEntry.parse(parse_object(data, where, MAX_ANSWER_SIZE))


def _hex(value: JsonObject, name: str) -> bytes:
    return _from_hex(value.string(name), f"{value.where}: `{name}`")


def _from_hex(text: str, what: str) -> bytes:
    if not _HEX.fullmatch(text):
        raise FormatError(f"{what} is not lower-case hex")
    return bytes.fromhex(text)
