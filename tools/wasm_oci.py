"""`wasm-oci` as a Bazel tool."""

from wasmoci.cli.main import main

if __name__ == "__main__":
    main()
