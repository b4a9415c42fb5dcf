"""Signed layouts to publish, and registries to publish them to."""

from pathlib import Path

from image_fixtures import SIGNED_HELLO, SIGNER
from wasm_fixtures import KEY
from wasmoci.keys.image import ImageSigner
from wasmoci.layout import Layout
from wasmoci.package import PackageRequest, package
from wasmoci.publish import PublishRequest
from wasmoci.reference import Repository
from wasmoci.registry.client import RepositoryClient
from wasmoci.sign_image import SignRequest, sign_image
from wasmoci.verify import Policy

PATH = "acme/hello"
DUAL = Policy.of([KEY], [SIGNER.public_key])


def unsigned_layout(folder: Path) -> Path:
    """A layout whose component is signed and whose manifest is not."""
    component, layout = folder / "hello.wasm", folder / "unsigned"
    component.write_bytes(SIGNED_HELLO)
    package(PackageRequest(component, layout, "hello.wasm", "v1"))
    return layout


def dual_layout(folder: Path, signer: ImageSigner = SIGNER, name: str = "dual") -> Path:
    """A layout that is signed on both layers, in both formats."""
    unsigned = folder / "unsigned"
    source = unsigned if unsigned.exists() else unsigned_layout(folder)
    sign_image(SignRequest(source, folder / name, f"localhost:5000/{PATH}"), signer)
    return folder / name


def request_for(layout: Path, address: str, *, tags: tuple[str, ...] = ("v1", "latest")) -> PublishRequest:
    return PublishRequest(layout, Repository(address, PATH), tags, DUAL)


def client_for(address: str) -> RepositoryClient:
    return RepositoryClient(Repository(address, PATH), {}, [address])


def subject_of(layout: Path) -> str:
    return str(Layout(layout).subject().digest)
