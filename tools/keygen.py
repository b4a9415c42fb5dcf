"""The program of a `wasm_keygen` target: `wasm-oci keygen` where the user stands."""

import os

from wasmoci.commands.keygen import keygen

if __name__ == "__main__":
    os.chdir(os.environ.get("BUILD_WORKING_DIRECTORY", "."))
    keygen()
