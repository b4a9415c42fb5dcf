"""Images that we copy, between registries as they are in use: cosign, oras and skopeo find all that belongs to them.

And images that cosign and oras copied, which we verify.
"""

import base64
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from copy_fixtures import attach, attach_index, put_index
from images import BOTH, KeyPair, signed_component, unsigned_layout
from key_fixtures import open_image_signer
from peers import built, run, run_refused
from registries import PASSWORD as LOGIN
from registries import USER, Registry, secured
from wasmoci.commands.main import main
from wasmoci.disk.layout import Layout
from wasmoci.oci.graph import ImageGraph, read_graph
from wasmoci.package.image import PackageRequest, package
from wasmoci.package.index import IndexRequest, Variant, make_index
from wasmoci.registry.source import RegistrySource
from wasmoci.sign.attest import AttestRequest, attest
from wasmoci.sign.image import SignRequest, sign_image
from wasmoci.values.image_reference import Reference
from wasmoci.values.signature_format import SignatureFormat

# Each kind of registry is once where an image comes from, and once where it goes.
WAYS = [("docker-registry", "referrers-registry"), ("referrers-registry", "embedded"), ("embedded", "docker-registry")]

LEGACY = "--new-bundle-format=false"
PASSWORD = {"COSIGN_PASSWORD": "marked-password"}
SBOM = b'{"bomFormat": "CycloneDX", "specVersion": "1.6", "version": 1, "components": []}'

Copy = Callable[..., dict[str, Any]]


@dataclass(frozen=True)
class Way:
    """Two registries, and an environment in which clients reach both."""

    source: Registry
    target: Registry
    folder: Path

    @property
    def image(self) -> str:
        return f"{self.source.address}/acme/greeting"

    @property
    def copy(self) -> str:
        return f"{self.target.address}/mirror/greeting"

    @property
    def environment(self) -> dict[str, str]:
        return self.source.environment

    def run(self, *command: str | Path, flags: Registry | None = None) -> str:
        """Run a peer with what it needs to reach a registry, the target if no other is named."""
        reach = (flags or self.target).flags(str(command[0]))
        return run(*command, *reach, folder=self.folder, environment=self.environment | PASSWORD).stdout

    def refused(self, *command: str | Path) -> None:
        reach = self.target.flags(str(command[0]))
        run_refused(*command, *reach, folder=self.folder, environment=self.environment)

    def contents(self, registry: Registry, image: str) -> ImageGraph:
        reference = Reference.parse(image)
        with registry.client(reference.repository.path) as client:
            return read_graph(RegistrySource(reference, client)).whole()


def way_between(source: Registry, target: Registry, folder: Path) -> Way:
    """With the passwords and certificates of both in one environment."""
    authorities = [one.ca for one in (source, target) if one.ca is not None]
    (folder / "ca.pem").write_bytes(b"".join(one.read_bytes() for one in authorities))
    auth = base64.b64encode(f"{USER}:{LOGIN}".encode()).decode()
    (folder / "config.json").write_text(
        json.dumps({"auths": {one.address: {"auth": auth} for one in (source, target)}})
    )
    environment = {"DOCKER_CONFIG": str(folder), "SSL_CERT_FILE": str(folder / "ca.pem")}
    both = [
        replace(one, environment=environment, ca=None if one.ca is None else folder / "ca.pem")
        for one in (source, target)
    ]
    return Way(both[0], both[1], folder)


@pytest.fixture(name="way", params=WAYS, ids="-to-".join)
def _way(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Way]:
    source, target = request.param
    with secured(source, tmp_path) as first, secured(target, tmp_path) as second:
        yield way_between(first, second, tmp_path)


@pytest.fixture(name="copy")
def _copy(way: Way, monkeypatch: pytest.MonkeyPatch) -> Copy:
    """Runs `wasm-oci copy` as a user does; gives its report."""
    for name, value in way.environment.items():
        monkeypatch.setenv(name, value)
    insecure = [*way.source.insecure, *way.target.insecure]
    reach = [word for one in insecure for word in ("--insecure-registry", one)]

    def copy(*arguments: str | Path) -> dict[str, Any]:
        result = CliRunner().invoke(main, ["copy", *map(str, arguments), *reach, "--json"])
        assert result.exit_code == 0, result.output + result.stderr + repr(result.exception)
        report: dict[str, Any] = json.loads(result.stdout)
        return report

    return copy


def trust(pair: KeyPair) -> list[str]:
    return ["--component-key", str(built("keys/placeholder_component.pub")), "--oci-key", str(pair.public)]


def signed_and_attested(folder: Path, pair: KeyPair, repository: str) -> Path:
    """The greeting with signatures in both formats and an SBOM in a bundle."""
    signer = open_image_signer(pair.private)
    attested, signed = folder / "attested", folder / "signed"
    attest(AttestRequest(unsigned_layout(folder), attested, "cyclonedx", SBOM), signer)
    sign_image(SignRequest(attested, signed, repository, BOTH), signer)
    return signed


def verify(pair: KeyPair, form: SignatureFormat, kind: str = "verify") -> list[str]:
    command = ["cosign", kind, "--insecure-ignore-tlog", "--key", str(pair.public)]
    return command if form is SignatureFormat.BUNDLE else [*command, LEGACY]


def discovered(way: Way, registry: Registry, image: str) -> set[str]:
    found = way.run("oras", "discover", "--format", "json", image, flags=registry)
    return {one["digest"] for one in json.loads(found)["referrers"]}


def everything(contents: ImageGraph) -> set[str]:
    """The digests of all manifests."""
    own = {str(contents.descriptor.digest), *(str(one.descriptor.digest) for one in contents.tagged)}
    return own.union(*map(everything, (*contents.entries, *contents.referrers)))


def test_what_we_signed_and_copied(way: Way, copy: Copy, tmp_path: Path) -> None:
    pair, other = KeyPair.make(tmp_path, "key"), KeyPair.make(tmp_path, "other")
    layout = signed_and_attested(tmp_path, pair, way.image)
    copy(layout, f"{way.image}:v1", *trust(pair))
    report = copy(f"{way.image}:v1", f"{way.copy}:v1", *trust(pair))
    digest = str(Layout(layout).subject().digest)
    assert (report["image"], report["level"]) == (digest, "dual-layer")
    image = f"{way.copy}@{digest}"
    for form in BOTH:
        for name in (image, f"{way.copy}:v1"):
            way.run(*verify(pair, form), name)
        way.refused(*verify(other, form), image)
    way.run(*verify(pair, SignatureFormat.BUNDLE, "verify-attestation"), "--type", "cyclonedx", image)
    bundles = {str(one.digest) for one in Layout(layout).referrers(Layout(layout).subject().digest).descriptors}
    assert discovered(way, way.target, image) == bundles
    way.run("oras", "pull", image, "--output", "pulled")
    assert (tmp_path / "pulled/greeting.wasm").read_bytes() == signed_component()
    again = copy(f"{way.image}:v1", f"{way.copy}:v1", *trust(pair))
    assert [one["sent"] for one in again["repositories"]] == [0]


@pytest.mark.parametrize("form", BOTH)
def test_what_cosign_signed_and_attested(form: SignatureFormat, way: Way, copy: Copy, tmp_path: Path) -> None:
    pair = KeyPair.make_by_cosign(tmp_path)
    source = copy(unsigned_layout(tmp_path), f"{way.image}:v1")
    image = f"{way.image}@{source['image']}"
    offline = ["--key", str(pair.private), "--tlog-upload=false", "--use-signing-config=false", "-y"]
    legacy = [LEGACY] if form is SignatureFormat.LEGACY else []
    (tmp_path / "sbom.json").write_bytes(SBOM)
    way.run("cosign", "sign", *offline, *legacy, image, flags=way.source)
    predicate = ["--type", "cyclonedx", "--predicate", "sbom.json"]
    way.run("cosign", "attest", *offline, *legacy, *predicate, image, flags=way.source)
    report = copy(f"{way.image}:v1", f"{way.copy}:v1", *trust(pair))
    assert report["level"] == "dual-layer"
    copied = f"{way.copy}@{report['image']}"
    way.run(*verify(pair, form), copied)
    way.run(*verify(pair, form, "verify-attestation"), "--type", "cyclonedx", copied)
    original = way.contents(way.source, image)
    assert everything(way.contents(way.target, copied)) == everything(original)
    assert len(everything(original)) == 3


def test_an_sbom_that_cosign_attached(way: Way, copy: Copy, tmp_path: Path) -> None:
    source = copy(unsigned_layout(tmp_path), f"{way.image}:v1")
    image = f"{way.image}@{source['image']}"
    (tmp_path / "sbom.json").write_bytes(SBOM)
    way.run("cosign", "attach", "sbom", "--sbom", "sbom.json", "--type", "cyclonedx", image, flags=way.source)
    copy(image, f"{way.copy}:v1")
    assert way.run("cosign", "download", "sbom", f"{way.copy}:v1").strip().encode() == SBOM


def test_what_oras_attached_to_what_is_attached(way: Way, copy: Copy, tmp_path: Path) -> None:
    pair = KeyPair.make(tmp_path, "key")
    layout = signed_and_attested(tmp_path, pair, way.image)
    copy(layout, f"{way.image}:v1", *trust(pair))
    (tmp_path / "note.txt").write_text("a note")
    attached = ["oras", "attach", "--artifact-type", "application/vnd.example.note", "--format", "json"]
    image = f"{way.image}:v1"
    for _ in range(2):
        found = way.run(*attached, image, "note.txt:text/plain", flags=way.source)
        image = f"{way.image}@{json.loads(found)['digest']}"
    copy(f"{way.image}:v1", f"{way.copy}:v1", *trust(pair))
    parent = json.loads(way.run("oras", "manifest", "fetch", image, flags=way.source))["subject"]["digest"]
    assert discovered(way, way.target, f"{way.copy}:v1") == discovered(way, way.source, f"{way.image}:v1")
    assert discovered(way, way.target, f"{way.copy}@{parent}") == {image.partition("@")[2]}


def test_an_index_that_is_attached_goes_along_as_oras_copies_it(way: Way, copy: Copy, tmp_path: Path) -> None:
    image, by_oras = f"{way.image}:v1", f"{way.copy}-by-oras:v1"
    copy(unsigned_layout(tmp_path), image)
    with way.source.client(Reference.parse(image).repository.path) as client:
        root, _ = client.resolve("v1")
        _, inner = attach_index(client, root, b"in an index")
        attached, _ = attach_index(client, root, b"in another", inner=[*inner, put_index(client, inner)])
        attach(client, attached, b"attached to an index")
        attach(client, inner[0], b"attached to what is in an index")
    copy(image, f"{way.copy}:v1")
    names = [image, by_oras]
    run("oras", "cp", "-r", *_from(way.source), *_to(way.target), *names, folder=tmp_path, environment=way.environment)
    copied = everything(way.contents(way.target, f"{way.copy}:v1"))
    assert copied == everything(way.contents(way.target, by_oras))
    assert len(copied) == 7


def test_an_index_with_all_its_images(way: Way, copy: Copy, tmp_path: Path) -> None:
    pair = KeyPair.make(tmp_path, "key")
    layout = signed_index(tmp_path, pair, way.image)
    copy(layout, f"{way.image}:v1", "--recursive", *trust(pair))
    report = copy(f"{way.image}:v1", f"{way.copy}:v1", "-r", *trust(pair))
    assert [one["level"] for one in (report, *report["entries"])] == ["dual-layer"] * 3
    for subject in read_graph(Layout(layout)).subjects:
        for form in BOTH:
            way.run(*verify(pair, form), f"{way.copy}@{subject.digest}")
    found = way.run("crane", "digest", f"{way.copy}:v1").strip()
    assert found == report["image"] == str(Layout(layout).root().digest)


def test_a_layout_that_we_copied(way: Way, copy: Copy, tmp_path: Path) -> None:
    pair = KeyPair.make(tmp_path, "key")
    layout, copied = signed_and_attested(tmp_path, pair, way.image), tmp_path / "copied"
    copy(layout, f"{way.image}:v1", *trust(pair))
    copy(f"{way.image}:v1", "--output", copied, *trust(pair))
    for form in BOTH:
        run(*verify(pair, form), "--local-image", copied, folder=tmp_path)
    found = run("oras", "discover", "--oci-layout", "--format", "json", f"{copied}:v1", folder=tmp_path)
    assert len(json.loads(found.stdout)["referrers"]) == 2
    run("skopeo", "inspect", "--raw", f"oci:{copied}:v1", folder=tmp_path)
    run(
        "oras",
        "cp",
        "-r",
        "--from-oci-layout",
        *_to(way.target),
        f"{copied}:v1",
        f"{way.copy}:v1",
        folder=tmp_path,
        environment=way.environment,
    )
    way.run(*verify(pair, SignatureFormat.BUNDLE), f"{way.copy}:v1")


def test_what_oras_copies_of_ours(way: Way, copy: Copy, tmp_path: Path) -> None:
    """It carries bundles, and no tags of cosign's."""
    pair = KeyPair.make(tmp_path, "key")
    copy(signed_and_attested(tmp_path, pair, way.image), f"{way.image}:v1", *trust(pair))
    names = [f"{way.image}:v1", f"{way.copy}:v1"]
    run("oras", "cp", "-r", *_from(way.source), *_to(way.target), *names, folder=tmp_path, environment=way.environment)
    way.run(*verify(pair, SignatureFormat.BUNDLE), f"{way.copy}:v1")
    report = copy(f"{way.copy}:v1", f"{way.copy}:again", *trust(pair))
    assert (report["level"], {one["format"] for one in report["ociSignatures"]}) == ("dual-layer", {"bundle"})


def test_what_cosign_copies_of_ours(way: Way, copy: Copy, tmp_path: Path) -> None:
    pair = KeyPair.make(tmp_path, "key")
    copy(signed_and_attested(tmp_path, pair, way.image), f"{way.image}:v1", *trust(pair))
    flags = dict.fromkeys((*way.source.flags("cosign"), *way.target.flags("cosign")))
    run("cosign", "copy", *flags, f"{way.image}:v1", f"{way.copy}:v1", folder=tmp_path, environment=way.environment)
    report = copy(f"{way.copy}:v1", f"{way.copy}:again", *trust(pair))
    assert report["level"] == "dual-layer"
    assert "legacy" in {one["format"] for one in report["ociSignatures"]}


def signed_index(folder: Path, pair: KeyPair, repository: str) -> Path:
    """Two variants of the greeting, all signed in both formats."""
    (folder / "greeting.wasm").write_bytes(signed_component())
    variants: list[Variant] = []
    for name in ("release", "debug"):
        annotations = {"org.example.variant": name}
        package(PackageRequest(folder / "greeting.wasm", folder / name, "greeting.wasm", annotations=annotations))
        variants.append(Variant(folder / name, annotations))
    make_index(IndexRequest(variants, folder / "index"))
    request = SignRequest(folder / "index", folder / "signed", repository, BOTH, recursive=True)
    sign_image(request, open_image_signer(pair.private))
    return request.output


def _from(registry: Registry) -> Sequence[str]:
    return ["--from-plain-http"] if registry.ca is None else [f"--from-ca-file={registry.ca}"]


def _to(registry: Registry) -> Sequence[str]:
    return ["--to-plain-http"] if registry.ca is None else [f"--to-ca-file={registry.ca}"]
