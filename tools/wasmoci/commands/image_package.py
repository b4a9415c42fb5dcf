"""`wasm-oci image package`: a component becomes an OCI image layout."""

import os
from pathlib import Path

import click

from wasmoci.commands.options.common import PathArgument, annotation_pairs
from wasmoci.commands.repeated import RepeatedCommand
from wasmoci.commands.report.output import Report, layout_report, reported
from wasmoci.package.image import PackageRequest
from wasmoci.package.image import package as run_package
from wasmoci.values.errors import UsageError
from wasmoci.values.image_reference import check_tag
from wasmoci.values.package_name import PackageName


@click.command(cls=RepeatedCommand)
@click.argument("component", type=PathArgument())
@click.option("--output", required=True, type=PathArgument(), help="The layout's folder; must be new or empty.")
@click.option("--digest-file", type=PathArgument(), help="Also write the manifest's digest to this file.")
@click.option("--package", "name", metavar="NS:NAME@VERSION", help="Package as `wkg publish --package` would.")
@click.option(
    "--metadata/--no-metadata",
    default=None,
    help="Whether annotations come from COMPONENT's own metadata, and a WIT package's name. [default: with --package]",
)
@click.option("--title", help="The file name that `oras pull` restores; by default NAME.wasm, else COMPONENT's.")
@click.option("--tag", help="The tag that the layout's index proposes; by default VERSION.")
@click.option(
    "--annotation", "annotations", multiple=True, metavar="KEY=VALUE", help="Repeatable. Goes before metadata."
)
@click.option("--author", help="The config's author.")
@click.option("--signature", type=PathArgument(), help="A detached signature of COMPONENT, to travel with it.")
@reported
def package(
    component: Path,
    output: Path,
    digest_file: Path | None,
    name: str | None,
    metadata: bool | None,
    title: str | None,
    tag: str | None,
    annotations: tuple[str, ...],
    author: str | None,
    signature: Path | None,
) -> Report:
    """Package the file COMPONENT as `wkg oci push` would, into an OCI image layout.

    With --package, or with --metadata for a WIT package, it is packaged as `wkg publish` would.
    The image is the same for the same input; its date is $SOURCE_DATE_EPOCH, else 1970.
    """
    request = PackageRequest(
        component=component,
        output=output,
        title=title or None,
        ref_name=None if tag is None else check_tag(tag),
        annotations=annotation_pairs(annotations),
        author=author,
        created=_source_date_epoch(),
        signature=signature,
        name=None if name is None else PackageName.parse(name),
        metadata=name is not None if metadata is None else metadata,
    )
    descriptor = run_package(request)
    return layout_report(output, str(descriptor.digest), digest_file)


def _source_date_epoch() -> int:
    text = os.environ.get("SOURCE_DATE_EPOCH", "0")
    if not text.isascii() or not text.isdigit() or len(text) > 11:
        raise UsageError(f"SOURCE_DATE_EPOCH must be whole seconds since 1970, got: {text!r}")
    return int(text)
