"""What a log entry must say of a signature, rebuilt from the signature and compared byte by byte.

Sources: Rekor 1.5 (`dsse` 0.0.1, `intoto` 0.0.2, `hashedrekord` 0.0.1) and rekor-tiles 2.3, which is
Rekor v2 (`hashedrekord` 0.0.2). A `hashedrekord` of an envelope is over the digest of the pre-authentication
encoding. A body is JSON in the canonical form of RFC 8785: compact, with sorted names.
"""

import hashlib
from collections.abc import Callable, Mapping

from wasmoci.cosign.dsse import PAYLOAD_TYPE, Envelope
from wasmoci.keys.image import ImagePublicKey, parse_public_key
from wasmoci.transparency.log_entry import MAX_BODY_SIZE, hex_hash
from wasmoci.values.base64_strict import decode, encode
from wasmoci.values.errors import FormatError, KeyFileError, not_logged
from wasmoci.values.strict_json import JsonObject, dump, parse_object
from wasmoci.values.text import excerpt

# The keys whose signatures Rekor v2 logs, and its names for them, by the names that ImagePublicKey has for algorithms.
# Source: sigstore's algorithm registry, as cosign 3.1.3 and rekor-tiles 2.3 use it. Rekor v2 knows an entry's
# signature by the digest that was signed. So it logs no pure Ed25519, and wants P-384 with SHA-384 and P-521
# with SHA-512, with which cosign's own signatures of these keys are not made.
KEY_DETAILS = {
    "ecdsa-p256": "PKIX_ECDSA_P256_SHA_256",
    "rsa-2048": "PKIX_RSA_PKCS1V15_2048_SHA256",
    "rsa-3072": "PKIX_RSA_PKCS1V15_3072_SHA256",
    "rsa-4096": "PKIX_RSA_PKCS1V15_4096_SHA256",
}

_Spec = Mapping[str, object]


def check_envelope_body(kind: str, version: str, body: bytes, envelope: Envelope, key: ImagePublicKey) -> None:
    """Raise VerificationError unless `body` logs exactly this envelope, signed by this key.

    Raises FormatError for kinds of entries that do not log envelopes, and for a body that is none.
    """
    rebuild = _ENVELOPE_KINDS.get((kind, version))
    if rebuild is None:
        raise FormatError(
            f"a log entry of kind {excerpt(kind)!r} {excerpt(version)!r} is not known to log a DSSE envelope"
        )
    _check(body, _entry(kind, version, rebuild(body, envelope, key)))


def check_payload_body(body: bytes, payload: bytes, signature: bytes, key: ImagePublicKey) -> None:
    """Raise VerificationError unless `body` is a `hashedrekord` 0.0.1 of exactly this payload, signature and key."""
    _check(body, _entry("hashedrekord", "0.0.1", _hashed_payload(body, payload, signature, key)))


def _check(body: bytes, expected: bytes) -> None:
    if body != expected:
        raise not_logged("the log entry is not of this signature")


def _entry(kind: str, version: str, spec: _Spec) -> bytes:
    return dump({"apiVersion": version, "kind": kind, "spec": spec})


def _hashed_payload(body: bytes, payload: bytes, signature: bytes, key: ImagePublicKey) -> _Spec:
    public_key = _spec_of(body).object("signature").object("publicKey")
    return {
        "data": {"hash": _hash(hashlib.sha256(payload).hexdigest())},
        "signature": {"content": encode(signature), "publicKey": {"content": _stated_key(public_key, "content", key)}},
    }


def _dsse(body: bytes, envelope: Envelope, key: ImagePublicKey) -> _Spec:
    """The envelope's own hash is over the JSON text that was sent to the log, which nobody else has."""
    stated = _spec_of(body)
    signature = _only_signature(stated)
    return {
        "envelopeHash": _hash(hex_hash(stated.object("envelopeHash"), "value")),
        "payloadHash": _hash(hashlib.sha256(envelope.payload).hexdigest()),
        "signatures": [{"signature": encode(envelope.signature), "verifier": _stated_key(signature, "verifier", key)}],
    }


def _intoto(body: bytes, envelope: Envelope, key: ImagePublicKey) -> _Spec:
    """The hash is as in `dsse`; the key's id is a name that nobody signed."""
    content = _spec_of(body).object("content")
    stated = _only_signature(content.object("envelope"))
    signature = {
        "publicKey": _stated_key(stated, "publicKey", key),
        "sig": encode(encode(envelope.signature).encode()),
    }
    if "keyid" in stated:
        signature = {"keyid": stated.string("keyid"), **signature}
    return {
        "content": {
            "envelope": {"payloadType": PAYLOAD_TYPE, "signatures": [signature]},
            "hash": _hash(hex_hash(content.object("hash"), "value")),
            "payloadHash": _hash(hashlib.sha256(envelope.payload).hexdigest()),
        }
    }


def hashed_rekord_body(envelope: Envelope, key: ImagePublicKey) -> bytes:
    """The body of Rekor v2's entry of an envelope; VerificationError for a key that it does not log."""
    return _entry("hashedrekord", "0.0.2", _hashed_envelope(envelope, key))


def _hashed_envelope(envelope: Envelope, key: ImagePublicKey) -> _Spec:
    digest = encode(hashlib.sha256(envelope.signed_message).digest())
    data = {"algorithm": "SHA2_256", "digest": digest}
    return {"hashedRekordV002": {"data": data, "signature": signature_for_v2(envelope, key)}}


def signature_for_v2(envelope: Envelope, key: ImagePublicKey) -> dict[str, object]:
    """The signature as Rekor v2 is sent it and has it in entries; VerificationError for a key that it does not log."""
    details = KEY_DETAILS.get(key.algorithm)
    if details is None:
        raise not_logged(f"Rekor v2 does not log signatures of {key.algorithm} keys")
    verifier = {"keyDetails": details, "publicKey": {"rawBytes": encode(key.spki)}}
    return {"content": encode(envelope.signature), "verifier": verifier}


_ENVELOPE_KINDS: dict[tuple[str, str], Callable[[bytes, Envelope, ImagePublicKey], _Spec]] = {
    ("dsse", "0.0.1"): _dsse,
    ("intoto", "0.0.2"): _intoto,
    ("hashedrekord", "0.0.1"): lambda body, envelope, key: _hashed_payload(
        body, envelope.signed_message, envelope.signature, key
    ),
    ("hashedrekord", "0.0.2"): lambda _, envelope, key: _hashed_envelope(envelope, key),
}


def _spec_of(body: bytes) -> JsonObject:
    return parse_object(body, "the log entry's body", MAX_BODY_SIZE).object("spec")


def _hash(hex_digest: str) -> dict[str, object]:
    return {"algorithm": "sha256", "value": hex_digest}


def _only_signature(value: JsonObject) -> JsonObject:
    signatures = value.objects("signatures", limit=1)
    if not signatures:
        raise FormatError(f"{value.where} has no signature")
    return signatures[0]


def _stated_key(value: JsonObject, name: str, key: ImagePublicKey) -> str:
    """The text of the key in a body, as one key can be written as PEM in many ways."""
    text = value.string(name)
    try:
        stated = parse_public_key(decode(text, f"{value.where}: `{name}`"))
    except KeyFileError as error:
        raise FormatError(f"{value.where}: `{name}`: {error}") from None
    if stated != key:
        raise not_logged("the log entry is of a signature by another key")
    return text
