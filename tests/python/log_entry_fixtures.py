"""Log entries of signatures made with a key, in the logs of the Sigstore for tests."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from image_fixtures import PUBLIC_KEY, Edit, edited, envelope_of
from sigstore_fixtures import Sigstore, envelope_json
from sigstore_log_fixtures import Json, Log, canonical, proposed_dsse, request_v2, text
from wasmoci.cosign_bundle import PAYLOAD_TYPE, Envelope
from wasmoci.keys.image import ImagePublicKey
from wasmoci.strict_json import JsonObject, dump, parse_object
from wasmoci.transparency.trusted_root import parse_trusted_root
from wasmoci.transparency.verifying import TrustedLogs

# Rekor v2 names its checkpoints after the host.
URL = "http://127.0.0.1:1"
ENVELOPE = envelope_of(b'{"a":"statement"}')


@dataclass
class Ed25519Log(Log):
    """A log of Rekor v2 as the public ones are, whose id is C2SP's: of the origin and the key."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.signer = Ed25519PrivateKey.generate()

    @property
    def identifier(self) -> bytes:
        return hashlib.sha256(f"{self.origin}\n\1".encode() + self.signer.public_key().public_bytes_raw()).digest()

    def sign(self, message: bytes) -> bytes:
        return self.signer.sign(message)


@dataclass
class Ed25519Sigstore(Sigstore):
    """A Sigstore whose Rekor v2 signs with Ed25519."""

    rekor2: Ed25519Log = field(default_factory=lambda: Ed25519Log(2, "127.0.0.1"))

    def trusted_root(self, url: str = "https://sigstore.example") -> Json:
        root = super().trusted_root(url)
        log = root["tlogs"][1]
        spki = ImagePublicKey.of(self.rekor2.signer.public_key()).spki
        log["publicKey"].update(rawBytes=text(spki), keyDetails="PKIX_ED25519")
        log["logId"] = {"keyId": text(self.rekor2.identifier)}
        return root


def trusted_logs(
    sigstore: Sigstore, edit: Edit | None = None, threshold: int = 1, clock: Callable[[], datetime] | None = None
) -> TrustedLogs:
    """Both logs of `sigstore`, after `edit` changed the trusted root; `clock` is the verifier's."""
    time = clock or sigstore.time
    logs = parse_trusted_root(edited(dump(sigstore.trusted_root(URL)), edit))
    return TrustedLogs(logs, threshold, lambda: time().timestamp())


def logged_v1(log: Log, envelope: Envelope = ENVELOPE, key: ImagePublicKey = PUBLIC_KEY) -> Json:
    return log.append_proposed(proposed_dsse(dump(envelope_json(envelope)), key.pem()))


def logged_v2(log: Log, envelope: Envelope = ENVELOPE, key: ImagePublicKey = PUBLIC_KEY, **details: str) -> Json:
    verifier = {"publicKey": {"rawBytes": text(key.spki)}}
    return log.append_request(request_v2(envelope.signed_message, envelope.signature, verifier, **details))


def logged_intoto(
    log: Log, envelope: Envelope = ENVELOPE, key: ImagePublicKey = PUBLIC_KEY, edit: Edit | None = None
) -> Json:
    """An entry of the older kind of Rekor v1; `edit` changes its body before it is logged."""
    payload_hash = hashlib.sha256(envelope.payload).hexdigest()
    signature = {"publicKey": text(key.pem()), "sig": text(text(envelope.signature).encode())}
    content: Json = {
        "envelope": {"payloadType": PAYLOAD_TYPE, "signatures": [signature]},
        "hash": {"algorithm": "sha256", "value": "0" * 64},
        "payloadHash": {"algorithm": "sha256", "value": payload_hash},
    }
    body = canonical({"apiVersion": "0.0.2", "kind": "intoto", "spec": {"content": content}})
    return log.append(canonical(json.loads(edited(body, edit))), "intoto", "0.0.2")


def logged_message(log: Log, message: bytes, signature: bytes, key: ImagePublicKey = PUBLIC_KEY) -> Json:
    """An entry of Rekor v1 that knows what was signed by its digest."""
    spec = {
        "data": {"hash": {"algorithm": "sha256", "value": hashlib.sha256(message).hexdigest()}},
        "signature": {"content": text(signature), "publicKey": {"content": text(key.pem())}},
    }
    return log.append_proposed({"apiVersion": "0.0.1", "kind": "hashedrekord", "spec": spec})


def legacy_entry(log: Log, payload: bytes, signature: bytes, key: ImagePublicKey = PUBLIC_KEY) -> Json:
    """The annotation beside a legacy signature, as cosign writes it."""
    entry = logged_message(log, payload, signature, key)
    return {
        "SignedEntryTimestamp": entry["inclusionPromise"]["signedEntryTimestamp"],
        "Payload": {
            "body": entry["canonicalizedBody"],
            "integratedTime": int(entry["integratedTime"]),
            "logIndex": int(entry["logIndex"]),
            "logID": log.identifier.hex(),
        },
    }


def parsed(entry: Json) -> JsonObject:
    """An entry as a bundle's parser hands it on."""
    return parse_object(dump(entry), "the entry", 1024 * 1024)
