"""Measures memory and time of signing, verifying and showing large components.

Run from the repository root:  python bench/component_memory.py [--folder FOLDER] [--json FILE] [SIZE_MIB …]

Each operation runs three times in a process of its own, on a file in the page cache. Memory is the peak above that of
a process with the same imports that does nothing; time is the median, also as a multiple of hashing the
same bytes. FOLDER needs twice the largest size.
"""

import argparse
import hashlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tools"))

from wasmoci.keys.component import ComponentSigner, SecretKey
from wasmoci.sign.component import sign_detached, sign_embedded
from wasmoci.verify.component import verify_component
from wasmoci.wasm.sections import Kind, custom_section, u32
from wasmoci.wasm.summary import summarize

RUNS = 3
MIB = 1024 * 1024
COMPONENT = bytes.fromhex("0061736d0d000100")
MANY_SECTIONS = 100_000

_SIGNER = ComponentSigner(SecretKey(bytes(32)))


def make_large(path: Path, size: int) -> None:
    """A component with one custom section of random bytes, `size` bytes in all but a few."""
    block = os.urandom(MIB)
    with path.open("wb") as stream:
        stream.write(COMPONENT + b"\0" + u32(size + 1) + b"\0")
        for _ in range(size // MIB):
            stream.write(block)


def make_many_sections(path: Path) -> None:
    """A component of many sections that hold nothing."""
    path.write_bytes(COMPONENT + custom_section("name", b"") * MANY_SECTIONS)


def make_long_names(path: Path) -> None:
    """A component of 256 MiB that is little but names of the longest allowed length."""
    with path.open("wb") as stream:
        stream.write(COMPONENT)
        for index in range(256 * MIB // 100_000):
            stream.write(custom_section(f"{index:0100000}", b""))


def _nothing(_: Path) -> None:
    pass


def _hash(source: Path) -> None:
    buffer = bytearray(256 * 1024)
    state = hashlib.sha256()
    with source.open("rb", buffering=0) as stream:
        while count := stream.readinto(buffer):
            state.update(memoryview(buffer)[:count])


def _sign(source: Path) -> None:
    with source.open("rb") as stream, source.with_suffix(".signed").open("w+b") as target:
        sign_embedded(stream, target, _SIGNER, Kind.COMPONENT)


def _verify(source: Path) -> None:
    with source.with_suffix(".signed").open("rb") as stream:
        verify_component(stream, [_SIGNER.public_key], Kind.COMPONENT)


def _sign_detached(source: Path) -> None:
    with source.open("rb") as stream:
        source.with_suffix(".sig").write_bytes(sign_detached(stream, _SIGNER, Kind.COMPONENT))


def _verify_detached(source: Path) -> None:
    with source.open("rb") as stream:
        verify_component(stream, [_SIGNER.public_key], Kind.COMPONENT, source.with_suffix(".sig").read_bytes())


def _show(source: Path) -> None:
    with source.open("rb") as stream:
        summarize(stream).to_json()


OPERATIONS: dict[str, Callable[[Path], None]] = {
    "nothing": _nothing,
    "hash": _hash,
    "sign": _sign,
    "verify": _verify,
    "sign detached": _sign_detached,
    "verify detached": _verify_detached,
    "show": _show,
}


def _peak_kib() -> int:
    """Linux only. Not ru_maxrss, which a process inherits from the one that started it."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0])


def run_once(operation: str, source: Path) -> dict[str, float]:
    """In this process."""
    _SIGNER.public_key.verify(_SIGNER.sign(b""), b"")
    started = time.perf_counter()
    OPERATIONS[operation](source)
    return {"seconds": time.perf_counter() - started, "kib": _peak_kib()}


def measure(operation: str, source: Path) -> dict[str, float]:
    """The median time and the highest peak of some processes."""
    command = [sys.executable, __file__, "--operation", operation, str(source)]
    runs = [json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout) for _ in range(RUNS)]
    return {"seconds": statistics.median(one["seconds"] for one in runs), "kib": max(one["kib"] for one in runs)}


def report(name: str, source: Path) -> list[dict[str, object]]:
    """Measure all operations on a file and print a line for each."""
    measured = {operation: measure(operation, source) for operation in OPERATIONS}
    rows: list[dict[str, object]] = []
    for operation in list(OPERATIONS)[1:]:
        seconds = measured[operation]["seconds"]
        memory = (measured[operation]["kib"] - measured["nothing"]["kib"]) / 1024
        ratio = seconds / measured["hash"]["seconds"]
        print(f"{name:16} {operation:16} {seconds:8.3f} s  {ratio:6.2f} x hash  {memory:8.1f} MiB over", flush=True)
        rows.append({"file": name, "operation": operation, "seconds": seconds, "times_hash": ratio, "mib_over": memory})
    print(
        f"{name:16} {'nothing':16} peak of the interpreter and its imports: {measured['nothing']['kib'] / 1024:.1f} MiB"
    )
    return rows


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("sizes", nargs="*", type=int, default=[512, 1024], metavar="SIZE_MIB")
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    makers: dict[str, Callable[[Path], None]] = {
        f"{size} MiB": lambda path, size=size: make_large(path, size * MIB)  # type: ignore[misc]
        for size in arguments.sizes
    }
    makers |= {"100,000 sections": make_many_sections, "long names": make_long_names}
    rows = []
    for name, make in makers.items():
        with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
            source = Path(folder, "component.wasm")
            make(source)
            rows += report(name, source)
    if arguments.json:
        arguments.json.write_text(json.dumps(rows, indent=2) + "\n")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--operation"]:
        print(json.dumps(run_once(sys.argv[2], Path(sys.argv[3]))))
    else:
        main()
