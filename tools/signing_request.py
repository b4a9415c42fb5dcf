"""The tool of the action `SigningRequest`."""

from wasmoci.cli.signing_request import request

if __name__ == "__main__":
    request()
