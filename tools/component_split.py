"""The tool of the action `WasmSplit`."""

from wasmoci.cli.component_split import split

if __name__ == "__main__":
    split()
