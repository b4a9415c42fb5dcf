"""The tool of the action `OciSign`."""

from wasmoci.cli.image_sign import sign

if __name__ == "__main__":
    sign()
