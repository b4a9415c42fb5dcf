"""Who is trusted to sign manifests and statements, and what a signature must have."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple, Protocol, runtime_checkable

from wasmoci.cosign.dsse import Envelope
from wasmoci.keys.image import ImagePublicKey
from wasmoci.values.errors import Reason, UsageError, VerificationError
from wasmoci.values.strict_json import JsonObject
from wasmoci.values.text import excerpt

if TYPE_CHECKING:
    from wasmoci.values.image_reference import Repository


class Signatory(Protocol):
    """A key or an identity."""

    @property
    def fingerprint(self) -> str:
        """Names it in reports; equal for equal ones."""

    @property
    def principal(self) -> str:
        """Names what is trusted that lets it in: the key itself, or the one identity or pattern of identities.

        A threshold counts these, so that all the identities of one pattern count once.
        """


class CertifiedSignatory(Signatory, Protocol):
    """An identity; `time` is when its signature was there, as a log or time stamping authority vouches."""

    @property
    def time(self) -> int:
        """Seconds since 1970."""


class Signing(NamedTuple):
    """Who made a signature, whether a transparency log entry of it was checked, and when it was there.

    `time` is the earliest, in seconds since 1970, that a trusted log or time stamping authority vouches for; None
    where none does.
    """

    signer: Signatory
    logged: bool
    time: int | None


@runtime_checkable
class CertificateVerifier(Protocol):
    """Trusted identities, and the trusted root that their certificates and log entries must lead to."""

    @property
    def names(self) -> Sequence[str]:
        """The identities and patterns of identities that are trusted, each once."""

    def verify(self, bundle: bytes) -> CertifiedSignatory:
        """Check a keyless bundle as a whole: certificate chain, SCT, time, log entry, signature, identity.

        Returns the identity. The DSSE payload that is verified is that of these bytes. Raises
        VerificationError, FormatError.
        """


class LogVerifier(Protocol):
    """The transparency logs of a trusted root."""

    def verify(
        self, entries: Sequence[JsonObject], envelope: Envelope, key: ImagePublicKey, stamps: Sequence[bytes]
    ) -> int | None:
        """Check that one of `entries` logs exactly this envelope, signed by this key; VerificationError if not.

        `stamps` are time stamps (RFC 3161) that say when the signature was there. Returns the earliest time that
        they or the entries prove, in seconds since 1970.
        """

    def proven_time(self, stamps: Sequence[bytes], signature: bytes) -> int | None:
        """The earliest time, in seconds since 1970, that one of these time stamps of a signature proves."""

    def verify_legacy(self, entry: str, payload: bytes, signature: bytes, key: ImagePublicKey) -> int:
        """The same for the JSON at `dev.sigstore.cosign/bundle` and a legacy signature, which always has a time."""


@dataclass(frozen=True, slots=True)
class ImageTrust:
    """Trusted keys and identities, and how many of them must have signed; UsageError where that cannot be met.

    `threshold` counts distinct principals. `annotations` must be among the signed ones, and `signed_name` the
    repository that is signed for. With `log`,
    log entries that a keyed signature has must hold; with `log_required` it must have one. An
    identity's signature has one in any case.
    """

    keys: Sequence[ImagePublicKey] = ()
    certificates: CertificateVerifier | None = None
    log: LogVerifier | None = None
    log_required: bool = False
    threshold: int = 1
    annotations: Mapping[str, str] = field(default_factory=dict)
    signed_name: "Repository | None" = None

    def __post_init__(self) -> None:
        if not 1 <= self.threshold <= max(1, self.principals):
            raise UsageError(
                "the threshold must be between 1 and the number of distinct trusted OCI keys and identities, "
                f"{self.principals}, got: {self.threshold}"
            )
        if not self and (self.annotations or self.signed_name or self.log or self.log_required):
            raise UsageError(
                "annotations, a signed name and log entries are asked of OCI signatures: give a trusted OCI key or "
                "identity too"
            )
        if self.log_required and self.keys and self.log is None:
            raise UsageError("a transparency log entry is required, and no log is trusted: give a trusted root")

    def __bool__(self) -> bool:
        return bool(self.keys) or self.certificates is not None

    @property
    def principals(self) -> int:
        """How many distinct keys, identities and patterns of identities are trusted."""
        return len(self.names)

    @property
    def names(self) -> Sequence[str]:
        """The distinct keys, identities and patterns of identities that are trusted."""
        identities = () if self.certificates is None else self.certificates.names
        return (*dict.fromkeys(key.principal for key in self.keys), *identities)

    def log_for(self, *, has_entry: bool) -> LogVerifier | None:
        """What has to check a keyed signature's log entry, None where nothing is to be checked.

        Raises VerificationError (NOT_LOGGED) where an entry is required and there is none.
        """
        if self.log_required and not has_entry:
            raise VerificationError(Reason.NOT_LOGGED, "it has no transparency log entry, and one is required")
        return self.log if has_entry else None

    def check_threshold(self, signers: Iterable[Signatory], what: str) -> None:
        """Raise VerificationError (POLICY_UNMET) unless enough distinct principals are among the signers of `what`."""
        counted = {signer.principal: signer.fingerprint for signer in signers}
        if len(counted) < self.threshold:
            names = ", ".join(counted.values()) or "none of them"
            raise VerificationError(
                Reason.POLICY_UNMET,
                f"{self.threshold} distinct trusted keys or identities must sign {what}, it is signed by {names}",
            )

    def check_annotations(self, signed: Mapping[str, str]) -> None:
        """Raise VerificationError (POLICY_UNMET) unless all that must be signed are among the `signed` ones."""
        missing = [f"{key}={value}" for key, value in self.annotations.items() if signed.get(key) != value]
        if missing:
            raise VerificationError(
                Reason.POLICY_UNMET, f"these annotations are not among the signed ones: {', '.join(missing)}"
            )

    def check_name(self, signed: str | None) -> None:
        """Raise VerificationError (WRONG_NAME) unless a signature is for the repository that is asked for, if any.

        `signed` is what it says that it is for, a repository which may have a tag; None where it says nothing.
        """
        if self.signed_name is None:
            return
        from wasmoci.values.image_reference import parse_destination

        try:
            same = signed is not None and parse_destination(signed)[0].is_same(self.signed_name)
        except UsageError:
            same = False
        if not same:
            said = f"for {excerpt(signed)!r}" if signed else "and does not say for which repository"
            raise VerificationError(Reason.WRONG_NAME, f"it must be signed for {self.signed_name}, it is signed {said}")
