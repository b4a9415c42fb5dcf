"""`wasm-oci` as a Bazel tool."""

from wasmoci.commands.program import run

if __name__ == "__main__":
    run()
