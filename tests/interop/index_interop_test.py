"""An index of ours and real clients: cosign verifies it and every image of it, and signs ones that we verify."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from images import BOTH, KeyPair, push, signed_component
from key_fixtures import open_image_signer
from peers import REGISTRIES, built, registry, run, run_refused
from registry_fixtures import OwnClient
from wasmoci.cosign.bundle import BUNDLE_MEDIA_TYPE
from wasmoci.disk.layout import IMAGE_KIND, INDEX_KIND, Layout
from wasmoci.keys.component_files import load_component_key
from wasmoci.keys.image import ImagePublicKey
from wasmoci.oci.graph import read_graph
from wasmoci.oci.manifest import INDEX_MEDIA_TYPE
from wasmoci.oci.platform import Platform
from wasmoci.package.image import PackageRequest, package
from wasmoci.package.index import IndexRequest, Variant, make_index
from wasmoci.registry.source import RegistrySource
from wasmoci.sign.image import SignRequest, sign_image
from wasmoci.values.errors import Reason, VerificationError
from wasmoci.values.image_reference import Reference
from wasmoci.values.level import Level
from wasmoci.values.signature_format import SignatureFormat
from wasmoci.verify.index import VerifiedIndex, verify_root
from wasmoci.verify.policy import Policy
from wasmoci.verify.signatures import ImageSignature

VERIFY = ("cosign", "verify", "--insecure-ignore-tlog")
LEGACY = "--new-bundle-format=false"
PASSWORD = {"COSIGN_PASSWORD": "marked-password"}
WASI = Platform("wasm", "wasip2")


def unsigned_index(folder: Path) -> Path:
    """An index of two variants of the greeting, whose component is signed and whose manifests are not."""
    (folder / "greeting.wasm").write_bytes(signed_component())
    variants = []
    for name in ("release", "debug"):
        annotations = {"org.example.variant": name}
        package(PackageRequest(folder / "greeting.wasm", folder / name, "greeting.wasm", annotations=annotations))
        variants.append(Variant(folder / name, annotations, WASI))
    make_index(IndexRequest(variants, folder / "index", {"org.example.name": "greeting"}, "v1.0.0"))
    return folder / "index"


def signed_index(folder: Path, pair: KeyPair, repository: str, formats: tuple[SignatureFormat, ...] = BOTH) -> Path:
    request = SignRequest(unsigned_index(folder), folder / "signed", repository, formats, recursive=True)
    sign_image(request, open_image_signer(pair.private))
    return request.output


def verify_command(pair: KeyPair, form: SignatureFormat) -> list[str]:
    command = [*VERIFY, "--key", str(pair.public)]
    return command if form is SignatureFormat.BUNDLE else [*command, LEGACY]


def verified(reference: str, trusted: ImagePublicKey) -> VerifiedIndex:
    parsed = Reference.parse(reference)
    component_key = load_component_key(built("keys/placeholder_component.pub"))
    with OwnClient(parsed.repository, {}, [parsed.repository.registry]) as client:
        found = verify_root(RegistrySource(parsed, client), Policy.of([component_key], [trusted], Level.DUAL_LAYER))
    assert isinstance(found, VerifiedIndex)
    return found


def signatures(found: VerifiedIndex) -> list[tuple[ImageSignature, ...]]:
    """Those of the index, then those of each entry."""
    return [found.image_signatures, *(one.image_signatures for one in found.entries)]


@contextmanager
def published(
    kind: str, folder: Path, pair: KeyPair, formats: tuple[SignatureFormat, ...] = BOTH
) -> Iterator[tuple[str, Path]]:
    """A registry with a signed index: its `repository@digest`, and the layout that it was published from."""
    with registry(kind, folder) as address:
        repository = f"{address}/acme/greeting"
        layout = signed_index(folder, pair, repository, formats)
        yield push(layout, repository, pair.trusted()), layout


@pytest.mark.parametrize("form", BOTH)
@pytest.mark.parametrize("kind", REGISTRIES)
def test_cosign_verifies_the_index_and_each_of_its_images(kind: str, form: SignatureFormat, tmp_path: Path) -> None:
    pair, other = KeyPair.make(tmp_path, "key"), KeyPair.make(tmp_path, "other")
    with published(kind, tmp_path, pair, (form,)) as (index, layout):
        repository = index.partition("@")[0]
        run(*verify_command(pair, form), "--allow-http-registry", f"{repository}:v1.0.0", folder=tmp_path)
        for subject in read_graph(Layout(layout)).subjects:
            image = f"{repository}@{subject.digest}"
            result = run(*verify_command(pair, form), "--allow-http-registry", image, folder=tmp_path)
            assert str(subject.digest) in result.stdout
            run_refused(*verify_command(other, form), "--allow-http-registry", image, folder=tmp_path)


@pytest.mark.parametrize("kind", REGISTRIES)
def test_we_verify_what_we_published(kind: str, tmp_path: Path) -> None:
    pair = KeyPair.make(tmp_path, "key")
    with published(kind, tmp_path, pair) as (index, _):
        found = verified(index, pair.trusted())
        assert str(found.subject.digest) == index.rpartition("@")[2]
        assert [one.subject.platform for one in found.entries] == [WASI, WASI]
        assert [len(one) for one in signatures(found)] == [2, 2, 2]
        with pytest.raises(VerificationError) as refused:
            verified(index, KeyPair.make(tmp_path, "other").trusted())
    assert refused.value.reason is Reason.UNTRUSTED_KEY


@pytest.mark.parametrize("form", BOTH)
@pytest.mark.parametrize("kind", REGISTRIES)
def test_we_verify_an_index_that_cosign_signed_recursively(kind: str, form: SignatureFormat, tmp_path: Path) -> None:
    pair = KeyPair.make_by_cosign(tmp_path)
    flags = ["--tlog-upload=false", "--use-signing-config=false", "--allow-http-registry", "-y"]
    if form is SignatureFormat.LEGACY:
        flags.append(LEGACY)
    sign = ("cosign", "sign", "--key", str(pair.private), *flags)
    with registry(kind, tmp_path) as address:
        index = push(unsigned_index(tmp_path), f"{address}/acme/greeting")
        run(*sign, index, folder=tmp_path, environment=PASSWORD)
        with pytest.raises(VerificationError, match=r"^entry sha256:.*: OCI layer: the image has no signature"):
            verified(index, pair.trusted())
        run(*sign, "--recursive", index, folder=tmp_path, environment=PASSWORD)
        found = verified(index, pair.trusted())
    assert found.level is Level.DUAL_LAYER
    assert {signature.format for one in signatures(found) for signature in one} == {form}


@pytest.mark.parametrize(
    ("kind", "formats", "verifies"),
    [
        pytest.param(IMAGE_KIND, BOTH, True, id="image_both"),
        pytest.param(IMAGE_KIND, (SignatureFormat.BUNDLE,), True, id="image_bundle"),
        pytest.param(IMAGE_KIND, (SignatureFormat.LEGACY,), False, id="image_legacy"),
        pytest.param(INDEX_KIND, BOTH, True, id="index_both"),
        pytest.param(INDEX_KIND, (SignatureFormat.BUNDLE,), False, id="index_bundle"),
        pytest.param(INDEX_KIND, (SignatureFormat.LEGACY,), True, id="index_legacy"),
    ],
)
def test_with_which_mark_cosign_verifies_an_index_in_a_layout(
    kind: str, formats: tuple[SignatureFormat, ...], verifies: bool, tmp_path: Path
) -> None:
    """docs/formats.md says so. We write the mark with which cosign finds what is there."""
    pair = KeyPair.make(tmp_path, "key")
    layout = signed_index(tmp_path, pair, "localhost:5000/acme/greeting", formats)
    ours, index = Layout(layout).root().annotations["kind"], layout / "index.json"
    assert verifies or kind != ours
    index.write_text(index.read_text().replace(f'"{ours}"', f'"{kind}"'))
    command = (*VERIFY, "--key", str(pair.public), "--local-image", str(layout))
    (run if verifies else run_refused)(*command, folder=tmp_path)


def test_cosign_verifies_the_index_in_a_layout(tmp_path: Path) -> None:
    pair, other = KeyPair.make(tmp_path, "key"), KeyPair.make(tmp_path, "other")
    layout = signed_index(tmp_path, pair, "localhost:5000/acme/greeting")
    run(*VERIFY, "--key", pair.public, "--local-image", layout, folder=tmp_path)
    run_refused(*VERIFY, "--key", other.public, "--local-image", layout, folder=tmp_path)
    run_refused(*VERIFY, "--key", pair.public, "--local-image", tmp_path / "index", folder=tmp_path)


@pytest.mark.parametrize("kind", REGISTRIES)
def test_clients_read_the_index(kind: str, tmp_path: Path) -> None:
    pair = KeyPair.make(tmp_path, "key")
    with published(kind, tmp_path, pair) as (index, layout):
        tag = f"{index.partition('@')[0]}:v1.0.0"
        source = Layout(layout)
        data = source.read_manifest(source.root()).decode()
        assert run("crane", "manifest", "--insecure", tag, folder=tmp_path).stdout.strip() == data
        assert run("oras", "manifest", "fetch", "--plain-http", tag, folder=tmp_path).stdout.strip() == data
        remote = f"docker://{tag}"
        assert run("skopeo", "inspect", "--raw", "--tls-verify=false", remote, folder=tmp_path).stdout.strip() == data
        by_platform = run(
            *("oras", "manifest", "fetch", "--plain-http", "--descriptor", "--platform", "wasip2/wasm", tag),
            folder=tmp_path,
        )
        assert json.loads(by_platform.stdout)["digest"] == str(read_graph(source).entries[0].digest)


@pytest.mark.parametrize("kind", REGISTRIES)
def test_oras_and_crane_and_skopeo_copy_the_index(kind: str, tmp_path: Path) -> None:
    pair = KeyPair.make(tmp_path, "key")
    with published(kind, tmp_path, pair) as (index, _):
        address = index.partition("/")[0]
        copies = {
            "oras": ("oras", "cp", "-r", "--from-plain-http", "--to-plain-http"),
            "crane": ("crane", "copy", "--insecure"),
        }
        for name, command in copies.items():
            copy = f"{address}/{name}/greeting:v1"
            run(*command, index, copy, folder=tmp_path)
            digest = run("crane", "digest", "--insecure", copy, folder=tmp_path).stdout.strip()
            assert index.endswith(f"@{digest}")
        assert verified(f"{address}/oras/greeting:v1", pair.trusted()).level is Level.DUAL_LAYER
        copied = ("--src-tls-verify=false", f"docker://{index}", "oci:by-skopeo:v1")
        run("skopeo", "--insecure-policy", "copy", "--all", *copied, folder=tmp_path)
    assert Layout(tmp_path / "by-skopeo").root().digest == Layout(tmp_path / "signed").root().digest


@pytest.mark.parametrize("kind", REGISTRIES)
def test_oras_and_skopeo_read_the_layout_of_an_index(kind: str, tmp_path: Path) -> None:
    pair = KeyPair.make(tmp_path, "key")
    layout = signed_index(tmp_path, pair, "localhost:5000/acme/greeting")
    root = Layout(layout).root()
    found = run("oras", "discover", "--oci-layout", "--format", "json", f"{layout}@{root.digest}", folder=tmp_path)
    assert [one["artifactType"] for one in json.loads(found.stdout)["referrers"]] == [BUNDLE_MEDIA_TYPE]
    manifest = run("skopeo", "inspect", "--raw", f"oci:{layout}:v1.0.0", folder=tmp_path).stdout
    assert json.loads(manifest)["mediaType"] == INDEX_MEDIA_TYPE
    with registry(kind, tmp_path) as address:
        target = f"{address}/acme/copied:v1"
        command = ("oras", "cp", "-r", "--from-oci-layout", "--to-plain-http")
        run(*command, f"{layout}:v1.0.0", target, folder=tmp_path)
        found_again = verified(target, pair.trusted())
    assert [len(one) for one in signatures(found_again)] == [1, 1, 1]
