"""Publish an attestation of an image that is in a registry, unless it is there already."""

import io
from functools import partial

from wasmoci.cosign.bundle import referrer
from wasmoci.cosign.signer import StatementSigner
from wasmoci.cosign.statement import Statement
from wasmoci.oci.graph import read_graph
from wasmoci.oci.manifest import referrer_descriptor
from wasmoci.publish.presence import Presence
from wasmoci.publish.read_ahead import ReadAhead
from wasmoci.registry.client import RepositoryClient
from wasmoci.registry.source import RegistrySource
from wasmoci.registry.upload_chunks import do_nothing
from wasmoci.values.digest import Digest
from wasmoci.values.errors import FormatError, VerificationError
from wasmoci.values.image_reference import Reference
from wasmoci.verify.attached_bundles import AttachedBundle, attached_bundles, verify_bundle
from wasmoci.verify.trust import ImageTrust

# What a summary says of when it was made, which makes it no other.
_TIME = "timeVerified"


def publish_verdict(
    client: RepositoryClient, subject: Digest, statement: bytes, signer: StatementSigner, trust: ImageTrust
) -> Digest:
    """Attach the statement, signed; return the digest of the manifest that carries it.

    `trust` is in the signer alone. One of theirs that says the same, at whatever time, stays alone: else the hundredth
    verdict would be one more than verifiers read. Raises LimitError where they would not read this one, RegistryError,
    and as the signer.
    """
    reads = ReadAhead(client)
    reads.ahead_of_signatures(subject)
    graph = read_graph(RegistrySource(Reference(client.repository, None, subject), reads))
    meant = Statement.parse(statement)
    for attached in attached_bundles(graph, []):
        if _says(attached, meant, trust):
            return attached.carrier
    bundle = signer.sign_statement(statement)
    manifest = referrer(bundle, graph.descriptor, meant.predicate_type)
    data = manifest.to_bytes()
    entry = referrer_descriptor(manifest, data)
    Presence(reads).check_referrers(subject, [entry])
    blobs = ((manifest.layers[0], bundle), (manifest.config, b"{}"))
    client.put_blobs([(blob, partial(io.BytesIO, content)) for blob, content in blobs], do_nothing)
    with client.additions() as additions:
        client.attach_referrer(subject, entry, data, additions)
    return entry.digest


def _says(attached: AttachedBundle, meant: Statement, trust: ImageTrust) -> bool:
    try:
        verify_bundle(attached, trust)
        found = Statement.parse(attached.bundle.envelope.payload)
    except (FormatError, VerificationError):
        return False
    same = (found.subjects, found.predicate_type) == (meant.subjects, meant.predicate_type)
    return same and _timeless(found) == _timeless(meant)


def _timeless(statement: Statement) -> dict[str, object]:
    return {name: value for name, value in statement.predicate.members().items() if name != _TIME}
