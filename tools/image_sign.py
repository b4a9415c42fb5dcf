"""The tool of the action `OciSign`."""

from wasmoci.cli.image_sign import sign
from wasmoci.worker.tool import run_tool

if __name__ == "__main__":
    run_tool(sign)
