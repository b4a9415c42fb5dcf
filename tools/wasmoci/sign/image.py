"""Sign the image or index in a layout as cosign does, in one or both of its formats."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from wasmoci.cosign import simple_signing
from wasmoci.cosign.bundle import referrer
from wasmoci.cosign.signer import StatementSigner
from wasmoci.cosign.statement import signature_statement
from wasmoci.disk.layout import KIND_ANNOTATION, SIGNATURES_KIND, Layout
from wasmoci.disk.layout_writer import LayoutCopy
from wasmoci.oci.cosign_tags import CosignTag
from wasmoci.oci.graph import read_graph
from wasmoci.oci.manifest import MANIFEST_MEDIA_TYPE, REF_NAME_ANNOTATION, Descriptor, Manifest
from wasmoci.oci.referrers import MAX_REFERRERS
from wasmoci.values.errors import LimitError, UsageError
from wasmoci.values.signature_format import SignatureFormat


@dataclass(frozen=True, slots=True)
class SignRequest:
    """What to sign. `repository` is `host[:port]/path`, which the legacy payload names; `annotations` are signed.

    Without `formats` every signer signs in all formats that it can. With `recursive` all images of an index are
    signed too, as `cosign sign --recursive` does, else only the index itself.
    """

    layout: Path
    output: Path
    repository: str
    formats: Sequence[SignatureFormat] | None = None
    annotations: Mapping[str, str] = field(default_factory=dict)
    recursive: bool = False


def sign_image(request: SignRequest, *signers: StatementSigner) -> Descriptor:
    """Write a copy of the layout with signatures by each signer added and return the image's or index's descriptor.

    Signatures that the layout has already are kept. All signatures are made before anything is written.
    Raises UsageError without formats or signers, and where a signer would sign in no format; FormatError,
    VerificationError for a layout whose blobs are not what their names say, LimitError where no verifier
    would read so many signatures, Error where it cannot be read or written; and what the signers raise.
    """
    formats = _formats(request.formats, signers)
    source = Layout(request.layout)
    root, *images = (graph.descriptor for graph in read_graph(source).subjects)
    copy = LayoutCopy(source)
    copy.mark_root()
    for subject in (root, *images) if request.recursive else (root,):
        if SignatureFormat.LEGACY in formats:
            _add_legacy(copy, subject, request, signers)
        if SignatureFormat.BUNDLE in formats:
            statement = signature_statement(subject.digest, request.annotations)
            for signer in signers:
                bundle = signer.sign_statement(statement)
                copy.attach(referrer(bundle, subject), bundle)
    copy.write(request.output)
    return root


def _formats(
    asked: Sequence[SignatureFormat] | None, signers: Sequence[StatementSigner]
) -> Collection[SignatureFormat]:
    """The formats to sign in."""
    if not signers or (asked is not None and not asked):
        raise UsageError("no signature format or nobody who signs is given, so nothing would be signed")
    bundles_only = [signer.bundles_only for signer in signers]
    if asked is None:
        return [SignatureFormat.BUNDLE] if all(bundles_only) else list(SignatureFormat)
    if all(bundles_only) and SignatureFormat.LEGACY in asked:
        raise UsageError("an identity signs bundles only: ask for the format bundle alone, or sign with a key too")
    if any(bundles_only) and SignatureFormat.BUNDLE not in asked:
        raise UsageError("an identity signs bundles only: ask for the format bundle too")
    return asked


def _add_legacy(
    copy: LayoutCopy, subject: Descriptor, request: SignRequest, signers: Sequence[StatementSigner]
) -> None:
    """Sign in the legacy format: in a manifest that takes the place of the one that is there, with its layers."""
    layers: list[Descriptor] = []
    previous = copy.source.cosign_tag(subject.digest, CosignTag.SIGNATURES)
    if previous is not None:
        copy.unlist(previous.digest)
        layers += Manifest.parse(copy.source.read_manifest(previous)).layers
    payload = simple_signing.payload(subject.digest, request.repository, request.annotations)
    for signer in signers:
        if signer.bundles_only:
            continue
        layer = simple_signing.signature_layer(payload, signer.sign_payload(payload))
        if layer not in layers:
            layers.append(layer)
    if len(layers) > MAX_REFERRERS:
        raise LimitError(f"the image would have {len(layers)} legacy signatures, the limit is {MAX_REFERRERS}")
    legacy = simple_signing.signature_manifest(layers)
    annotations = {REF_NAME_ANNOTATION: CosignTag.SIGNATURES.of(subject.digest)}
    if subject.digest == copy.source.root().digest:
        annotations[KIND_ANNOTATION] = SIGNATURES_KIND
    entry = Descriptor.of(MANIFEST_MEDIA_TYPE, legacy.manifest, annotations)
    copy.add((payload, legacy.config, legacy.manifest), entry)
