"""The tool of the action `OciAttest`."""

from wasmoci.cli.attest import attest

if __name__ == "__main__":
    attest()
