"""Check who signed a bundle, without looking at what it says."""

from collections.abc import Sequence

from wasmoci.cosign.bundle import Bundle
from wasmoci.keys.image import ImagePublicKey
from wasmoci.values.errors import Reason, VerificationError
from wasmoci.verify.attached_bundles import AttachedBundle
from wasmoci.verify.trust import ImageTrust, Signatory


def verify_bundle(attached: AttachedBundle, trust: ImageTrust) -> Signatory:
    """The trusted key or identity that signed the bundle's payload; VerificationError where there is none."""
    bundle = attached.bundle
    if bundle.has_certificate:
        if trust.certificates is None:
            raise VerificationError(Reason.UNTRUSTED_KEY, "it is signed by an identity, and no identity is trusted")
        return trust.certificates.verify(attached.data)
    key = signing_key(bundle.envelope.signature, bundle.envelope.signed_message, trust.keys)
    log = trust.log_for(has_entry=bool(bundle.log_entries))
    if log is not None:
        log.verify(bundle.log_entries, bundle.envelope, key)
    return key


def is_logged(bundle: Bundle, trust: ImageTrust) -> bool:
    """Whether a bundle that `verify_bundle` let through has a transparency log entry that was checked."""
    return bundle.has_certificate or (trust.log is not None and bool(bundle.log_entries))


def signing_key(signature: bytes, message: bytes, trusted: Sequence[ImagePublicKey]) -> ImagePublicKey:
    """The trusted key that made `signature`; VerificationError where none did."""
    for key in trusted:
        try:
            key.verify(signature, message)
        except VerificationError:
            continue
        return key
    raise VerificationError(Reason.UNTRUSTED_KEY, f"none of the {len(trusted)} trusted OCI keys made this signature")
