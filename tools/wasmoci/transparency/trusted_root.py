"""The transparency logs of a trusted root.

Source: `TrustedRoot` v0.1 and v0.2 of sigstore's protobuf-specs, as `cosign trusted-root create` 3.1.3
writes it. Its other parts (authorities of certificates and timestamps) are not looked at.
"""

import re
from dataclasses import dataclass
from datetime import datetime, timezone

from wasmoci.keys.image import ImagePublicKey, parse_public_key
from wasmoci.transparency.merkle import parse_hash
from wasmoci.values.base64_strict import encode
from wasmoci.values.errors import FormatError, KeyFileError, VerificationError, not_logged
from wasmoci.values.strict_json import JsonObject, parse_object

MAX_TRUSTED_ROOT_SIZE = 1024 * 1024
MAX_LOGS = 100

_MEDIA_TYPES = (
    "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
    "application/vnd.dev.sigstore.trustedroot+json;version=0.2",
    "application/vnd.dev.sigstore.trustedroot.v0.2+json",
)

# How each type of log key signs, and what ImagePublicKey calls it.
_KEY_TYPES = {"PKIX_ECDSA_P256_SHA_256": "ecdsa-p256", "PKIX_ED25519": "ed25519"}

# protobuf's JSON writes timestamps in UTC with 0 to 9 decimals.
_TIMESTAMP = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2})(?:\.[0-9]{1,9})?Z", re.ASCII)


@dataclass(frozen=True, slots=True)
class Validity:
    """From `start` to `end`, both included, in seconds since 1970; None is open."""

    start: int | None
    end: int | None

    @classmethod
    def parse(cls, value: JsonObject) -> "Validity":
        """Read a TimeRange of sigstore's protobuf-specs; FormatError for anything else."""
        return cls(_seconds(value, "start"), _seconds(value, "end"))

    def includes(self, seconds: float) -> bool:
        return (self.start is None or self.start <= seconds) and (self.end is None or seconds <= self.end)


@dataclass(frozen=True, slots=True)
class TransparencyLog:
    """A log: its URL, its id (32 bytes), its key, and when that key is valid."""

    base_url: str
    log_id: bytes
    key: ImagePublicKey
    validity: Validity

    def verify(self, signature: bytes, message: bytes, what: str) -> None:
        """Raise VerificationError unless the log signed `message`; `what` names it in the error."""
        try:
            self.key.verify(signature, message)
        except VerificationError:
            raise not_logged(f"{what} is not by the log {self.base_url}") from None


def parse_trusted_root(data: bytes) -> tuple[TransparencyLog, ...]:
    """The logs whose keys are ECDSA P-256 or Ed25519; others are left out, so that nothing of theirs is trusted.

    Raises FormatError, LimitError.
    """
    top = parse_object(data, "the trusted root", MAX_TRUSTED_ROOT_SIZE)
    top.check("mediaType", *_MEDIA_TYPES)
    logs = top.objects("tlogs", MAX_LOGS)
    found = tuple(_parse_log(log) for log in logs if log.object("publicKey").string("keyDetails") in _KEY_TYPES)
    if not found:
        raise FormatError("the trusted root has no transparency log with a key of ECDSA P-256 or Ed25519")
    if len({log.log_id for log in found}) != len(found):
        raise FormatError("the trusted root has two transparency logs with the same id")
    return found


def _parse_log(log: JsonObject) -> TransparencyLog:
    log.check("hashAlgorithm", "SHA2_256")
    log_id = parse_hash(log.object("logId").string("keyId"), f"{log.where}: `keyId`")
    public_key = log.object("publicKey")
    validity = Validity.parse(public_key.object("validFor"))
    if validity.start is None:
        raise FormatError(f"{public_key.where}: `validFor` has no `start`")
    return TransparencyLog(log.string("baseUrl"), log_id, _parse_key(public_key), validity)


def _parse_key(public_key: JsonObject) -> ImagePublicKey:
    try:
        key = parse_public_key(public_key.base64("rawBytes"))
    except KeyFileError as error:
        raise FormatError(f"{public_key.where}: {error}") from None
    details = public_key.string("keyDetails")
    if key.algorithm != _KEY_TYPES[details] or encode(key.spki) != public_key.string("rawBytes"):
        raise FormatError(f"{public_key.where}: the key is not one of {details}")
    return key


def _seconds(value: JsonObject, name: str) -> int | None:
    text = value.optional_string(name)
    if text is None:
        return None
    match = _TIMESTAMP.fullmatch(text)
    try:
        if match is None:
            raise ValueError
        moment = datetime.fromisoformat(match[1]).replace(tzinfo=timezone.utc)
    except ValueError:
        raise FormatError(f"{value.where}: `{name}` must be a time such as 2026-01-31T12:00:00Z") from None
    return int(moment.timestamp())
