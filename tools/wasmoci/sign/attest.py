"""Attest something of the image or index in a layout, as `cosign attest` does in its bundle format."""

from dataclasses import dataclass
from pathlib import Path

from wasmoci.cosign.bundle import PREDICATE_TYPE_ANNOTATION
from wasmoci.cosign.predicate_type import predicate_type
from wasmoci.cosign.signer import StatementSigner
from wasmoci.cosign.statement import SIGNATURE_PREDICATE_TYPE, attestation
from wasmoci.disk.layout import Layout
from wasmoci.disk.layout_writer import LayoutCopy
from wasmoci.oci.cosign_tags import CosignTag
from wasmoci.oci.graph import read_graph
from wasmoci.oci.manifest import Descriptor
from wasmoci.sign.wanted import Wanted, add_wanted
from wasmoci.values.digest import Digest
from wasmoci.values.errors import UsageError
from wasmoci.values.signature_format import SignatureFormat

# What in-toto writes where the subject's name says nothing.
NO_NAME = "_"


@dataclass(frozen=True, slots=True)
class AttestRequest:
    """What to attest: `predicate`, a JSON object, of a type that a URI or one of cosign's short names says.

    `name` is the subject's in the statement, as cosign the repository; no verifier looks at it.
    """

    layout: Path
    output: Path
    predicate_type: str
    predicate: bytes
    name: str = NO_NAME


@dataclass(frozen=True, slots=True)
class AttestedImage:
    """The image that something was attested of, and what to know about it."""

    subject: Descriptor
    warnings: tuple[str, ...]


def attest(request: AttestRequest, *signers: StatementSigner) -> AttestedImage:
    """Write a copy of the layout with an attestation by each signer added.

    What the layout has already is kept. All attestations are signed before anything is written. Raises
    UsageError without signers and for a type that is none; FormatError, VerificationError for a layout
    whose blobs are not what their names say and for a predicate that is no JSON object; LimitError where
    no verifier would read the result, Error where it cannot be read or written; and what the signers raise.
    """
    if not signers:
        raise UsageError("nobody who signs is given, so nothing would be attested")
    uri = predicate_type(request.predicate_type)
    source = Layout(request.layout)
    subject = read_graph(source).subjects[0].descriptor
    wanted = [wanted_attestation(subject, request.name, uri, request.predicate, signer) for signer in signers]
    copy = LayoutCopy(source)
    add_wanted(copy, wanted)
    copy.write(request.output)
    return AttestedImage(subject, _warnings(source, subject.digest))


def wanted_attestation(subject: Descriptor, name: str, uri: str, predicate: bytes, signer: StatementSigner) -> Wanted:
    """An attestation of `subject`; raises as `cosign.statement.attestation` does."""
    statement = attestation(subject.digest, name, uri, predicate)
    return Wanted(subject, signer, SignatureFormat.BUNDLE, statement, uri)


def _warnings(source: Layout, subject: Digest) -> tuple[str, ...]:
    attached = {descriptor.digest for descriptor in source.referrers(subject).descriptors}
    bundles = [
        entry
        for entry in source.index.manifests
        if entry.digest in attached and entry.annotations.get(PREDICATE_TYPE_ANNOTATION) == SIGNATURE_PREDICATE_TYPE
    ]
    if bundles or source.cosign_tag(subject, CosignTag.SIGNATURES) is None:
        return ()
    return (
        "the image is signed in the legacy format only, and `cosign verify` overlooks such signatures beside an "
        "attestation: sign it in the bundle format too",
    )
