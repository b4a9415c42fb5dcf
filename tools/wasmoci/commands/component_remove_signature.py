"""`wasm-oci component remove-signature`: remove the signatures of a key from a file."""

from pathlib import Path
from typing import Annotated

from wasmoci.commands.options.declared import Argument, Option, command
from wasmoci.commands.report.output import Report
from wasmoci.disk.files import atomic_output, open_for_reading
from wasmoci.keys.component_files import load_component_key
from wasmoci.sign.edit import remove_signatures
from wasmoci.values.errors import UsageError, refusals_about
from wasmoci.values.text import counted


@command(
    "remove-signature", example="wasm-oci component remove-signature signed.wasm --key old.pub --output hello.wasm"
)
def remove_signature(
    source: Annotated[Path, Argument()],
    keys: Annotated[tuple[Path, ...], Option("A public key. Repeatable.", "--key")],
    key_ids: Annotated[tuple[str, ...], Option("A key id in hex, as `show` prints it. Repeatable.", "--key-id")],
    output: Annotated[Path, Option("Where the file without them goes.")],
) -> Report:
    """Remove the signatures of these keys from the WebAssembly file SOURCE; the last one leaves it unsigned."""
    unwanted = [load_component_key(path) for path in keys]
    identifiers = [_identifier(text) for text in key_ids]
    with refusals_about(source), open_for_reading(source, "the file") as stream, atomic_output(output) as target:
        count = remove_signatures(stream, target, unwanted, identifiers)
    return Report([f"removed {counted(count, 'signature')} from {source}"], {"removed": count, "output": str(output)})


def _identifier(text: str) -> bytes:
    try:
        identifier = bytes.fromhex(text)
    except ValueError:
        identifier = b""
    if not identifier:
        raise UsageError(f"a key id is given in hex, got: {text!r}")
    return identifier
