"""`wasm-oci image sign`: sign the image in a layout."""

from pathlib import Path

import click

from wasmoci.commands.options.common import PathArgument, annotation_pairs, trusted_root
from wasmoci.commands.options.signing import SigningOptions, signing_options
from wasmoci.commands.repeated import RepeatedCommand
from wasmoci.commands.report.output import Report, layout_report, reported, warn
from wasmoci.sign.image import SignRequest, sign_image
from wasmoci.values.image_reference import Repository
from wasmoci.values.signature_format import SignatureFormat


@click.command(cls=RepeatedCommand)
@click.argument("layout", type=PathArgument())
@click.option("--output", required=True, type=PathArgument(), help="The signed layout's folder; must be new or empty.")
@click.option("--digest-file", type=PathArgument(), help="Also write the manifest's digest to this file.")
@click.option("--repository", required=True, help="host[:port]/path that the image is for.")
@click.option(
    "--format",
    "formats",
    multiple=True,
    type=click.Choice(["bundle", "legacy"]),
    help="Default: both by each key; an identity signs bundles only.",
)
@click.option(
    "-a", "--annotation", "annotations", multiple=True, metavar="KEY=VALUE", help="Is signed too. Repeatable."
)
@click.option("--recursive", is_flag=True, help="Of an index sign its images too.")
@signing_options
@trusted_root
@reported
def sign(
    layout: Path,
    output: Path,
    digest_file: Path | None,
    repository: str,
    formats: tuple[str, ...],
    annotations: tuple[str, ...],
    recursive: bool,
    signing: SigningOptions,
    trusted_root: Path | None,
) -> Report:
    """Sign the image or index in LAYOUT as `cosign sign` would, into a copy of the layout."""
    request = SignRequest(
        layout=layout,
        output=output,
        repository=str(Repository.parse(repository)),
        formats=[SignatureFormat(name) for name in formats] or None,
        annotations=annotation_pairs(annotations),
        recursive=recursive,
    )
    descriptor = sign_image(request, *signing.signers(warn, trusted_root))
    return layout_report(output, str(descriptor.digest), digest_file)
