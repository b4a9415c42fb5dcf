"""The tool of the action `WasmOciIndex`."""

from wasmoci.cli.image_index import index
from wasmoci.worker.tool import run_tool

if __name__ == "__main__":
    run_tool(index)
