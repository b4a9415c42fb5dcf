"""`wasm-oci image package`: a component becomes an OCI image layout."""

import os
from pathlib import Path
from typing import Annotated

from wasmoci.commands.options.common import DigestFile, annotation_pairs
from wasmoci.commands.options.declared import Argument, Option, command
from wasmoci.commands.report.layout import layout_report
from wasmoci.commands.report.output import Report
from wasmoci.package.image import PackageRequest
from wasmoci.package.image import package as run_package
from wasmoci.values.errors import UsageError, refusals_about
from wasmoci.values.image_reference import check_tag
from wasmoci.values.package_name import PackageName


@command(example="wasm-oci image package signed.wasm --output image --tag v1.0.0")
def package(
    component: Annotated[Path, Argument()],
    output: Annotated[Path, Option("The layout's folder; must be new or empty.")],
    digest_file: DigestFile,
    name: Annotated[
        str | None, Option("Package as `wkg publish --package` would.", "--package", metavar="NS:NAME@VERSION")
    ],
    metadata: Annotated[
        bool | None,
        Option(
            "Whether annotations come from COMPONENT's own metadata, and a WIT package's name. "
            "[default: with --package]",
            "--metadata/--no-metadata",
            default=None,
        ),
    ],
    title: Annotated[
        str | None, Option("The file name that `oras pull` restores; by default NAME.wasm, else COMPONENT's.")
    ],
    tag: Annotated[str | None, Option("The tag that the layout's index proposes; by default VERSION.")],
    annotations: Annotated[
        tuple[str, ...], Option("Repeatable. Goes before metadata.", "--annotation", metavar="KEY=VALUE")
    ],
    author: Annotated[str | None, Option("The config's author.")],
    signature: Annotated[Path | None, Option("A detached signature of COMPONENT, to travel with it.")],
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
    with refusals_about(component):
        descriptor = run_package(request)
    return layout_report(output, str(descriptor.digest), digest_file)


def _source_date_epoch() -> int:
    text = os.environ.get("SOURCE_DATE_EPOCH", "0")
    if not text.isascii() or not text.isdigit() or len(text) > 11:
        raise UsageError(f"SOURCE_DATE_EPOCH must be whole seconds since 1970, got: {text!r}")
    return int(text)
