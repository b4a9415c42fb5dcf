"""`wasm-oci attest`: attest something of the image in a layout."""

from dataclasses import replace
from pathlib import Path

import click

from wasmoci.commands.options.common import PathArgument, trusted_root
from wasmoci.commands.options.provenance import provenance_options
from wasmoci.commands.options.signing import SigningOptions, signing_options
from wasmoci.commands.report.output import Report, layout_report, reported, warn
from wasmoci.cosign.predicate_type import SHORT_NAMES
from wasmoci.sign.attest import NO_NAME, AttestRequest
from wasmoci.sign.attest import attest as run
from wasmoci.sign.attested import Attested, ProvenanceOptions
from wasmoci.values.image_reference import Repository


@click.command()
@click.argument("layout", type=PathArgument())
@click.option("--output", required=True, type=PathArgument(), help="The attested layout's folder; new or empty.")
@click.option("--digest-file", type=PathArgument(), help="Also write the manifest's digest to this file.")
@click.option("--predicate", type=PathArgument(), help="What is attested: a file with a JSON object, such as an SBOM.")
@click.option(
    "--type",
    "type_name",
    metavar="TYPE",
    help=f"The predicate's type: a URI, or {', '.join(SHORT_NAMES)}. A CycloneDX or SPDX document tells it.",
)
@click.option("--repository", help="host[:port]/path that the image is for; names it in the statement.")
@signing_options
@trusted_root
@reported
@provenance_options
def attest(
    layout: Path,
    output: Path,
    digest_file: Path | None,
    predicate: Path | None,
    type_name: str | None,
    repository: str | None,
    provenance: ProvenanceOptions,
    signing: SigningOptions,
    trusted_root: Path | None,
) -> Report:
    """Attest the SLSA provenance of the image in LAYOUT, or a document about it, into a copy of the layout.

    It is what `cosign attest` does: a signed statement, attached to the image, that
    `cosign verify-attestation` accepts. It is no signature of the image.
    """
    data, uri = Attested(predicate, provenance, type_name).predicate(layout)
    name = NO_NAME if repository is None else str(Repository.parse(repository))
    attested = run(AttestRequest(layout, output, uri, data, name), *signing.signers(warn, trusted_root))
    report = layout_report(output, str(attested.subject.digest), digest_file)
    return replace(report, data={**report.data, "predicateType": uri}, warnings=attested.warnings)
