"""`wasm-oci component verify`: check the signature of a WebAssembly file."""

from pathlib import Path

import click

from wasmoci.commands.options.common import COMPONENT_KEYS_HELP, PathArgument, kind, sections
from wasmoci.commands.report.component import component_report
from wasmoci.commands.report.output import Report, reported, warn
from wasmoci.trust.policy import trusted_component_keys
from wasmoci.verify.parts import verify_component_file
from wasmoci.wasm.sections import Kind


@click.command()
@click.argument("source", type=PathArgument())
@click.option("--key", "keys", multiple=True, type=PathArgument(), help=COMPONENT_KEYS_HELP)
@click.option("--threshold", type=int, default=1, show_default=True, help="How many distinct keys must have signed.")
@click.option("--detached", type=PathArgument(), help="A detached signature.")
@sections
@kind
@reported
def verify(
    source: Path,
    keys: tuple[Path, ...],
    threshold: int,
    detached: Path | None,
    sections: tuple[str, ...],
    kind: str,
) -> Report:
    """Verify that trusted keys signed exactly the WebAssembly file SOURCE.

    With --section, only that they signed its standard sections and the custom sections named, as far
    as its delimiters make that possible: what follows the last of them is not vouched for.
    """
    verified = verify_component_file(
        *(source, trusted_component_keys(keys, warn), Kind(kind)),
        threshold=threshold,
        detached=detached,
        sections=sections,
    )
    return component_report(source, verified)
