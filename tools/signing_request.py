"""The tool of the action `SigningRequest`."""

from wasmoci.cli.signing_request import request
from wasmoci.worker.tool import run_tool

if __name__ == "__main__":
    run_tool(request)
