"""Find and check what trusted keys and identities attest of an image.

Stricter than cosign 3.1.3: the type must be exactly the one asked for, and with a threshold so many
must have signed the very same statement. A signature is no attestation.
"""

from dataclasses import dataclass
from pathlib import Path

from wasmoci.cosign.predicate_type import SLSA_PROVENANCE_V1, predicate_type
from wasmoci.cosign.provenance import ProvenanceExpectation
from wasmoci.cosign.statement import SIGNATURE_PREDICATE_TYPE, Statement
from wasmoci.disk.files import atomic_folder
from wasmoci.oci.graph import ImageGraph, read_graph
from wasmoci.oci.manifest import Descriptor
from wasmoci.oci.source import ImageSource
from wasmoci.values.digest import Digest
from wasmoci.values.errors import Reason, UsageError, VerificationError, refuse_malformed
from wasmoci.values.text import excerpt
from wasmoci.verify.attached_bundles import attached_bundles, noted, refusal_of_all, verify_bundle
from wasmoci.verify.trust import ImageTrust, Signatory


@dataclass(frozen=True, slots=True)
class AttestationPolicy:
    """Whose attestations of which type count; the type is a URI or one of cosign's short names.

    `provenance` says what SLSA provenance v1 must name. Raises UsageError where the parts contradict each
    other, and for a type that is none.
    """

    trust: ImageTrust
    predicate_type: str
    provenance: ProvenanceExpectation | None = None

    def __post_init__(self) -> None:
        if not self.trust:
            raise UsageError("no OCI key and no identity is trusted, so no attestation can be verified")
        if self.trust.annotations:
            raise UsageError("signed annotations are those of signatures: an attestation has a predicate instead")
        if self.uri != SLSA_PROVENANCE_V1 and self.provenance is not None:
            raise UsageError(f"a builder and a source are named by attestations of type {SLSA_PROVENANCE_V1} only")

    @property
    def uri(self) -> str:
        return predicate_type(self.predicate_type)


@dataclass(frozen=True, slots=True)
class Attester:
    """Who signed a statement, the digest of what carries it, whether a log entry was checked, and when it was there.

    `time` is as verify.trust.Signing has it.
    """

    signer: Signatory
    carrier: Digest
    logged: bool
    time: int | None = None


@dataclass(frozen=True, slots=True)
class Attestation:
    """A statement that holds: its bytes as they were signed, what they say, and who signed them."""

    payload: bytes
    statement: Statement
    attesters: tuple[Attester, ...]


@dataclass(frozen=True, slots=True)
class VerifiedAttestations:
    """All statements of the type asked for that enough of those trusted signed, and what was passed over."""

    subject: Descriptor
    attestations: tuple[Attestation, ...]
    warnings: tuple[str, ...]


def verify_attestation(source: ImageSource, policy: AttestationPolicy) -> VerifiedAttestations:
    """Read the graph of an image or index and check what is attested of it; see `verify_attestations`."""
    with refuse_malformed():
        graph = read_graph(source)
    return verify_attestations(graph, policy)


def verify_attestations(graph: ImageGraph, policy: AttestationPolicy) -> VerifiedAttestations:
    """Check that enough trusted keys or identities attest something of the policy's type of the image.

    Of an index it is the index itself that something is attested of. The image's blobs are not looked at,
    `verify` does that. Raises VerificationError with the reason, UNATTESTED where nothing of the type is attached,
    also where the source's bytes are not those of their digest; Error where the source cannot be read.
    """
    problems: list[VerificationError] = []
    others: set[str] = set()
    # By their bytes: who signs other bytes attests something else.
    found: dict[bytes, Attestation] = {}
    with refuse_malformed():
        graph, *_ = graph.subjects
        for attached in attached_bundles(graph, problems):
            payload = attached.bundle.envelope.payload
            with noted(problems, attached.carrier):
                statement = Statement.parse(payload)
                if statement.predicate_type != policy.uri:
                    others |= {statement.predicate_type} - {SIGNATURE_PREDICATE_TYPE}
                    continue
                signer, logged, time = verify_bundle(attached, policy.trust)
                statement.check_subject(graph.digest)
                if policy.provenance is not None:
                    policy.provenance.check(statement.predicate)
                before = found[payload].attesters if payload in found else ()
                attester = Attester(signer, attached.carrier, logged, time)
                found[payload] = Attestation(payload, statement, (*before, attester))
    good: list[Attestation] = []
    for attestation in found.values():
        with noted(problems, attestation.attesters[0].carrier):
            policy.trust.check_threshold((attester.signer for attester in attestation.attesters), "the statement")
            good.append(attestation)
    if not good:
        listed = "; ".join(map(excerpt, sorted(others))) or "nothing"
        nothing = f"nothing of type {policy.uri} is attested of the image; attested is: {listed}"
        raise refusal_of_all(problems or [VerificationError(Reason.UNATTESTED, nothing)], policy.trust.names)
    return VerifiedAttestations(graph.descriptor, tuple(good), tuple(map(str, problems)))


def write_statements(output: Path, verified: VerifiedAttestations) -> None:
    """Write each statement to `<SHA-256 of its bytes>.json` in the folder `output`; Error unless it is new or empty."""
    with atomic_folder(output) as folder:
        folder.mkdir()
        for attestation in verified.attestations:
            (folder / f"{Digest.of(attestation.payload).hex}.json").write_bytes(attestation.payload)
