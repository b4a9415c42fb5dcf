"""The action `WasmVerify`: the component of a layout, once the image is verified."""

import json
from pathlib import Path

import click

from wasmoci.commands.options.common import COMPONENT_KEYS_HELP, PathArgument, annotation_pairs, trusted_root
from wasmoci.commands.report.output import Report, reported, warn
from wasmoci.commands.report.verdict import verdict_report
from wasmoci.disk.files import write_atomically
from wasmoci.disk.layout import Layout
from wasmoci.oci.graph import read_image
from wasmoci.trust.policy import policy
from wasmoci.trust.values import TrustValues
from wasmoci.values.errors import refuse_malformed
from wasmoci.verify.pull import pull


@click.command()
@click.argument("layout", type=PathArgument())
@click.option("--output", required=True, type=PathArgument(), help="Where the component goes.")
@click.option("--verification", required=True, type=PathArgument(), help="Where the verdict goes, as JSON.")
@click.option(
    "--require",
    required=True,
    type=click.Choice(["component-only", "oci-only", "dual-layer"]),
    help="The level that the image must have.",
)
@click.option("--component-key", "component_keys", multiple=True, type=PathArgument(), help=COMPONENT_KEYS_HELP)
@click.option("--oci-key", "oci_keys", multiple=True, type=PathArgument(), help="A trusted OCI public key. Repeatable.")
@click.option("--threshold", type=int, default=1, help="How many distinct OCI keys must have signed.")
@click.option("--annotation", "annotations", multiple=True, metavar="KEY=VALUE", help="What must be signed too.")
@trusted_root
@click.option("--require-log", is_flag=True, help="Only signatures that a transparency log has count.")
@reported
def verified_component(
    layout: Path,
    output: Path,
    verification: Path,
    require: str,
    component_keys: tuple[Path, ...],
    oci_keys: tuple[Path, ...],
    threshold: int,
    annotations: tuple[str, ...],
    trusted_root: Path | None,
    require_log: bool,
) -> Report:
    """Verify the image in LAYOUT, a folder or the file `oci-layout` in it, and write its component."""
    trusted = TrustValues(
        component_keys=component_keys,
        oci_keys=tuple(map(str, oci_keys)),
        oci_threshold=threshold,
        annotations=annotation_pairs(annotations),
        trusted_root=trusted_root,
        require_log=require_log,
    )
    with refuse_malformed():
        graph = read_image(Layout(layout if layout.is_dir() else layout.parent))
    report = verdict_report(output.name, pull(graph, policy(trusted, require, warn), output))
    verdict = {"result": "ok", **report.data, "warnings": list(report.warnings)}
    write_atomically(verification, f"{json.dumps(verdict, indent=2)}\n".encode())
    return report
