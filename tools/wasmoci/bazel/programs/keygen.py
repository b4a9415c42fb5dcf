"""The program of a `wasm_keygen` target: `wasm-oci keygen` where the user stands."""

import os

from wasmoci.commands import keygen as command


def keygen() -> None:
    os.chdir(os.environ.get("BUILD_WORKING_DIRECTORY", "."))
    command.keygen()
