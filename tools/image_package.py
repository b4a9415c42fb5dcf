"""The tool of the action `WasmOciPackage`."""

from wasmoci.cli.image_package import package

if __name__ == "__main__":
    package()
