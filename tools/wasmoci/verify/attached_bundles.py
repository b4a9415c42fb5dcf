"""The Sigstore bundles that are attached to an image, signatures and attestations alike, and who signed them."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

from wasmoci.cosign import bundle as cosign_bundle
from wasmoci.cosign.bundle import Bundle
from wasmoci.keys.image import ImagePublicKey
from wasmoci.oci.graph import ImageGraph
from wasmoci.oci.manifest import Manifest
from wasmoci.values.digest import Digest
from wasmoci.values.errors import FormatError, NotFoundError, Reason, VerificationError
from wasmoci.values.text import listed
from wasmoci.verify.checks import MAX_CHECKS_ATTACHED, Checks
from wasmoci.verify.trust import ImageTrust, Signing

_CLOSEST_FIRST = (
    Reason.POLICY_UNMET,
    Reason.WRONG_NAME,
    Reason.NOT_LOGGED,
    Reason.WRONG_SUBJECT,
    Reason.BAD_SIGNATURE,
    Reason.UNTRUSTED_KEY,
    Reason.DIGEST_MISMATCH,
    Reason.LIMIT_EXCEEDED,
    Reason.MALFORMED,
)
_RANKS = {reason: rank for rank, reason in enumerate(_CLOSEST_FIRST)}


class AttachedBundle(NamedTuple):
    """A bundle that can be read: the manifest that carries it and its digest, its bytes, and what they say."""

    node: ImageGraph
    manifest: Manifest
    data: bytes
    bundle: Bundle

    @property
    def carrier(self) -> Digest:
        return self.node.digest


def readable_referrers(graph: ImageGraph, problems: list[VerificationError]) -> Iterator[tuple[ImageGraph, Manifest]]:
    """What is attached to an image or index, each with its manifest; what is not to be had is added to `problems`.

    That is what is malformed, too large, not there or not what its descriptor says: whoever may push can attach it,
    and it hides nothing else. Raises RegistryError where the registry cannot say what there is, LimitError where more
    than MAX_REFERRERS may be signatures.
    """
    problems += [VerificationError(problem.reason, str(problem)) for problem in graph.problems]
    for referrer in graph.referrers:
        with noted(problems, referrer.digest):
            if referrer.is_index:
                raise VerificationError(Reason.UNSIGNED, "it is an index, which carries no signature")
            yield referrer, Manifest.parse(referrer.data, "the referrer")


def attached_bundles(graph: ImageGraph, problems: list[VerificationError]) -> Iterator[AttachedBundle]:
    """The bundles among `readable_referrers`, none of them verified."""
    for referrer, manifest in readable_referrers(graph, problems):
        with noted(problems, referrer.digest):
            layer = cosign_bundle.bundle_layer(manifest)
            if layer is None:
                continue
            if manifest.subject is None or manifest.subject.digest != graph.digest:
                raise FormatError("the bundle is attached to another manifest")
            data = graph.source.read_blob(layer, cosign_bundle.MAX_BUNDLE_SIZE)
            yield AttachedBundle(referrer, manifest, data, cosign_bundle.parse_bundle(data))


def verify_bundle(attached: AttachedBundle, trust: ImageTrust) -> Signing:
    """The trusted key or identity that signed the bundle's payload, whatever that says.

    Raises VerificationError where nobody of those trusted signed it.
    """
    bundle = attached.bundle
    if bundle.has_certificate:
        if trust.certificates is None:
            raise VerificationError(Reason.UNTRUSTED_KEY, "an identity signed it, and only keys are trusted")
        holder = trust.certificates.verify(attached.data)
        return Signing(holder, logged=True, time=holder.time)
    envelope = bundle.envelope
    key = signing_key(envelope.signature, envelope.signed_message, trust.keys, bundle.named_key)
    log = trust.log_for(has_entry=bool(bundle.log_entries))
    if log is not None:
        time = log.verify(bundle.log_entries, envelope, key, bundle.time_stamps)
        return Signing(key, logged=True, time=time)
    time = trust.log.proven_time(bundle.time_stamps, envelope.signature) if trust.log else None
    return Signing(key, logged=False, time=time)


def signing_key(signature: bytes, message: bytes, trusted: Sequence[ImagePublicKey], named: str = "") -> ImagePublicKey:
    """The trusted key that made `signature`; VerificationError where none did, and as `Checks.count`.

    `named` is the key that it names.
    """
    checks = Checks(MAX_CHECKS_ATTACHED)
    for key in trusted:
        checks.count()
        try:
            key.verify(signature, message)
        except VerificationError:
            continue
        return key
    names = f"it names the key {named}" if named else "it names no key"
    nobody = "no trusted key signed it" if trusted else "only identities are trusted"
    raise VerificationError(Reason.UNTRUSTED_KEY, f"{names}, and {nobody}")


@contextmanager
def noted(problems: list[VerificationError], carrier: object) -> Iterator[None]:
    """What is refused or not there in the block is added to `problems`, with the carrier of the signature in front.

    Other errors pass: what cannot be reached may be good.
    """
    try:
        yield
    except (FormatError, VerificationError) as error:
        problems.append(VerificationError(error.reason, f"{carrier}: {error}"))
    except NotFoundError as error:
        problems.append(VerificationError(Reason.MALFORMED, f"{carrier}: {error}"))


def refusal_of_all(problems: Sequence[VerificationError], names: Sequence[str] = ()) -> VerificationError:
    """One refusal for several, which are not empty, whatever their order; UNTRUSTED_KEY says who is trusted, `names`.

    Its reason is that of the one that came closest to holding: what a trusted signer made comes before what
    others made, and that before what cannot be read.
    """
    ranked = sorted(problems, key=lambda problem: _RANKS.get(problem.reason, len(_RANKS)))
    reason = ranked[0].reason
    trusted = [f"trusted: {listed(names)}"] if names and reason is Reason.UNTRUSTED_KEY else []
    return VerificationError(reason, "; ".join([*map(str, ranked), *trusted]))
