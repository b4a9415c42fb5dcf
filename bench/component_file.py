"""Components of any size for the benchmark."""

import os
from pathlib import Path

from here import SMOKE
from wasmoci.wasm.sections import u32

MIB = 1024 * 1024


def make_component(path: Path, size: int) -> Path:
    """A small real component plus a custom section of random bytes, `size` bytes in all but a few."""
    block = os.urandom(MIB)
    with path.open("wb") as stream:
        stream.write((SMOKE / "adder.wasm").read_bytes())
        stream.write(b"\0" + u32(size + 1) + b"\0")
        for start in range(0, size, MIB):
            stream.write(block[: size - start])
    return path
