"""`wasm-oci component verify`: check the signature of a WebAssembly file."""

from collections.abc import Sequence
from pathlib import Path

import click

from wasmoci.commands.options.common import COMPONENT_KEYS_HELP, PathArgument, kind, sections
from wasmoci.commands.report.output import Report, reported, warn
from wasmoci.disk.files import open_for_reading, read_bounded
from wasmoci.keys.component_files import load_component_keys
from wasmoci.verify.component import verify_component
from wasmoci.verify.parts import VerifiedParts, verify_parts
from wasmoci.wasm.section_pattern import Selection
from wasmoci.wasm.sections import Kind
from wasmoci.wasm.signature import MAX_DATA_SIZE


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
    return verification(source, keys, Kind(kind), threshold=threshold, detached=detached, sections=sections)


def verification(
    source: Path,
    key_files: Sequence[Path],
    kind: Kind,
    *,
    threshold: int = 1,
    detached: Path | None = None,
    sections: Sequence[str] = (),
) -> Report:
    """Verify a file by the keys in these files; with `sections` only those parts."""
    trusted = [key for path in key_files for key in load_component_keys(path, warn)]
    signature = None if detached is None else read_bounded(detached, MAX_DATA_SIZE, "the detached signature")
    with open_for_reading(source, "the file to verify") as stream:
        if sections:
            return _parts_report(
                source, verify_parts(stream, trusted, kind, Selection.parse(sections), signature, threshold)
            )
        verified = verify_component(stream, trusted, kind, signature, threshold)
    names = [key.fingerprint for key in verified.keys]
    return Report([f"verified {source}: signed by {name}" for name in names], {"keys": names}, verified.warnings)


def _parts_report(source: Path, verified: VerifiedParts) -> Report:
    names = [key.fingerprint for key in verified.keys]
    reach = "whole" if verified.whole else f"up to byte {verified.covered_end}, nothing vouches for the rest"
    return Report(
        [f"verified {source} ({reach}): signed by {name}" for name in names],
        {"keys": names, "coveredEnd": verified.covered_end, "whole": verified.whole},
        verified.warnings,
    )
