"""Verifying, inspecting and publishing a layout takes little memory, whatever the size of its component."""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from image_fixtures import SIGNER
from publish_fixtures import PATH
from wasm_fixtures import COMPONENT, KEY
from wasm_fixtures import SIGNER as COMPONENT_SIGNER
from wasmoci.keys.component import pem_public
from wasmoci.package.image import PackageRequest, package
from wasmoci.registry_server.server import EmbeddedRegistry
from wasmoci.sign.component import sign_embedded
from wasmoci.sign.image import SignRequest, sign_image
from wasmoci.wasm.sections import Kind, u32

SIZE = 256 * 1024 * 1024
MAX_PEAK_MIB = 64

# VmHWM, not ru_maxrss: see registry/memory_test.py.
PROGRAM = """
import sys
from pathlib import Path
from wasmoci.commands.main import main

main(sys.argv[1:], standalone_mode=False)
if Path("/proc/self/status").exists():
    line = next(line for line in open("/proc/self/status") if line.startswith("VmHWM:"))
    print(int(line.split()[1]) // 1024)
else:
    import resource
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // (1024 * 1024))
"""


@pytest.fixture(name="folder", scope="module")
def _folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("large")
    component = folder / "component.wasm"
    with (folder / "zeros").open("w+b") as source, component.open("w+b") as target:
        source.write(COMPONENT + b"\0" + u32(SIZE) + b"\0")
        source.truncate(source.tell() - 1 + SIZE)
        sign_embedded(source, target, COMPONENT_SIGNER, Kind.COMPONENT)
    package(PackageRequest(component, folder / "unsigned"))
    component.unlink()
    sign_image(SignRequest(folder / "unsigned", folder / "layout", f"localhost:5000/{PATH}"), SIGNER)
    (folder / "component.pub").write_bytes(pem_public(KEY))
    (folder / "oci.pub").write_bytes(SIGNER.public_key.pem())
    return folder


def peak_mib(folder: Path, arguments: Sequence[str]) -> int:
    program = f"import sys; sys.path[:] = {sys.path!r}; {PROGRAM.lstrip()}"
    trust = ["--component-key", str(folder / "component.pub"), "--oci-key", str(folder / "oci.pub")]
    command = [sys.executable, "-S", "-c", program, *arguments, *trust]
    ran = subprocess.run(command, check=True, capture_output=True, text=True)
    return int(ran.stdout.split()[-1])


@pytest.mark.parametrize("operation", ["verify", "inspect"])
def test_a_quarter_of_a_gibibyte_in_a_layout(operation: str, folder: Path) -> None:
    assert peak_mib(folder, [operation, str(folder / "layout")]) < MAX_PEAK_MIB


@pytest.mark.parametrize("read_back", ["signatures", "all"])
def test_a_quarter_of_a_gibibyte_is_published(read_back: str, folder: Path, tmp_path: Path) -> None:
    with EmbeddedRegistry(tmp_path / "registry") as registry:
        to = [f"{registry.address}/{PATH}", "--tag", "v1", "--insecure-registry", registry.address, "--quiet"]
        assert peak_mib(folder, ["publish", str(folder / "layout"), *to, "--read-back", read_back]) < MAX_PEAK_MIB
