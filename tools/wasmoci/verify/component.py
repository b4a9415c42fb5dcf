"""Verify a component's signature, more strictly than wasmsign2 does.

wasmsign2 0.2.8 accepts a truncated or extended file in some cases and does not cover the header;
see docs/formats.md. Here the whole file must be what was signed, part by part.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import BinaryIO, NamedTuple

from wasmoci.keys.component import ComponentPublicKey
from wasmoci.values.errors import FormatError, Reason, UsageError, VerificationError
from wasmoci.values.text import listed
from wasmoci.verify.checks import MAX_CHECKS_EMBEDDED, Checks
from wasmoci.verify.passed_hashes import PassedHashes
from wasmoci.wasm.parts import ComponentParts, read_parts
from wasmoci.wasm.sections import Kind
from wasmoci.wasm.signature import Record, SignatureData, SignatureSet, UnknownRecord, merged, signed_message


class VerifiedComponent(NamedTuple):
    """Distinct trusted keys that signed all of the file, and what was passed over on the way.

    `is_detached` tells that what they signed is not in the file.
    """

    keys: tuple[ComponentPublicKey, ...] = ()
    warnings: tuple[str, ...] = ()
    is_detached: bool = False


class SignedComponent(NamedTuple):
    """A file with the 32-byte hash of each part, and signature data of which nothing is verified yet."""

    parts: ComponentParts
    hashes: tuple[bytes, ...]
    data: SignatureData


class OpenComponent:
    """A file whose parts were read, and are hashed when they are first needed, once."""

    def __init__(self, stream: BinaryIO, kind: Kind, passed: PassedHashes | None = None) -> None:
        """Raises VerificationError for what can be no file of `kind`. `passed` are hashes of these bytes."""
        self._stream = stream
        self._passed = passed or PassedHashes()
        with _refused():
            self._parts = read_parts(stream)
            self._parts.check_kind(kind)

    def signed(self, detached: bytes | None) -> SignedComponent:
        """With the signature data `detached`, or what the file holds; VerificationError for what can be none."""
        parts = self._parts
        with _refused():
            if detached is not None and parts.signature is not None:
                raise FormatError("the file has an embedded signature beside the detached one")
            signature = parts.signature if detached is None else detached
            if signature is None:
                raise VerificationError(Reason.UNSIGNED, "the component has no `signature` section")
            if detached is None and parts.padded:
                raise FormatError("a length is not in its shortest LEB128 form")
            data = SignatureData.parse(signature)
            return SignedComponent(parts, self._hashes, data)

    def verify(
        self,
        trusted: Sequence[ComponentPublicKey],
        detached: bytes | None = None,
        threshold: int = 1,
        limit: int = MAX_CHECKS_EMBEDDED,
    ) -> VerifiedComponent:
        """As `verify_component`, which says who may be trusted; with at most `limit` checks."""
        signed = self.signed(detached)
        return judge(signed.data, signed.data.sets_for(signed.hashes), trusted, threshold, limit)

    @cached_property
    def _hashes(self) -> tuple[bytes, ...]:
        return self._passed.of(self._stream, self._parts)


def verify_component(
    stream: BinaryIO,
    trusted: Sequence[ComponentPublicKey],
    kind: Kind,
    detached: bytes | None = None,
    threshold: int = 1,
) -> VerifiedComponent:
    """Check that at least `threshold` distinct trusted keys signed exactly this file, which must be of `kind`.

    `detached` is detached signature data; without it the signature is the file's first section.
    Keys are distinct if their raw bytes are, whatever form their files have. Raises VerificationError
    with the reason, UsageError if nothing is trusted or the threshold cannot be met.
    """
    check_trust(trusted, threshold)
    return OpenComponent(stream, kind).verify(trusted, detached, threshold)


def check_trust(trusted: Sequence[ComponentPublicKey], threshold: int) -> None:
    """UsageError unless `threshold` is between 1 and the number of distinct trusted keys."""
    if not trusted:
        raise UsageError("no component key is trusted, so no signature can be verified")
    distinct = len(set(trusted))
    if not 1 <= threshold <= distinct:
        raise UsageError(
            f"the threshold must be between 1 and the number of distinct trusted keys, {distinct}, got: {threshold}"
        )


def judge(
    data: SignatureData,
    matching: Sequence[SignatureSet],
    trusted: Sequence[ComponentPublicKey],
    threshold: int,
    limit: int = MAX_CHECKS_EMBEDDED,
) -> VerifiedComponent:
    """Count the distinct trusted keys that signed one of the `matching` sets of `data`.

    The caller vouches that the sets are for this file. Raises VerificationError below the threshold, and where that
    would take more than `limit` checks.
    """
    ignored = dict.fromkeys(
        f"a signature record was ignored: {record.problem}"
        for signed_set in data.sets
        for record in signed_set.records
        if isinstance(record, UnknownRecord)
    )
    warnings = tuple(ignored)
    sets, checks = merged(matching), Checks(limit)
    signers = [key for key in dict.fromkeys(trusted) if any(has_signed(key, signed, checks) for signed in sets)]
    if not signers:
        raise _refusal(data, matching, trusted, warnings)
    check_count(signers, threshold)
    return VerifiedComponent(tuple(signers), warnings)


def check_count(signers: Sequence[ComponentPublicKey], threshold: int) -> None:
    """Raise VerificationError (POLICY_UNMET) unless there are `threshold` signers, which are distinct."""
    if len(signers) < threshold:
        names = ", ".join(key.fingerprint for key in signers)
        raise VerificationError(
            Reason.POLICY_UNMET,
            f"{threshold} distinct trusted keys must have signed this component, {len(signers)} did: {names}",
        )


def has_signed(key: ComponentPublicKey, signed_set: SignatureSet, checks: Checks) -> bool:
    """Whether some record of this set is a signature by `key` over the hashes of the set; raises as `Checks.count`."""
    message, key_id = signed_message(signed_set.hashes), key.key_id
    for record in signed_set.records:
        if isinstance(record, Record) and record.key_id in (b"", key_id):
            checks.count()
            if made_by(record, key, message):
                return True
    return False


def made_by(record: Record, key: ComponentPublicKey, message: bytes) -> bool:
    """Whether the record is a signature by `key` over `message`."""
    if record.key_id not in (b"", key.key_id):
        return False
    try:
        key.verify(record.signature, message)
    except VerificationError:
        return False
    return True


def _refusal(
    data: SignatureData,
    matching: Sequence[SignatureSet],
    trusted: Sequence[ComponentPublicKey],
    warnings: Sequence[str],
) -> VerificationError:
    known = [record for signed_set in matching for record in signed_set.records if isinstance(record, Record)]
    if not any(signed_set.records for signed_set in data.sets):
        return VerificationError(Reason.UNSIGNED, "the component's signature data holds no signature")
    if not matching:
        return VerificationError(
            Reason.DIGEST_MISMATCH, "the component's bytes are not the ones that its signatures are for"
        )
    if not known:
        return VerificationError(Reason.MALFORMED, "; ".join(warnings))
    if any(record.key_id == key.key_id for record in known for key in trusted):
        return VerificationError(Reason.BAD_SIGNATURE, "a signature names a trusted key, but that key did not make it")
    signers = listed(dict.fromkeys(record.key_id.hex() or "a key that is not named" for record in known))
    ids = listed(f"{key.fingerprint} (key id {key.key_id.hex()})" for key in trusted)
    return VerificationError(
        Reason.UNTRUSTED_KEY, f"no trusted key signed the component, but: {signers}; trusted: {ids}"
    )


@contextmanager
def _refused() -> Iterator[None]:
    try:
        yield
    except FormatError as error:
        raise VerificationError(error.reason, f"the component is refused: {error}") from None
