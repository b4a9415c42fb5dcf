"""`wasm-oci diff`: what changed in what two components import and export."""

import os
from collections.abc import Sequence
from enum import Enum
from pathlib import Path
from typing import Annotated

from wasmoci.commands.options.connection import Connection
from wasmoci.commands.options.declared import Argument, Option, command
from wasmoci.commands.report.output import Report
from wasmoci.disk.files import open_for_reading
from wasmoci.oci.graph import read_image
from wasmoci.registry.sources import Sources
from wasmoci.values.errors import Error, FormatError, Reason, UsageError, VerificationError, refusals_about
from wasmoci.values.level import Level
from wasmoci.verify.image import verify_opened
from wasmoci.verify.opened import open_component
from wasmoci.verify.policy import Policy
from wasmoci.wasm.changes import Change, find_changes
from wasmoci.wasm.typed_interface import TypedInterface, read_typed_interface


class FailOn(str, Enum):
    """Which changes are refused."""

    INCOMPATIBLE = "incompatible"
    IMPORTS = "imports"
    ANY = "any"
    NONE = "none"

    def refuses(self, change: Change) -> bool:
        if self is FailOn.INCOMPATIBLE:
            return not change.is_compatible
        return change.adds_imports if self is FailOn.IMPORTS else self is FailOn.ANY


@command(report_before="connection", example="wasm-oci diff ghcr.io/acme/hello:v1.0.0 hello.wasm --fail-on imports")
def diff(
    first: Annotated[str, Argument()],
    second: Annotated[str, Argument()],
    fail_on: Annotated[
        FailOn,
        Option(
            "incompatible: SECOND cannot take the place of FIRST, as it imports more or exports less. imports: SECOND "
            "can call what FIRST could not.",
            default=FailOn.INCOMPATIBLE,
        ),
    ],
    connection: Connection,
) -> Report:
    """Show what changed from the component FIRST to SECOND: imports, exports, and the functions and types in them.

    Each is a component's file, a layout's folder or host[:port]/path:tag or …@sha256:…. No signature is verified. With
    changes of the kind --fail-on the exit code is 3.
    """
    with Sources(connection) as sources:
        before, after = (_read(target, sources) for target in (first, second))
    changes = find_changes(before, after)
    refused = [change for change in changes if fail_on.refuses(change)]
    errors: Sequence[Error] = ()
    if refused:
        more = f", and {len(refused) - 1} more" if len(refused) > 1 else ""
        errors = [VerificationError(Reason.INTERFACE_CHANGED, f"{second}: {refused[0]}{more}")]
    lines = [f"{'' if change.is_compatible else 'incompatible: '}{change}" for change in changes]
    data = {
        "compatible": all(change.is_compatible for change in changes),
        "importsAdded": any(change.adds_imports for change in changes),
        "changes": [_json(change) for change in changes],
    }
    return Report(lines or ["no change of imports and exports"], data, errors=errors)


def _read(target: str, sources: Sources) -> TypedInterface:
    with refusals_about(target):
        # The methods of Path raise for names that are longer than a file system takes.
        if os.path.exists(target) and not os.path.isdir(target):  # noqa: PTH110, PTH112
            with open_for_reading(Path(target), "the file") as file:
                return read_typed_interface(file)
        try:
            source = sources.open(target, to_verify=True, signatures=False)
        except UsageError as error:
            raise UsageError(f"there is no such file, {error}") from None
        nobody = Policy.of((), (), Level.NONE)
        graph = read_image(source)
        with open_component(graph, nobody, is_hashed=False) as component:
            verify_opened(graph, nobody, component)
            if component is None:
                raise FormatError("the image is no Wasm artifact, so it has no component")
            return read_typed_interface(component.content)


def _json(change: Change) -> dict[str, object]:
    return {
        "side": "import" if change.is_import else "export",
        "change": change.kind.value,
        "before": change.before,
        "after": change.after,
        "added": list(change.added),
        "removed": list(change.removed),
        "changed": list(change.changed),
        "compatible": change.is_compatible,
    }
