"""Who is trusted, as plain values that options and targets say, and the policies that they make."""

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from wasmoci.keys.component import ComponentPublicKey
from wasmoci.keys.component_files import load_component_keys
from wasmoci.keys.image import ImagePublicKey
from wasmoci.values.clock import Clock
from wasmoci.values.errors import UsageError
from wasmoci.values.level import Level
from wasmoci.values.notes import Notes
from wasmoci.verify.policy import Policy
from wasmoci.verify.trust import CertificateVerifier, ImageTrust, LogVerifier

if TYPE_CHECKING:
    from wasmoci.values.image_reference import Repository


class IdentityValues(NamedTuple):
    """Who may hold a certificate: one of the first two says which name, one of the others who vouched for it."""

    identity: str | None = None
    identity_regexp: str | None = None
    issuer: str | None = None
    issuer_regexp: str | None = None


class TrustValues(NamedTuple):
    """Who is trusted, and what a signature must have.

    `oci_keys` are files or key references. `annotations` must be signed, and `signed_name` be the repository that
    is signed for. `trusted_root` is Sigstore's JSON file; without one identities are checked with that of the public
    instance. A `policy_file` says all of this, `named` the repository that an image counts as for its rules; see
    policy.choice.
    """

    component_keys: Sequence[Path] = ()
    component_threshold: int = 1
    oci_keys: Sequence[str] = ()
    identities: Sequence[IdentityValues] = ()
    oci_threshold: int = 1
    annotations: Mapping[str, str] = {}
    signed_name: str | None = None
    trusted_root: Path | None = None
    require_log: bool = False
    policy_file: Path | None = None
    named: str | None = None


def policy(values: TrustValues, require: Level | None, notes: Notes, clock: Clock = time.time) -> Policy:
    """The policy that these values say; `notes` gets what is passed over in lists of keys.

    Raises UsageError where the values contradict each other, KeyFileError, Error.
    """
    return Policy.of(
        trusted_component_keys(values.component_keys, notes),
        image_trust(values, clock),
        require,
        values.component_threshold,
    )


def image_trust(values: TrustValues, clock: Clock = time.time) -> ImageTrust:
    """The part of it that is about signatures of images and of what is attested of them; raises as `policy`."""
    if values.trusted_root is not None and not values.oci_keys and not values.identities:
        raise UsageError("a trusted root checks signatures of images: give a trusted OCI key or identity too")
    return ImageTrust(
        keys=tuple(_oci_key(reference) for reference in values.oci_keys),
        certificates=_certificates(values, clock),
        log=trusted_logs(values.trusted_root, clock) if values.oci_keys else None,
        log_required=values.require_log,
        threshold=values.oci_threshold,
        annotations=values.annotations,
        signed_name=None if values.signed_name is None else _repository(values.signed_name),
    )


def trusted_component_keys(files: Sequence[Path], notes: Notes) -> list[ComponentPublicKey]:
    """All component keys of these files; `notes` gets each line of a list that is passed over."""
    return [key for path in files for key in load_component_keys(path, notes)]


def trusted_logs(trusted_root: Path | None, clock: Clock = time.time) -> LogVerifier | None:
    """The logs of a trusted root, which log entries of keyed signatures are checked with; None where there is none."""
    if trusted_root is None:
        return None
    from wasmoci.transparency.verifying import TrustedLogs

    return TrustedLogs.from_file(trusted_root, clock)


def certificate_holder(bundle: bytes) -> str:
    """The identity that a bundle's certificate names, of which nothing is verified; FormatError."""
    from wasmoci.keyless.verifying import claimed_identity

    return str(claimed_identity(bundle))


def _repository(name: str) -> "Repository":
    from wasmoci.values.image_reference import Repository

    return Repository.parse(name)


def _oci_key(reference: str) -> ImagePublicKey:
    from wasmoci.keys.reference import KeyReference

    return KeyReference.parse(reference).trusted_image_key()


def _certificates(values: TrustValues, clock: Clock) -> CertificateVerifier | None:
    if not values.identities:
        return None
    from wasmoci.keyless.identity import IdentityPattern
    from wasmoci.keyless.verifying import IdentityVerifier

    patterns = [
        IdentityPattern.of(
            identity=identity.identity,
            identity_regexp=identity.identity_regexp,
            issuer=identity.issuer,
            issuer_regexp=identity.issuer_regexp,
        )
        for identity in values.identities
    ]
    return IdentityVerifier(values.trusted_root, patterns, clock)
