"""Verify bundles that identities signed, offline, with sigstore-python and a trusted root.

What must hold: the certificate leads to an authority of the trusted root, is logged there (one SCT), and
was valid at the time of signing; that time is one that a trusted log or time stamping authority signed;
the log has exactly this envelope; the certificate's key signed it. As cosign 3.1.3 by default, and
stricter: all validity periods of the trusted root count, for whole chains; no claimed time may lie in the
future; exactly one log entry, of a kind that sigstore-python verifies.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from wasmoci.cosign import bundle as cosign_bundle
from wasmoci.cosign.bundle import MAX_BUNDLE_SIZE
from wasmoci.cosign.dsse import PAYLOAD_TYPE
from wasmoci.keyless.certificate import identity_of
from wasmoci.keyless.identity import EndedIdentity, Identity, IdentityPattern, TrustedIdentity
from wasmoci.keyless.trusted_root import KeylessRoot
from wasmoci.transparency.authorities import parse_certificate
from wasmoci.transparency.log_entry import LogEntry
from wasmoci.transparency.time_stamps import proven_time, time_stamp_authorities
from wasmoci.transparency.verifying import MAX_CLOCK_SKEW_SECONDS
from wasmoci.values.clock import Clock
from wasmoci.values.errors import Error, FormatError, Reason, UsageError, VerificationError, not_logged
from wasmoci.values.strict_json import JsonObject, parse_object
from wasmoci.values.text import excerpt, one_line

if TYPE_CHECKING:
    from cryptography.x509 import Certificate
    from sigstore.models import Bundle

# What entries of envelopes sigstore-python verifies; not `intoto` 0.0.2, which cosign takes too.
_KINDS = (("dsse", "0.0.1"), ("hashedrekord", "0.0.2"))


class IdentityVerifier:
    """Trusted identities below a trusted root; an verify.trust.CertificateVerifier."""

    def __init__(
        self,
        trusted_root: Path | None,
        patterns: Sequence[IdentityPattern],
        clock: Clock = time.time,
        *,
        ended: Sequence[EndedIdentity] = (),
    ) -> None:
        """`trusted_root` None is the public good Sigstore as the installed sigstore-python knows it.

        What one of `ended` signed after its end counts for nobody. Raises UsageError
        without patterns, FormatError, Error where the trusted root cannot be read.
        """
        if not patterns:
            raise UsageError("no identity is trusted")
        # One that is trusted by itself counts as itself, not as one of many; else their order does not matter.
        self._patterns = sorted(patterns, key=lambda each: (not each.is_exact, -len(each.name), each.name))
        self._root = KeylessRoot.load(trusted_root)
        self._clock = clock
        self._ended = ended

    @property
    def names(self) -> Sequence[str]:
        return tuple(dict.fromkeys(pattern.name for pattern in self._patterns))

    def verify(self, bundle: bytes) -> TrustedIdentity:
        """The trusted identity that signed the DSSE payload of these bytes.

        Raises VerificationError where none did, FormatError, LimitError for a bundle that is none.
        """
        identity, signed_at = verify_keyless(bundle, self._root, self._clock)
        if any(ended.had_ended(identity, signed_at) for ended in self._ended):
            raise VerificationError(Reason.UNTRUSTED_KEY, f"{identity} signed it, who had ended or is revoked")
        for pattern in self._patterns:
            if pattern.matches(identity):
                return TrustedIdentity(identity, pattern.name, signed_at)
        called = [pattern for pattern in self._patterns if pattern.has_name(identity)]
        problems = dict.fromkeys(claim.problem(identity) for pattern in called for claim in pattern.claims)
        why = "; ".join(filter(None, problems)) or "which no trusted identity is"
        raise VerificationError(Reason.UNTRUSTED_KEY, f"{identity} signed it, {why}")


def verify_keyless(data: bytes, root: KeylessRoot, clock: Clock = time.time) -> tuple[Identity, int]:
    """The identity that signed a bundle, whoever that is, and when; raises as `IdentityVerifier.verify`.

    The time, in seconds since 1970, is the one that the log signed, else the earliest that a time stamp proves.
    """
    parsed = cosign_bundle.parse_bundle(data)
    if not parsed.has_certificate:
        raise FormatError("the bundle has no certificate")
    material = parse_object(data, "the bundle", MAX_BUNDLE_SIZE).object("verificationMaterial")
    certificate = parse_certificate(material.object("certificate"))
    integrated = _integrated(parsed.log_entries)
    bundle, stamped = _load(data)
    times = [*stamped, *integrated]
    if any(moment > clock() + MAX_CLOCK_SKEW_SECONDS for moment in times):
        raise not_logged("the time of signing is in the future")
    if _verify(bundle, root, times, certificate) != (PAYLOAD_TYPE, parsed.envelope.payload):
        raise VerificationError(Reason.MALFORMED, "the bundle has two payloads, and readers differ on which it is")
    proven = integrated or _proven(parsed, root)
    if not proven:
        raise not_logged("no time stamp of a trusted authority proves when it was signed")
    return identity_of(certificate), min(proven)


def claimed_identity(data: bytes) -> Identity:
    """The identity that a bundle's certificate names, of which nothing is verified; FormatError."""
    material = parse_object(data, "the bundle", MAX_BUNDLE_SIZE).object("verificationMaterial")
    return identity_of(parse_certificate(material.object("certificate")))


def _integrated(entries: Sequence[JsonObject]) -> tuple[int, ...]:
    """The time of signing, in seconds since 1970, of an entry of Rekor v1; nothing of Rekor v2."""
    if len(entries) != 1:
        raise not_logged(f"an identity's bundle must have one transparency log entry, this one has {len(entries)}")
    entry = LogEntry.parse(entries[0])
    if (entry.kind, entry.version) not in _KINDS:
        raise not_logged(
            f"an identity's log entry must be of the kind {' or '.join(map(' '.join, _KINDS))}, this one is "
            f"{excerpt(entry.kind)!r} {excerpt(entry.version)!r}"
        )
    if bool(entry.promise) != bool(entry.integrated_time):
        raise FormatError("a log entry has an integrated time and the log's signature over it, or none of them")
    return (entry.integrated_time,) if entry.promise else ()


def _proven(bundle: cosign_bundle.Bundle, root: KeylessRoot) -> Sequence[int]:
    """The times of signing that time stamps prove."""
    authorities = time_stamp_authorities(root.json)
    times = (proven_time(stamp, bundle.envelope.signature, authorities) for stamp in bundle.time_stamps)
    return [moment for moment in times if moment is not None]


def _load(data: bytes) -> tuple["Bundle", list[float]]:
    """The bundle as sigstore-python reads it, and the times of its time stamps, none of them verified."""
    from sigstore.models import Bundle

    try:
        bundle = Bundle.from_json(data)
        stamps = bundle.verification_material.timestamp_verification_data
        times = [] if stamps is None else [stamp.tst_info.gen_time.timestamp() for stamp in stamps.rfc3161_timestamps]
    except Exception as error:
        raise FormatError(f"sigstore-python cannot read the bundle: {one_line(error)}") from None
    return bundle, times


def _verify(
    bundle: "Bundle", root: KeylessRoot, times: Sequence[float], certificate: "Certificate"
) -> tuple[str, bytes]:
    """The type and the payload that the certificate's key signed."""
    from sigstore.errors import CertValidationError
    from sigstore.verify import Verifier

    narrowed = root.at(certificate.not_valid_before_utc.timestamp(), times)
    try:
        return Verifier(trusted_root=narrowed).verify_dsse(bundle, _Only(certificate))
    except Error:
        raise
    except CertValidationError as error:
        raise VerificationError(Reason.UNTRUSTED_KEY, f"its certificate is not trusted: {one_line(error)}") from None
    except Exception as error:
        raise VerificationError(Reason.BAD_SIGNATURE, f"sigstore-python refuses it: {one_line(error)}") from None


@dataclass(frozen=True, slots=True)
class _Only:
    """sigstore-python's policy that the certificate is the one that our own reader found."""

    certificate: "Certificate"

    def verify(self, cert: "Certificate") -> None:
        if cert != self.certificate:
            raise VerificationError(Reason.MALFORMED, "the bundle has two certificates")
