"""A transparency log as Rekor is one: a Merkle tree of entries, checkpoints, and signed entry timestamps."""

import base64
import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from sigstore_certificate_fixtures import now, spki
from wasmoci.strict_json import dump

Json = dict[str, Any]


def text(data: bytes) -> str:
    return base64.b64encode(data).decode()


@dataclass
class Log:
    """A log of Rekor's version 1, whose entries have a signed time, or 2, whose entries have none.

    `origin` names it in checkpoints, and its first word their signer. `clock` is what it believes the
    time is. The first leaf is filled in advance: protobuf's JSON leaves out an index of zero, and some
    readers want to see it.
    """

    version: int
    origin: str
    clock: Callable[[], datetime] = now
    leaves: list[bytes] = field(default_factory=lambda: [hashlib.sha256(b"\0first").digest()])

    def __post_init__(self) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())

    @property
    def identifier(self) -> bytes:
        return hashlib.sha256(spki(self.key)).digest()

    def sign(self, message: bytes) -> bytes:
        return self.key.sign(message, ec.ECDSA(hashes.SHA256()))

    def checkpoint(self) -> str:
        """The signed root of the tree as it is now."""
        note = f"{self.origin}\n{len(self.leaves)}\n{text(tree_root(self.leaves))}\n"
        return f"{note}\n\u2014 {self.origin.split()[0]} {text(self.identifier[:4] + self.sign(note.encode()))}\n"

    def append(self, body: bytes, kind: str, kind_version: str) -> Json:
        """Log `body`; the TransparencyLogEntry in protobuf's JSON."""
        index = len(self.leaves)
        self.leaves.append(hashlib.sha256(b"\0" + body).digest())
        entry: Json = {
            "logIndex": str(index),
            "logId": {"keyId": text(self.identifier)},
            "kindVersion": {"kind": kind, "version": kind_version},
            "inclusionProof": {
                "logIndex": str(index),
                "rootHash": text(tree_root(self.leaves)),
                "treeSize": str(len(self.leaves)),
                "hashes": [text(one) for one in tree_path(index, self.leaves)],
                "checkpoint": {"envelope": self.checkpoint()},
            },
            "canonicalizedBody": text(body),
        }
        if self.version == 1:
            time = int(self.clock().timestamp())
            entry["integratedTime"] = str(time)
            entry["inclusionPromise"] = {"signedEntryTimestamp": text(self.promise(body, time, index))}
        return entry

    def promise(self, body: bytes, time: int, index: int) -> bytes:
        """The signed entry timestamp: over the canonical JSON of these."""
        members = {"body": text(body), "integratedTime": time, "logID": self.identifier.hex(), "logIndex": index}
        return self.sign(dump(members))

    def append_proposed(self, proposed: Json) -> Json:
        """Log what a client of version 1 posts: `dsse` or `hashedrekord` 0.0.1."""
        kind, spec = proposed["kind"], proposed["spec"]
        logged = _logged_dsse(spec["proposedContent"]) if kind == "dsse" else _logged_hash(spec)
        return self.append(canonical({"apiVersion": "0.0.1", "kind": kind, "spec": logged}), kind, "0.0.1")

    def append_request(self, request: Json) -> Json:
        """Log what a client of version 2 posts: a `hashedRekordRequestV002`."""
        asked = request["hashedRekordRequestV002"]
        spec = {"data": {"algorithm": "SHA2_256", "digest": asked["digest"]}, "signature": asked["signature"]}
        body = {"apiVersion": "0.0.2", "kind": "hashedrekord", "spec": {"hashedRekordV002": spec}}
        return self.append(canonical(body), "hashedrekord", "0.0.2")


def canonical(value: Json) -> bytes:
    return dump(_sorted(value))


def v1_answer(entry: Json) -> Json:
    """What Rekor v1 answers for an entry: the same facts in other spellings."""
    proof = entry["inclusionProof"]
    return {
        "24296fb24b8ad77a" + hashlib.sha256(base64.b64decode(entry["canonicalizedBody"])).hexdigest(): {
            "body": entry["canonicalizedBody"],
            "integratedTime": int(entry["integratedTime"]),
            "logID": base64.b64decode(entry["logId"]["keyId"]).hex(),
            "logIndex": int(entry["logIndex"]),
            "verification": {
                "inclusionProof": {
                    "checkpoint": proof["checkpoint"]["envelope"],
                    "hashes": [base64.b64decode(one).hex() for one in proof["hashes"]],
                    "logIndex": int(proof["logIndex"]),
                    "rootHash": base64.b64decode(proof["rootHash"]).hex(),
                    "treeSize": int(proof["treeSize"]),
                },
                "signedEntryTimestamp": entry["inclusionPromise"]["signedEntryTimestamp"],
            },
        }
    }


def proposed_dsse(envelope: bytes, verifier_pem: bytes) -> Json:
    """What a client posts to log a DSSE envelope in version 1; the verifier is a key or certificate."""
    content = {"envelope": envelope.decode(), "verifiers": [text(verifier_pem)]}
    return {"apiVersion": "0.0.1", "kind": "dsse", "spec": {"proposedContent": content}}


def request_v2(message: bytes, signature: bytes, verifier: Json, details: str = "PKIX_ECDSA_P256_SHA_256") -> Json:
    """What a client posts to version 2. `verifier` is `{"x509Certificate"|"publicKey": {"rawBytes": base64 DER}}`."""
    signed = {"content": text(signature), "verifier": {**verifier, "keyDetails": details}}
    return {"hashedRekordRequestV002": {"digest": text(hashlib.sha256(message).digest()), "signature": signed}}


def _logged_dsse(proposed: Json) -> Json:
    envelope = json.loads(proposed["envelope"])
    return {
        "envelopeHash": _hash(proposed["envelope"].encode()),
        "payloadHash": _hash(base64.b64decode(envelope["payload"])),
        "signatures": [
            {"signature": one["sig"], "verifier": verifier}
            for one, verifier in zip(envelope["signatures"], proposed["verifiers"], strict=True)
        ],
    }


def _logged_hash(spec: Json) -> Json:
    signature = spec["signature"]
    key = {"content": signature["publicKey"]["content"]}
    return {"data": {"hash": spec["data"]["hash"]}, "signature": {"content": signature["content"], "publicKey": key}}


def _hash(data: bytes) -> Json:
    return {"algorithm": "sha256", "value": hashlib.sha256(data).hexdigest()}


def _sorted(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _sorted(value[name]) for name in sorted(value)}
    return [_sorted(one) for one in value] if isinstance(value, list) else value


def _node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\1" + left + right).digest()


def _split(count: int) -> int:
    """The largest power of two below `count`."""
    return 1 << (count - 1).bit_length() - 1


def tree_root(leaves: Sequence[bytes]) -> bytes:
    if len(leaves) == 1:
        return leaves[0]
    middle = _split(len(leaves))
    return _node(tree_root(leaves[:middle]), tree_root(leaves[middle:]))


def tree_path(index: int, leaves: Sequence[bytes]) -> list[bytes]:
    """The inclusion proof, RFC 6962 2.1.1."""
    if len(leaves) == 1:
        return []
    middle = _split(len(leaves))
    if index < middle:
        return [*tree_path(index, leaves[:middle]), tree_root(leaves[middle:])]
    return [*tree_path(index - middle, leaves[middle:]), tree_root(leaves[:middle])]
