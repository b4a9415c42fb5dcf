"""`wasm-oci pull`: a component from a registry, once it is verified."""

from dataclasses import replace
from pathlib import Path

import click

from wasmoci.commands.options.common import PathArgument, required_level
from wasmoci.commands.options.connection import connection_options
from wasmoci.commands.options.trust import trust_options
from wasmoci.commands.report.output import Report, reported, warn
from wasmoci.commands.report.verdict import verdict_report
from wasmoci.disk.layout import Layout
from wasmoci.oci.graph import ImageGraph, read_image
from wasmoci.oci.source import ImageSource
from wasmoci.publish.copy import copy_to_layout, plan_copy
from wasmoci.registry.connection_options import ConnectionOptions
from wasmoci.registry.sources import open_source
from wasmoci.trust.policy import policy
from wasmoci.trust.values import TrustValues
from wasmoci.values.digest import Digest
from wasmoci.values.errors import UsageError, refuse_malformed
from wasmoci.values.image_reference import Reference
from wasmoci.verify.image import Policy, verify_image
from wasmoci.verify.pull import component_file_name, read_title
from wasmoci.verify.pull import pull as run


@click.command()
@click.argument("target")
@click.option("--output", "-o", type=PathArgument(), help="Where the component goes.")
@click.option("--output-dir", type=PathArgument(), help="The folder it goes into, by the name that the image gives it.")
@click.option("--layout", type=PathArgument(), help="Keep the whole image, signatures and all, in this new folder.")
@click.option("--overwrite", is_flag=True, help="Replace a file that is there already; else it is an error.")
@required_level
@reported
@connection_options
@trust_options
def pull(
    target: str,
    output: Path | None,
    output_dir: Path | None,
    layout: Path | None,
    overwrite: bool,
    trusted: TrustValues,
    require: str | None,
    connection: ConnectionOptions,
) -> Report:
    """Verify the image TARGET and write its component; nothing is written where it does not verify.

    TARGET is host[:port]/path:tag or …@sha256:…, or a layout's folder. An index is refused: name one of
    its images by digest.
    """
    if output is not None and output_dir is not None:
        raise UsageError("give --output or --output-dir, not both")
    if output is None and output_dir is None and layout is None:
        raise UsageError("give --output, --output-dir or --layout")
    wanted = policy(trusted, require, warn)
    with open_source(target, connection) as source:
        with refuse_malformed():
            graph = read_image(source)
        if output_dir is not None:
            output = output_dir / _file_name(target, graph)
        if layout is not None:
            graph = _keep(source, wanted, layout, _tag(target))
        verified = verify_image(graph, wanted) if output is None else run(graph, wanted, output, overwrite=overwrite)
    report = verdict_report(target, verified)
    reference = _reference(target, graph.digest)
    places = [str(place) for place in (output, layout) if place is not None]
    return replace(
        report,
        lines=[*report.lines, *(f"pulled {reference} to {place}" for place in places)],
        data={
            **report.data,
            "reference": reference,
            "output": None if output is None else str(output),
            "layout": None if layout is None else str(layout),
        },
    )


def _keep(source: ImageSource, wanted: Policy, folder: Path, tag: str | None) -> ImageGraph:
    copy_to_layout(plan_copy(source, wanted, recursive=False), folder, tag)
    return read_image(Layout(folder))


def _file_name(target: str, graph: ImageGraph) -> str:
    path = "component" if Path(target).is_dir() else Reference.parse(target).repository.path
    name, problem = component_file_name(read_title(graph), path)
    if problem is not None:
        warn(problem)
    return name


def _tag(target: str) -> str | None:
    return None if Path(target).is_dir() else Reference.parse(target).tag


def _reference(target: str, digest: Digest) -> str:
    return f"{target}@{digest}" if Path(target).is_dir() else str(Reference.parse(target).with_digest(digest))
