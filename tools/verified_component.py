"""The tool of the action `WasmVerify`."""

from wasmoci.cli.verified_component import verified_component
from wasmoci.worker.tool import run_tool

if __name__ == "__main__":
    run_tool(verified_component)
