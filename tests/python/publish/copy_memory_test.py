"""Copying takes little memory, whatever the size of a blob."""

import subprocess
import sys
from pathlib import Path

from registry_fixtures import REPOSITORY_PATH, OwnClient
from wasmoci.oci.manifest import EMPTY_CONFIG, EMPTY_MEDIA_TYPE, MANIFEST_MEDIA_TYPE, Descriptor, Manifest
from wasmoci.registry_server.server import EmbeddedRegistry
from wasmoci.values.digest import Digest
from wasmoci.values.image_reference import Repository

SIZE = 512 * 1024 * 1024
MAX_PEAK_MIB = 96

# VmHWM, not ru_maxrss: see registry/memory_test.py.
PROGRAM = """
import sys
from pathlib import Path
from wasmoci.commands.main import main

source, target, folder, *registries = sys.argv[1:]
reach = [word for one in registries for word in ("--insecure-registry", one)]
main(["copy", source, target, "--output", folder, "--quiet", *reach], standalone_mode=False)
if Path("/proc/self/status").exists():
    line = next(line for line in open("/proc/self/status") if line.startswith("VmHWM:"))
    print(int(line.split()[1]) // 1024)
else:
    import resource
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // (1024 * 1024))
"""


def push_large(address: str, file: Path) -> Descriptor:
    """Put an image with one large layer at `v1`; gives the layer's descriptor."""
    with file.open("wb") as stream:
        stream.truncate(SIZE)
    with file.open("rb") as stream:
        layer = Descriptor("application/wasm", Digest.of_stream(stream), SIZE)
    config = file.with_name("config")
    config.write_bytes(EMPTY_CONFIG)
    manifest = Manifest(Descriptor.of(EMPTY_MEDIA_TYPE, EMPTY_CONFIG), [layer])
    with OwnClient(Repository(address, REPOSITORY_PATH), {}, [address]) as client:
        client.put_blob(layer, lambda: file.open("rb"))
        client.put_blob(manifest.config, lambda: config.open("rb"))
        client.put_manifest(manifest.to_bytes(), MANIFEST_MEDIA_TYPE, "v1")
    return layer


def test_half_a_gibibyte_between_registries_and_to_a_layout(tmp_path: Path) -> None:
    output = tmp_path / "out"
    with EmbeddedRegistry(tmp_path / "from") as first, EmbeddedRegistry(tmp_path / "to") as second:
        layer = push_large(first.address, tmp_path / "large")
        program = f"import sys; sys.path[:] = {sys.path!r}; {PROGRAM.lstrip()}"
        images = [f"{one.address}/{REPOSITORY_PATH}:v1" for one in (first, second)]
        command = [sys.executable, "-S", "-c", program, *images, str(output), first.address, second.address]
        ran = subprocess.run(command, check=True, capture_output=True, text=True)
        with OwnClient(Repository(second.address, REPOSITORY_PATH), {}, [second.address]) as client:
            assert client.has_blob(layer)
    assert int(ran.stdout) < MAX_PEAK_MIB
    assert (output / "blobs/sha256" / layer.digest.hex).stat().st_size == SIZE
