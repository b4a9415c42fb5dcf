"""The tool of the action `WasmSplit`."""

from wasmoci.cli.component_split import split
from wasmoci.worker.tool import run_tool

if __name__ == "__main__":
    run_tool(split)
