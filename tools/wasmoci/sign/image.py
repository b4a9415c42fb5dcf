"""Sign the image or index in a layout as cosign does, in one or both of its formats."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from wasmoci.cosign import simple_signing
from wasmoci.cosign.signer import StatementSigner
from wasmoci.cosign.statement import signature_statement
from wasmoci.disk.layout import Layout
from wasmoci.disk.layout_writer import LayoutCopy
from wasmoci.oci.graph import read_graph
from wasmoci.oci.manifest import Descriptor
from wasmoci.sign.wanted import Wanted, add_wanted
from wasmoci.values.errors import UsageError
from wasmoci.values.signature_format import SignatureFormat


@dataclass(frozen=True, slots=True)
class SignRequest:
    """What to sign. `repository` is `host[:port]/path`, which signatures name; `annotations` are signed too.

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
    source = Layout(request.layout)
    root, *images = (graph.descriptor for graph in read_graph(source).subjects)
    subjects = (root, *images) if request.recursive else (root,)
    wanted = wanted_signatures(subjects, request.repository, request.formats, request.annotations, signers)
    copy = LayoutCopy(source)
    add_wanted(copy, wanted)
    copy.write(request.output)
    return root


def wanted_signatures(
    subjects: Sequence[Descriptor],
    repository: str,
    asked: Sequence[SignatureFormat] | None,
    annotations: Mapping[str, str],
    signers: Sequence[StatementSigner],
) -> list[Wanted]:
    """What SignRequest says, of each of the subjects; raises UsageError as `sign_image` does."""
    formats = _formats(asked, signers)
    wanted: list[Wanted] = []
    for subject in subjects:
        if SignatureFormat.LEGACY in formats:
            payload = simple_signing.payload(subject.digest, repository, annotations)
            keys = [signer for signer in signers if not signer.bundles_only]
            wanted += [Wanted(subject, signer, SignatureFormat.LEGACY, payload) for signer in keys]
        if SignatureFormat.BUNDLE in formats:
            statement = signature_statement(subject.digest, annotations, repository)
            wanted += [Wanted(subject, signer, SignatureFormat.BUNDLE, statement) for signer in signers]
    return wanted


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
