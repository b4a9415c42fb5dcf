"""`wasm-oci verify-attestation`: what those who are trusted attest of an image."""

from pathlib import Path

import click

from wasmoci.commands.options.common import PathArgument
from wasmoci.commands.options.connection import connection_options
from wasmoci.commands.options.trust import signer_options
from wasmoci.commands.report.output import Report, reported
from wasmoci.cosign.predicate_type import SHORT_NAMES
from wasmoci.cosign.provenance import ProvenanceExpectation, Source
from wasmoci.registry.connection_options import ConnectionOptions
from wasmoci.registry.sources import open_source
from wasmoci.trust.policy import image_trust
from wasmoci.trust.values import TrustValues
from wasmoci.values.digest import Digest
from wasmoci.verify.attestation import Attestation, AttestationPolicy, VerifiedAttestations, write_statements
from wasmoci.verify.attestation import verify_attestation as run


@click.command("verify-attestation")
@click.argument("target")
@click.option(
    "--type", "type_name", required=True, metavar="TYPE", help=f"A predicate type: a URI, or {', '.join(SHORT_NAMES)}."
)
@click.option("--builder-id", metavar="URI", help="The builder that provenance must name.")
@click.option("--source", metavar="URI[@COMMIT]", help="The source that provenance of a Bazel target must name.")
@click.option(
    "--output", type=PathArgument(), help="A new or empty folder for the statements, <SHA-256 of its bytes>.json each."
)
@reported
@connection_options
@signer_options
def verify_attestation(
    target: str,
    type_name: str,
    builder_id: str | None,
    source: str | None,
    output: Path | None,
    trusted: TrustValues,
    connection: ConnectionOptions,
) -> Report:
    """Verify that those who are trusted attest something of type TYPE of the image TARGET.

    TARGET is a layout's folder or host[:port]/path:tag or …@sha256:…. Statements of other types, about
    other images or by others do not count; with --threshold so many must have signed one statement.
    """
    expected = ProvenanceExpectation(builder_id, None if source is None else Source.parse(source))
    policy = AttestationPolicy(
        image_trust(trusted), type_name, None if expected == ProvenanceExpectation() else expected
    )
    with open_source(target, connection) as image:
        verified = run(image, policy)
    if output is not None:
        write_statements(output, verified)
    return Report(_lines(target, verified), _json(verified), verified.warnings)


def _lines(target: str, verified: VerifiedAttestations) -> list[str]:
    attested = [
        f"{attestation.statement.predicate_type} attested by {attester.signer.fingerprint}"
        for attestation in verified.attestations
        for attester in attestation.attesters
    ]
    return [f"{target}: {verified.subject.digest}", *attested]


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
            {"key": attester.signer.fingerprint, "carrier": str(attester.carrier), "logged": attester.logged}
            for attester in attestation.attesters
        ],
    }
