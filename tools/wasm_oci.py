"""`wasm-oci` as a Bazel tool."""

from wasmoci.cli.program import run

if __name__ == "__main__":
    run()
