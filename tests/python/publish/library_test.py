"""Whoever uses the library signs and publishes, one image and many, in a process that has no command line."""

import json
import subprocess
import sys
from pathlib import Path

from image_fixtures import FILE_KEY, HELLO, PUBLIC_KEY
from publish_fixtures import PATH
from wasm_fixtures import KEY, SECRET_KEY
from wasmoci.keys.component import pem_public
from wasmoci.registry_server.server import EmbeddedRegistry

USER = """
import contextlib, json, sys
from pathlib import Path

sys.modules["click"] = None
folder, address, path = Path(sys.argv[1]), *sys.argv[2:]

from wasmoci.wasm.message import ComponentAsked
from wasmoci.oci.progress import SILENT
from wasmoci.package.image import PackageRequest, package
from wasmoci.publish.copy import CopyRequest, copy_image
from wasmoci.publish.look import DryRun, dry_run
from wasmoci.publish.many import Image, publish_all
from wasmoci.publish.plan import PublishRequest
from wasmoci.publish.pull import PullRequest, pull_image
from wasmoci.publish.signed import Publishing, publish_signed
from wasmoci.registry.sources import ConnectionOptions
from wasmoci.sign.component import write_signed
from wasmoci.sign.deferred import DeferredSigning
from wasmoci.trust.policy import TrustValues, policy
from wasmoci.trust.signers import KeySpec
from wasmoci.values.image_reference import Repository
from wasmoci.values.level import Level
from wasmoci.values.signature_format import Placement

noted = []
watch = lambda: contextlib.nullcontext(SILENT)
connection = ConnectionOptions((address,))
trusted = TrustValues([folder / "component.pub"], oci_keys=[str(folder / "oci.pub")])
wanted = policy(trusted, Level.DUAL_LAYER, noted.append)
signing = DeferredSigning(oci=[KeySpec.parse(str(folder / "oci.key"))], private=False)

signer = KeySpec.parse(str(folder / "component.key")).component_signer(lambda: None, private=False)
write_signed(folder / "hello.wasm", folder / "signed.wasm", signer, ComponentAsked(Placement.EMBEDDED))
package(PackageRequest(folder / "signed.wasm", folder / "layout", "hello.wasm", "v1"))

def publishing(tag):
    request = PublishRequest(folder / "layout", Repository(address, path), [tag], wanted)
    return Publishing(request, connection=connection, signing=signing)

shown = dry_run(publishing("one"), ask=True)
first = publish_signed(publishing("one"), noted.append, watch)
images = [Image(tag, lambda tag=tag: (publishing(tag), False)) for tag in ("two", "three")]
publish_all(images, 2, DryRun.NO, noted.append, watch)
copies = copy_image(CopyRequest(f"{address}/{path}:one", {Repository(address, "copy"): ["four"]}, wanted), connection,
    noted.append, watch)
pulled = pull_image(PullRequest(f"{address}/copy:four", wanted, folder / "pulled.wasm"), connection, noted.append)
print(json.dumps({
    "would sign": shown.signing,
    "errors": [str(error) for image in images for error in image.errors()],
    "outcomes": [str(outcome.error) for outcome in (*first.outcomes, *copies.outcomes)],
    "level": pulled.verified.level.value,
    "noted": noted,
    "click": [name for name in sys.modules if name.startswith("click.")],
}))
"""


def test_without_a_command_line(tmp_path: Path) -> None:
    files = {
        "hello.wasm": HELLO,
        "component.key": SECRET_KEY.pem(),
        "component.pub": pem_public(KEY),
        "oci.key": FILE_KEY.pem(),
        "oci.pub": PUBLIC_KEY.pem(),
    }
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    with EmbeddedRegistry(tmp_path / "registry") as registry:
        user = [sys.executable, "-S", "-c", f"import sys; sys.path[:] = {sys.path!r}\n{USER}"]
        ran = subprocess.run([*user, str(tmp_path), registry.address, PATH], check=True, capture_output=True, text=True)
    assert json.loads(ran.stdout) == {
        "would sign": [f"sign the OCI manifest with {tmp_path / 'oci.key'} (bundle and legacy)"],
        "errors": [],
        "outcomes": ["None", "None"],
        "level": "dual-layer",
        "noted": [],
        "click": [],
    }
    assert (tmp_path / "pulled.wasm").read_bytes() == (tmp_path / "signed.wasm").read_bytes()
