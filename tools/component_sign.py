"""The tool of the action `WasmSign`."""

from wasmoci.cli.component_sign import sign
from wasmoci.worker.tool import run_tool

if __name__ == "__main__":
    run_tool(sign)
