"""`wasm-oci attest`: attest something of the image in a layout."""

from pathlib import Path
from typing import Annotated

from wasmoci.commands.options.common import DigestFile, TrustedRoot
from wasmoci.commands.options.declared import Argument, Option, OptionGroup, command
from wasmoci.commands.options.signing import Signing
from wasmoci.commands.report.layout import layout_report
from wasmoci.commands.report.output import Report, warn
from wasmoci.cosign.predicate_type import SHORT_NAMES
from wasmoci.sign.attest import NO_NAME, AttestRequest
from wasmoci.sign.attest import attest as run
from wasmoci.sign.attested import Attested, ProvenanceOptions
from wasmoci.values.image_reference import Repository

Provenance = Annotated[
    ProvenanceOptions,
    OptionGroup(
        ProvenanceOptions,
        "Provenance",
        request=Option("What was built (JSON, as the Bazel rule writes it).", "--provenance"),
        builder_id=Option("Names the build platform that is to be trusted.", metavar="URI"),
        invocation_id=Option("Names this run of it.", metavar="ID"),
        source=Option("The revision that was built, such as git+https://…@….", metavar="URI@COMMIT"),
        started_on=Option("When the build started, as 2026-01-31T12:00:00Z.", metavar="TIME"),
        finished_on=Option("When it ended.", metavar="TIME"),
        component=Option(
            "The component as it came in, before it was signed; by default the image's without its signature."
        ),
        materials=Option(
            "A file that the image was made of; its digest is attested. Repeatable.", "--material", metavar="NAME FILE"
        ),
        status_files=Option(
            "Bazel's workspace status: {KEY} in the ids and the source stands for its value. Repeatable.",
            "--status-file",
        ),
    ),
]


@command(
    report_before="provenance",
    example="wasm-oci attest image --predicate sbom.spdx.json --output attested --key /secure/oci.key",
)
def attest(
    layout: Annotated[Path, Argument()],
    output: Annotated[Path, Option("The attested layout's folder; new or empty.")],
    digest_file: DigestFile,
    predicate: Annotated[Path | None, Option("What is attested: a file with a JSON object, such as an SBOM.")],
    type_name: Annotated[
        str | None,
        Option(
            f"The predicate's type: a URI, or {', '.join(SHORT_NAMES)}. A CycloneDX or SPDX document tells it.",
            "--type",
            metavar="TYPE",
        ),
    ],
    repository: Annotated[str | None, Option("host[:port]/path that the image is for; names it in the statement.")],
    signing: Signing,
    trusted_root: TrustedRoot,
    provenance: Provenance,
) -> Report:
    """Attest the SLSA provenance of the image in LAYOUT, or a document about it, into a copy of the layout.

    It is what `cosign attest` does: a signed statement, attached to the image, that
    `cosign verify-attestation` accepts. It is no signature of the image.
    """
    data, uri = Attested(predicate, provenance, type_name).predicate(layout)
    name = NO_NAME if repository is None else str(Repository.parse(repository))
    attested = run(AttestRequest(layout, output, uri, data, name), *signing.signers(warn, trusted_root))
    report = layout_report(output, str(attested.subject.digest), digest_file)
    return report._replace(data={**report.data, "predicateType": uri}, warnings=attested.warnings)
