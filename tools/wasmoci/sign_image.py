"""Sign the image in a layout as cosign does, in one or both of its formats."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from wasmoci import cosign_bundle, simple_signing
from wasmoci.errors import LimitError, UsageError
from wasmoci.layout import KIND_ANNOTATION, SIGNATURES_KIND, Layout, LayoutWriter
from wasmoci.layout_bundle import add_bundle, marked_image
from wasmoci.limits import MAX_REFERRERS
from wasmoci.oci import MANIFEST_MEDIA_TYPE, REF_NAME_ANNOTATION, Descriptor, Manifest
from wasmoci.signature_format import SignatureFormat
from wasmoci.statement_signer import StatementSigner


@dataclass(frozen=True, slots=True)
class SignRequest:
    """What to sign. `repository` is `host[:port]/path`, which the legacy payload names; `annotations` are signed.

    Without `formats` every signer signs in all formats that it can.
    """

    layout: Path
    output: Path
    repository: str
    formats: Sequence[SignatureFormat] | None = None
    annotations: Mapping[str, str] = field(default_factory=dict)


def sign_image(request: SignRequest, *signers: StatementSigner) -> Descriptor:
    """Write a copy of the layout with a signature by each signer added and return the image's descriptor.

    Signatures that the layout has already are kept. All signatures are made before anything is written.
    Raises UsageError without formats or signers, and where a signer would sign in no format; FormatError,
    VerificationError for a layout whose blobs are not what their names say, LimitError where no verifier
    would read so many signatures, Error where it cannot be read or written; and what the signers raise.
    """
    formats = _formats(request.formats, signers)
    source = Layout(request.layout)
    subject = source.subject()
    source.read_manifest(subject)
    entries = {entry.digest: entry for entry in source.index.manifests}
    entries[subject.digest] = marked_image(subject)
    blobs: list[bytes] = []
    if SignatureFormat.LEGACY in formats:
        previous = source.legacy_signatures(subject.digest)
        layers: list[Descriptor] = []
        if previous is not None:
            del entries[previous.digest]
            layers += Manifest.parse(source.read_manifest(previous)).layers
        payload = simple_signing.payload(subject.digest, request.repository, request.annotations)
        entry = _add_legacy(blobs, subject, layers, payload, [one for one in signers if not one.bundles_only])
        entries[entry.digest] = entry
    if SignatureFormat.BUNDLE in formats:
        statement = cosign_bundle.statement(subject.digest, request.annotations)
        for signer in signers:
            entry = add_bundle(blobs, subject, signer.sign_statement(statement))
            entries[entry.digest] = entry
    LayoutWriter(request.output).write_copy(source, blobs, list(entries.values()))
    return subject


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
    blobs: list[bytes],
    subject: Descriptor,
    layers: list[Descriptor],
    payload: bytes,
    signers: Sequence[StatementSigner],
) -> Descriptor:
    for signer in signers:
        layer = simple_signing.signature_layer(payload, signer.sign_payload(payload))
        if layer not in layers:
            layers.append(layer)
    if len(layers) > MAX_REFERRERS:
        raise LimitError(f"the image would have {len(layers)} legacy signatures, the limit is {MAX_REFERRERS}")
    legacy = simple_signing.signature_manifest(layers)
    blobs += (payload, legacy.config, legacy.manifest)
    return Descriptor.of(
        MANIFEST_MEDIA_TYPE,
        legacy.manifest,
        {
            KIND_ANNOTATION: SIGNATURES_KIND,
            REF_NAME_ANNOTATION: simple_signing.signature_tag(subject.digest),
        },
    )
