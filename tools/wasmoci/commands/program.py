"""The program `wasm-oci`."""

from wasmoci.commands import garbage


def run() -> None:
    """Call the command, and end the process with its exit code."""
    garbage.defer()
    from wasmoci.commands.main import main

    main()
