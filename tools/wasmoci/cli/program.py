"""The program `wasm-oci`."""

from wasmoci.cli import garbage


def run() -> None:
    """Call the command, and end the process with its exit code."""
    garbage.defer()
    from wasmoci.cli.main import main

    main()
