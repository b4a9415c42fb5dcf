"""Images for the interop tests, made by our own operations from the greeting component."""

import json
from dataclasses import dataclass
from pathlib import Path

from key_fixtures import open_image_signer
from peers import built, run
from registry_fixtures import OwnClient
from wasmoci.cosign import bundle as cosign_bundle
from wasmoci.disk.layout import Layout
from wasmoci.keys.algorithms import DEFAULT
from wasmoci.keys.component_files import load_component_key
from wasmoci.keys.image import ImagePublicKey, load_image_key
from wasmoci.oci.manifest import MANIFEST_MEDIA_TYPE, Descriptor, Manifest
from wasmoci.oci.progress import SILENT
from wasmoci.package.image import PackageRequest, package
from wasmoci.publish.plan import PublishRequest, plan, publish
from wasmoci.sign.image import SignRequest, sign_image
from wasmoci.sign.keygen import make_image_pair
from wasmoci.values.digest import Digest
from wasmoci.values.image_reference import Repository
from wasmoci.values.level import Level
from wasmoci.values.signature_format import SignatureFormat
from wasmoci.verify.policy import Policy

BOTH = (SignatureFormat.BUNDLE, SignatureFormat.LEGACY)


@dataclass(frozen=True)
class KeyPair:
    """An OCI key pair in files."""

    private: Path
    public: Path

    @classmethod
    def make(cls, folder: Path, name: str, kind: str = DEFAULT) -> "KeyPair":
        pair = cls(folder / f"{name}.key", folder / f"{name}.pub")
        make_image_pair(pair.private, pair.public, kind=kind)
        return pair

    @classmethod
    def make_by_cosign(cls, folder: Path) -> "KeyPair":
        """A pair whose private half cosign encrypted with the password `marked-password`."""
        run("cosign", "generate-key-pair", folder=folder, environment={"COSIGN_PASSWORD": "marked-password"})
        return cls(folder / "cosign.key", folder / "cosign.pub")

    def trusted(self) -> ImagePublicKey:
        return load_image_key(self.public)


def signed_component() -> bytes:
    """The signed component that the example's image holds."""
    layout = Layout(built("secure_greeting_image"))
    layer = Manifest.parse(layout.read_manifest(layout.subject())).layers[0]
    return layout.read_blob(layer, limit=layer.size)


def unsigned_layout(folder: Path, more: bytes = b"") -> Path:
    """The greeting component, signed, with `more` after it, in a layout whose manifest is not signed."""
    layout = folder / "unsigned"
    component = folder / "greeting.wasm"
    component.write_bytes(signed_component() + more)
    package(PackageRequest(component, layout, "greeting.wasm", "v1.0.0"))
    return layout


def signed_layout(
    folder: Path, pair: KeyPair, repository: str, formats: tuple[SignatureFormat, ...] = BOTH, more: bytes = b""
) -> Path:
    """The same with an OCI signature in these formats."""
    unsigned, layout = unsigned_layout(folder, more), folder / "signed"
    sign_image(SignRequest(unsigned, layout, repository, formats), open_image_signer(pair.private))
    return layout


def attach_bundle(layout: Path, blob: bytes) -> None:
    """Attach these bytes as a bundle to the layout's image, whatever they are."""
    manifest = cosign_bundle.referrer(blob, Layout(layout).subject()).to_bytes()
    index = json.loads((layout / "index.json").read_bytes())
    index["manifests"].append(Descriptor.of(MANIFEST_MEDIA_TYPE, manifest).to_json())
    (layout / "index.json").write_text(json.dumps(index))
    for data in (b"{}", blob, manifest):
        (layout / "blobs/sha256" / Digest.of(data).hex).write_bytes(data)


def push(layout: Path, repository: str, trusted: ImagePublicKey | None = None) -> str:
    """Publish a layout under `v1.0.0` in a plain-HTTP registry; returns `repository@digest`."""
    parsed = Repository.parse(repository)
    component_key = load_component_key(built("keys/placeholder_component.pub"))
    keys = [] if trusted is None else [trusted]
    required = Level.of(component=True, image=trusted is not None)
    request = PublishRequest(layout, parsed, ["v1.0.0"], Policy.of([component_key], keys, required))
    planned = plan(request)
    with OwnClient(parsed, {}, [parsed.registry]) as client:
        publish(request, planned, client, SILENT)
    return f"{repository}@{planned.digest}"
