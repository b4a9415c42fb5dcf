"""`wasm-oci` as a Bazel tool."""

import os

from wasmoci.commands.program import run

if __name__ == "__main__":
    # Files that are named on the command line are seen from where `bazel run` was called.
    os.chdir(os.environ.get("BUILD_WORKING_DIRECTORY", "."))
    run()
