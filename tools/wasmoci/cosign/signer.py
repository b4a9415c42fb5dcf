"""What makes signatures and attestations: a key, or an identity."""

from typing import Protocol


class StatementSigner(Protocol):
    """Signs in-toto statements, and cosign's legacy payloads where that is possible."""

    @property
    def fingerprint(self) -> str:
        """Names the key or identity in reports."""

    @property
    def bundles_only(self) -> bool:
        """Whether there is no raw signature to be had, so that `sign_payload` always raises UsageError."""

    def sign_statement(self, statement: bytes) -> bytes:
        """A Sigstore bundle v0.3 (JSON) whose DSSE payload is `statement`, checked before it is returned."""

    def sign_payload(self, payload: bytes) -> bytes:
        """The raw signature over `payload`; raises UsageError where only bundles can be signed."""
