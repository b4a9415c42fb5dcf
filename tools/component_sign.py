"""The tool of the action `WasmSign`."""

from wasmoci.cli.component_sign import sign

if __name__ == "__main__":
    sign()
