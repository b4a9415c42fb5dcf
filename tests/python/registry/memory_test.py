"""Sending and fetching a blob takes little memory, whatever its size."""

import subprocess
import sys
from pathlib import Path

from registry_fixtures import REPOSITORY_PATH
from wasmoci.registry_server.server import EmbeddedRegistry
from wasmoci.values.digest import Digest

SIZE = 512 * 1024 * 1024
MAX_PEAK_MIB = 96

# VmHWM, not ru_maxrss: Linux lets a process inherit that from the one that started it, here pytest.
PROGRAM = """
import sys
from functools import partial
from pathlib import Path
from wasmoci.values.digest import Digest
from wasmoci.oci.manifest import Descriptor
from wasmoci.values.image_reference import Repository
from wasmoci.registry.client import Registries

operation, address, path, file, hexadecimal, size = sys.argv[1:]
blob = Descriptor("application/wasm", Digest(hexadecimal), int(size))
with Registries({}, [address]) as registries:
    client = registries.client(Repository(address, path))
    match operation:
        case "send":
            assert client.put_blob(blob, partial(open, file, "rb"))
        case "fetch":
            with open(file, "wb") as target:
                client.copy_blob(blob, target)
        case "whole":
            assert len(Path(file).read_bytes()) == blob.size
if Path("/proc/self/status").exists():
    line = next(line for line in open("/proc/self/status") if line.startswith("VmHWM:"))
    print(int(line.split()[1]) // 1024)
else:
    import resource
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // (1024 * 1024))
"""


def peak_mib(operation: str, address: str, file: Path, digest: Digest) -> int:
    """The peak memory of a fresh process that does it."""
    program = f"import sys; sys.path[:] = {sys.path!r}; {PROGRAM.lstrip()}"
    arguments = [operation, address, REPOSITORY_PATH, str(file), digest.hex, str(SIZE)]
    command = [sys.executable, "-S", "-c", program, *arguments]
    return int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def test_half_a_gibibyte(tmp_path: Path) -> None:
    large, back = tmp_path / "large", tmp_path / "back"
    with large.open("wb") as stream:
        stream.truncate(SIZE)
    with large.open("rb") as stream:
        digest = Digest.of_stream(stream)
    with EmbeddedRegistry(tmp_path / "registry") as registry:
        assert peak_mib("send", registry.address, large, digest) < MAX_PEAK_MIB
        assert peak_mib("fetch", registry.address, back, digest) < MAX_PEAK_MIB
    assert back.stat().st_size == SIZE


def test_the_measure_sees_a_whole_file(tmp_path: Path) -> None:
    large = tmp_path / "large"
    with large.open("wb") as stream:
        stream.truncate(SIZE)
    assert peak_mib("whole", "127.0.0.1:1", large, Digest.of(b"")) > SIZE // (1024 * 1024)
