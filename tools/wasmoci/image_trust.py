"""Who is trusted to sign manifests and statements, and what a signature must have."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from wasmoci.cosign_bundle import Envelope
from wasmoci.keys.image import ImagePublicKey
from wasmoci.strict_json import JsonObject


class Signatory(Protocol):
    """A key or an identity."""

    @property
    def fingerprint(self) -> str:
        """Names it in reports; equal for equal ones."""


class CertificateVerifier(Protocol):
    """Trusted identities, and the trusted root that their certificates and log entries must lead to."""

    def verify(self, bundle: bytes) -> Signatory:
        """Check a keyless bundle as a whole: certificate chain, SCT, time, log entry, signature, identity.

        Returns the identity. The DSSE payload that is verified is that of these bytes. Raises
        VerificationError, FormatError.
        """


class LogVerifier(Protocol):
    """The transparency logs of a trusted root."""

    def verify(self, entries: Sequence[JsonObject], envelope: Envelope, key: ImagePublicKey) -> None:
        """Check that one of `entries` logs exactly this envelope, signed by this key; VerificationError if not."""


@dataclass(frozen=True, slots=True)
class ImageTrust:
    """`threshold` counts distinct keys and identities. `annotations` must be among the signed ones.

    With `log`, log entries that a keyed bundle has must hold; with `log_required` it must have one.
    """

    keys: Sequence[ImagePublicKey] = ()
    certificates: CertificateVerifier | None = None
    log: LogVerifier | None = None
    log_required: bool = False
    threshold: int = 1
    annotations: Mapping[str, str] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.keys) or self.certificates is not None
