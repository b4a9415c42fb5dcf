"""Options of commands about a WebAssembly file, as types of their parameters."""

from pathlib import Path
from typing import Annotated

from wasmoci.commands.options.common import COMPONENT_KEYS_HELP
from wasmoci.commands.options.declared import Option, variable
from wasmoci.wasm.sections import Kind

ComponentKeys = Annotated[tuple[Path, ...], Option(COMPONENT_KEYS_HELP, "--key", **variable("COMPONENT_KEY"))]

DetachedSignature = Annotated[Path | None, Option("A detached signature.", "--detached")]

FileKind = Annotated[
    Kind, Option("What the file must be; the signature does not cover its header.", "--kind", default=Kind.COMPONENT)
]

NamesKey = Annotated[bool, Option("Name the key in the signature, as `wasmsign2 sign -K` does.", "--key-id")]

Sections = Annotated[
    tuple[str, ...],
    Option("Names of custom sections, with * for any characters and ? for any one. Repeatable.", "--section"),
]
