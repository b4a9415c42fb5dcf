"""The action `WasmVerify`: the component of a layout, once the image is verified."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
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
from wasmoci.policy.choice import Policies
from wasmoci.trust.policy import TrustValues
from wasmoci.values.errors import refuse_malformed
from wasmoci.values.level import Level
from wasmoci.verify.image import pull


def _as_references(files: Sequence[Path]) -> tuple[str, ...]:
    return tuple(map(str, files))


TRUSTED = OptionGroup(
    TrustValues,
    component_keys=Option(COMPONENT_KEYS_HELP, "--component-key"),
    oci_keys=Option("A trusted OCI public key. Repeatable.", "--oci-key", type=PathArgument(), convert=_as_references),
    oci_threshold=Option("How many distinct OCI keys must have signed.", "--threshold", default=1, show_default=False),
    annotations=Option("What must be signed too.", "--annotation", metavar="KEY=VALUE", convert=annotation_pairs),
    signed_name=SIGNED_NAME,
    trusted_root=TRUSTED_ROOT,
    require_log=REQUIRE_LOG,
)

REQUIRED = Option(
    "The level that the image must have.", type=click.Choice(["component-only", "oci-only", "dual-layer"])
)


@dataclass(frozen=True, slots=True)
class ActionPolicy:
    """A policy file, and the files that it names: the names, and as many paths."""

    file: Annotated[Path | None, Option("A policy file in place of all options that say who is trusted.", "--policy")]
    name: Annotated[str | None, Option("What it is called in the workspace.", "--policy-name")]
    named: Annotated[str | None, Option("The repository that the image counts as for its rules.", "--as")]
    file_names: Annotated[Sequence[str], Option("What it calls a file. Repeatable.", "--policy-file-name")]
    files: Annotated[Sequence[Path], Option("Where this file is. Repeatable.", "--policy-file")]


@command()
def verified_component(
    layout: Annotated[Path, Argument()],
    output: Annotated[Path, Option("Where the component goes.")],
    verification: Annotated[Path, Option("Where the verdict goes, as JSON.")],
    require: Annotated[Level | None, REQUIRED],
    trusted: Annotated[TrustValues, TRUSTED],
    policy: Annotated[ActionPolicy, OptionGroup(ActionPolicy)],
) -> Report:
    """Verify the image in LAYOUT, a folder or the file `oci-layout` in it, and write its component."""
    wanted = asked_policies(policy, trusted, require).enforced().of_repositories(())
    with refuse_malformed():
        graph = read_image(layout_at(layout))
    report = verdict_report(output.name, pull(graph, wanted, output))
    verdict = {"result": "ok", **report.data, "warnings": list(report.warnings)}
    write_atomically(verification, f"{json.dumps(verdict, indent=2)}\n".encode())
    return report


def layout_at(path: Path) -> Layout:
    """The layout in a folder, or that of its file `oci-layout`; raises as Layout."""
    return Layout(path if path.is_dir() else path.parent)


def asked_policies(policy: ActionPolicy, trusted: TrustValues, require: Level | None) -> Policies:
    """What the arguments ask for; no clock is read. Raises as Policies does."""
    if policy.file is None:
        return Policies.of(trusted, require, warn, reads_clock=False)
    files = dict(zip(policy.file_names, policy.files, strict=True))
    return Policies.of_file(policy.file, policy.named, name=policy.name, files=files, reads_clock=False)
