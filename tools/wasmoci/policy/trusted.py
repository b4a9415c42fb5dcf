"""From signers to what verifiers take as trusted."""

import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from wasmoci.keyless.identity import EndedIdentity
from wasmoci.policy.signers import Signer
from wasmoci.trust.policy import trusted_logs
from wasmoci.values.clock import Clock, end_of_days
from wasmoci.values.image_reference import Repository
from wasmoci.verify.trust import CertificateVerifier, ImageTrust


def image_trust(
    signers: Sequence[Signer],
    trusted_root: Path | None,
    *,
    threshold: int = 1,
    annotations: Mapping[str, str] | None = None,
    log_required: bool = False,
    signed_name: Repository | None = None,
    ended: Sequence[EndedIdentity] = (),
    reads_clock: bool = True,
) -> ImageTrust:
    """Who of these may sign images; what one of `ended` signed after its end counts for nobody.

    UsageError, FormatError, Error where the trusted root cannot be used.
    """
    clock = time.time if reads_clock else end_of_days
    able = [signer for signer in signers if not signer.is_revoked]
    keys = [signer.image_key for signer in able if signer.image_key is not None]
    return ImageTrust(
        keys=keys,
        certificates=_certificates(able, trusted_root, ended, clock),
        log=trusted_logs(trusted_root, clock) if keys else None,
        log_required=log_required,
        threshold=threshold,
        annotations=annotations or {},
        signed_name=signed_name,
    )


def _certificates(
    signers: Sequence[Signer], trusted_root: Path | None, ended: Sequence[EndedIdentity], clock: Clock
) -> CertificateVerifier | None:
    patterns = [signer.identity for signer in signers if signer.identity is not None]
    if not patterns:
        return None
    from wasmoci.keyless.verifying import IdentityVerifier

    return IdentityVerifier(trusted_root, patterns, clock, ended=ended)
