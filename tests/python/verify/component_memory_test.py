"""Signing, verifying and showing a large component takes little memory, whatever its size."""

import subprocess
import sys
from pathlib import Path

import pytest

from wasm_fixtures import COMPONENT
from wasmoci.wasm.sections import u32

FILE_SIZE = 256 * 1024 * 1024
MAX_GROWTH_MIB = 64

# VmHWM, not ru_maxrss: Linux lets a process inherit that from the one that started it, here pytest.
PROGRAM = """
import sys
from pathlib import Path
from wasmoci.wasm.summary import summarize
from wasmoci.keys.component import ComponentSigner, SecretKey
from wasmoci.sign.component import sign_detached, sign_embedded
from wasmoci.verify.component import verify_component
from wasmoci.wasm.sections import Kind

def peak():
    if Path("/proc/self/status").exists():
        line = next(line for line in open("/proc/self/status") if line.startswith("VmHWM:"))
        return int(line.split()[1]) // 1024
    import resource
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // (1024 * 1024)

signer = ComponentSigner(SecretKey(bytes(32)))
signer.public_key.verify(signer.sign(b""), b"")
before = peak()
with open(sys.argv[2], "rb") as source, open(sys.argv[3], "w+b") as target:
    match sys.argv[1]:
        case "sign":
            sign_embedded(source, target, signer, Kind.COMPONENT)
            assert verify_component(target, [signer.public_key], Kind.COMPONENT).keys
        case "detached":
            signature = sign_detached(source, signer, Kind.COMPONENT)
            assert verify_component(source, [signer.public_key], Kind.COMPONENT, signature).keys
        case "show":
            assert summarize(source).lines()
        case "whole":
            assert source.read()
print(peak() - before)
"""


def growth_mib(operation: str, source: Path, target: Path) -> int:
    """By how much an operation on `source` raises the peak memory of a fresh process."""
    program = f"import sys; sys.path[:] = {sys.path!r}; {PROGRAM.lstrip()}"
    command = [sys.executable, "-S", "-c", program, operation, str(source), str(target)]
    return int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


@pytest.fixture(name="large", scope="module")
def _large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("large") / "large.wasm"
    with path.open("wb") as stream:
        stream.write(COMPONENT + b"\0" + u32(FILE_SIZE) + b"\x05large")
        stream.truncate(stream.tell() - len(b"\x05large") + FILE_SIZE)
    return path


@pytest.mark.parametrize("operation", ["sign", "detached", "show"])
def test_memory_does_not_grow_with_the_file(operation: str, large: Path, tmp_path: Path) -> None:
    assert growth_mib(operation, large, tmp_path / "target") < MAX_GROWTH_MIB
    (tmp_path / "target").unlink()


def test_the_measurement_notices_a_file_that_is_read_whole(large: Path, tmp_path: Path) -> None:
    assert growth_mib("whole", large, tmp_path / "target") > MAX_GROWTH_MIB
