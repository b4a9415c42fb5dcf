"""Turn component text format into a binary: `wat2wasm INPUT OUTPUT`."""

import sys
from pathlib import Path

from wasmtime import wat2wasm

if __name__ == "__main__":
    source, output = map(Path, sys.argv[1:])
    output.write_bytes(wat2wasm(source.read_text(encoding="utf-8")))
