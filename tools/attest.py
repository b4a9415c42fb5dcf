"""The tool of the action `OciAttest`."""

from wasmoci.cli.attest import attest
from wasmoci.worker.tool import run_tool

if __name__ == "__main__":
    run_tool(attest)
