"""The program `wasm-oci`."""

from wasmoci.commands.loading import defer_garbage


def run() -> None:
    """Call the command, and end the process with its exit code."""
    defer_garbage()
    from wasmoci.commands.main import main
    from wasmoci.commands.report.unforeseen import nothing_taken_apart, whole_program

    with nothing_taken_apart(), whole_program("wasm-oci"):
        main(prog_name="wasm-oci")
