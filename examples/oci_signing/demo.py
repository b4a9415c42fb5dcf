"""The whole way of a component: publish, verify from the registry, pull, run; then the four levels.

`bazel run //examples/oci_signing:demo`. It needs nothing but this repository: the registry is the embedded one.
"""

import os
import tempfile
from pathlib import Path

from runfiles import Runfiles

from run_component import greet
from wasmoci.disk.layout import Layout
from wasmoci.keys import image as image_keys
from wasmoci.keys.component_files import load_component_key
from wasmoci.oci.graph import read_image
from wasmoci.oci.progress import Progress
from wasmoci.publish.plan import PublishRequest, plan, publish
from wasmoci.registry.client import Registries
from wasmoci.registry.source import RegistrySource
from wasmoci.registry_server.server import EmbeddedRegistry
from wasmoci.values.image_reference import Reference, Repository
from wasmoci.values.level import Level
from wasmoci.verify.image import pull, verify
from wasmoci.verify.policy import Policy

IMAGES = ("unsigned", "component_signed", "oci_signed", "secure")
TAG = "dual-signed-v1.0.0"
HERE = "_main/examples/oci_signing"


def main() -> None:
    """Run the demo; any refusal ends it with a traceback and exit code 1."""
    keys = (
        load_component_key(_file("keys/placeholder_component.pub")),
        image_keys.load_image_key(_file("keys/placeholder_oci.pub")),
    )
    policy = Policy.of([keys[0]], [keys[1]], Level.DUAL_LAYER)
    with tempfile.TemporaryDirectory() as folder, EmbeddedRegistry(Path(folder, "registry")) as registry:
        _say(f"a registry for this demo listens on {registry.address}")
        repository = Repository.parse(f"{registry.address}/examples/secure-greeting")
        reference = Reference(repository, TAG, None)
        with Registries(os.environ, [registry.address]) as registries:
            client = registries.client(repository)
            request = PublishRequest(_file("secure_greeting_image"), repository, [TAG], policy)
            planned = plan(request)
            publish(request, planned, client, Progress(lambda line: print(f"    {line}")))
            _say(f"published {reference}@{planned.digest}")

            verified = verify(RegistrySource(reference, client), policy)
            _say(f"verified from the registry: {verified.level.value}, {verified.subject.digest}")

            component = Path(folder, "greeting.wasm")
            pull(read_image(RegistrySource(reference, client)), policy, component)
            _say(
                f"pulled the component, {component.stat().st_size} bytes; it says: "
                f"{greet(component.read_bytes(), 'WebAssembly')!r}"
            )
    _say("the security levels that a verifier observes:")
    observer = Policy.of([keys[0]], [keys[1]], Level.NONE)
    for name in IMAGES:
        level = verify(Layout(_file(f"{name}_greeting_image")), observer).level
        print(f"    {name + '_greeting_image':34}{level.value}")


def _file(name: str) -> Path:
    runfiles = Runfiles.Create()
    path = runfiles.Rlocation(f"{HERE}/{name}") if runfiles else None
    if path is None:
        raise FileNotFoundError(f"{name} is not among the runfiles; start the demo by `bazel run`")
    return Path(path)


def _say(line: str) -> None:
    print(f"==> {line}")


if __name__ == "__main__":
    main()
