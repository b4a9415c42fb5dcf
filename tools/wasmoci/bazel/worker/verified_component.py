"""The action `WasmVerify`: the component of a layout, once the image is verified."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import click

from wasmoci.commands.options.common import (
    COMPONENT_KEYS_HELP,
    REQUIRE_LOG,
    SIGNED_NAME,
    TRUSTED_ROOT,
    annotation_pairs,
)
from wasmoci.commands.options.declared import Argument, Option, OptionGroup, PathArgument, command
from wasmoci.commands.report.output import Report, warn
from wasmoci.commands.report.verdict import verdict_report
from wasmoci.disk.files import write_atomically
from wasmoci.disk.layout import Layout
from wasmoci.oci.graph import read_image
from wasmoci.trust.policy import TrustValues, policy
from wasmoci.values.errors import refuse_malformed
from wasmoci.values.level import Level
from wasmoci.verify.image import pull


def _as_references(files: Sequence[Path]) -> tuple[str, ...]:
    return tuple(map(str, files))


_TRUSTED = OptionGroup(
    TrustValues,
    component_keys=Option(COMPONENT_KEYS_HELP, "--component-key"),
    oci_keys=Option("A trusted OCI public key. Repeatable.", "--oci-key", type=PathArgument(), convert=_as_references),
    oci_threshold=Option("How many distinct OCI keys must have signed.", "--threshold", default=1, show_default=False),
    annotations=Option("What must be signed too.", "--annotation", metavar="KEY=VALUE", convert=annotation_pairs),
    signed_name=SIGNED_NAME,
    trusted_root=TRUSTED_ROOT,
    require_log=REQUIRE_LOG,
)


@command()
def verified_component(
    layout: Annotated[Path, Argument()],
    output: Annotated[Path, Option("Where the component goes.")],
    verification: Annotated[Path, Option("Where the verdict goes, as JSON.")],
    require: Annotated[
        Level,
        Option("The level that the image must have.", type=click.Choice(["component-only", "oci-only", "dual-layer"])),
    ],
    trusted: Annotated[TrustValues, _TRUSTED],
) -> Report:
    """Verify the image in LAYOUT, a folder or the file `oci-layout` in it, and write its component."""
    with refuse_malformed():
        graph = read_image(Layout(layout if layout.is_dir() else layout.parent))
    report = verdict_report(output.name, pull(graph, policy(trusted, require, warn), output))
    verdict = {"result": "ok", **report.data, "warnings": list(report.warnings)}
    write_atomically(verification, f"{json.dumps(verdict, indent=2)}\n".encode())
    return report
