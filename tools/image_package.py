"""The tool of the action `WasmOciPackage`."""

from wasmoci.cli.image_package import package
from wasmoci.worker.tool import run_tool

if __name__ == "__main__":
    run_tool(package)
