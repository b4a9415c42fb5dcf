"""Who is trusted, as plain values: what options and targets say."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class IdentityValues:
    """Who may hold a certificate: one of the first two says which name, one of the others who vouched for it."""

    identity: str | None = None
    identity_regexp: str | None = None
    issuer: str | None = None
    issuer_regexp: str | None = None


@dataclass(frozen=True, slots=True)
class TrustValues:
    """Who is trusted, and what a signature must have.

    `oci_keys` are files or key references. `annotations` must be signed. `trusted_root` is Sigstore's
    JSON file; without one identities are checked with that of the public instance.
    """

    component_keys: Sequence[Path] = ()
    component_threshold: int = 1
    oci_keys: Sequence[str] = ()
    identities: Sequence[IdentityValues] = ()
    oci_threshold: int = 1
    annotations: Mapping[str, str] = field(default_factory=dict)
    trusted_root: Path | None = None
    require_log: bool = False
