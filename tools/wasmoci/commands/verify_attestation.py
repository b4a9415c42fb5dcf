"""`wasm-oci verify-attestation`: what those who are trusted attest of an image."""

from pathlib import Path
from typing import Annotated

from wasmoci.commands.options.connection import Connection
from wasmoci.commands.options.declared import Argument, Option, command
from wasmoci.commands.options.trust import TrustedSigners
from wasmoci.commands.report.output import Report
from wasmoci.commands.report.verdict import time_json
from wasmoci.cosign.predicate_type import SHORT_NAMES
from wasmoci.cosign.provenance import ProvenanceExpectation, Source
from wasmoci.registry.sources import Sources
from wasmoci.reports.vsa import VSA
from wasmoci.trust.policy import image_trust
from wasmoci.values.digest import Digest
from wasmoci.values.text import excerpt
from wasmoci.verify.attestation import Attestation, AttestationPolicy, VerifiedAttestations, write_statements
from wasmoci.verify.attestation import verify_attestation as run


@command(
    "verify-attestation",
    report_before="connection",
    example="wasm-oci verify-attestation ghcr.io/acme/hello:v1.0.0 --type slsaprovenance1 --oci-key oci.pub",
)
def verify_attestation(
    target: Annotated[str, Argument()],
    type_name: Annotated[
        str, Option(f"A predicate type: a URI, or {', '.join(SHORT_NAMES)}.", "--type", metavar="TYPE")
    ],
    builder_id: Annotated[str | None, Option("The builder that provenance must name.", metavar="URI")],
    source: Annotated[
        str | None, Option("The source that provenance of a Bazel target must name.", metavar="URI[@COMMIT]")
    ],
    output: Annotated[
        Path | None, Option("A new or empty folder for the statements, <SHA-256 of its bytes>.json each.")
    ],
    connection: Connection,
    trusted: TrustedSigners,
) -> Report:
    """Verify that those who are trusted attest something of type TYPE of the image TARGET.

    TARGET is a layout's folder or host[:port]/path:tag or …@sha256:…. Statements of other types, about
    other images or by others do not count; with --threshold so many must have signed one statement.
    """
    expected = ProvenanceExpectation(builder_id, None if source is None else Source.parse(source))
    policy = AttestationPolicy(
        image_trust(trusted), type_name, None if expected == ProvenanceExpectation() else expected
    )
    with Sources(connection) as sources:
        verified = run(sources.open(target, to_verify=True, signatures=True, images=False), policy)
    if output is not None:
        write_statements(output, verified)
    return Report(_lines(target, verified), _json(verified), verified.warnings)


def _lines(target: str, verified: VerifiedAttestations) -> list[str]:
    attested = [
        f"{attestation.statement.predicate_type}{_verdict(attestation)} attested by {attester.signer.fingerprint}"
        for attestation in verified.attestations
        for attester in attestation.attesters
    ]
    return [f"{target}: {verified.subject.digest}", *attested]


def _verdict(attestation: Attestation) -> str:
    """What a verification summary says of the image: whoever attests one may attest that it failed."""
    if attestation.statement.predicate_type != VSA:
        return ""
    result = attestation.statement.predicate.members().get("verificationResult")
    return f" ({excerpt(str(result))})"


def _json(verified: VerifiedAttestations) -> dict[str, object]:
    return {
        "image": str(verified.subject.digest),
        "attestations": [_attestation_json(attestation) for attestation in verified.attestations],
    }


def _attestation_json(attestation: Attestation) -> dict[str, object]:
    return {
        "statement": str(Digest.of(attestation.payload)),
        "predicateType": attestation.statement.predicate_type,
        "predicate": attestation.statement.predicate.members(),
        "signatures": [
            {
                "signer": attester.signer.fingerprint,
                "carrier": str(attester.carrier),
                "logged": attester.logged,
                "time": time_json(attester.time),
            }
            for attester in attestation.attesters
        ],
    }
