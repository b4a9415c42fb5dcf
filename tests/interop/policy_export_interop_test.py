"""skopeo and policy-controller judge real images by exported policies as we do by the policies themselves."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import pytest

from image_fixtures import attach_legacy, legacy_layer, make_image, write_layout
from images import KeyPair, push, signed_component, unsigned_layout
from key_fixtures import open_image_signer
from log_entry_fixtures import legacy_entry
from peers import registry
from policy_judges import Judge, judged, policy_controller, skopeo
from sigstore_fixtures import Sigstore
from wasmoci.cosign import simple_signing
from wasmoci.cosign.simple_signing import LOG_ANNOTATION, parse_signature
from wasmoci.disk.files import write_atomically
from wasmoci.oci.manifest import Descriptor
from wasmoci.policy.export import containers, controller
from wasmoci.policy.export.parts import Exported
from wasmoci.policy.file import PolicyFile
from wasmoci.sign.image import SignRequest, sign_image
from wasmoci.values.signature_format import SignatureFormat
from wasmoci.values.strict_json import dump

NAMES = ("first", "second", "third")
LEGACY = (SignatureFormat.LEGACY,)
SIGNERS = "".join(f"  {name}: {{imageKey: {name}.pub}}\n" for name in NAMES)
RULES = (
    "{anyOf: [first, second]}",
    "{allOf: [first, second]}",
    "{anyOf: [first, second, third], minimum: 2}",
    "{allOf: [third], anyOf: [first, second]}",
)

TARGETS: Mapping[str, tuple[Judge, Callable[[PolicyFile], Exported]]] = {
    "containers": (skopeo, containers.export),
    "controller": (policy_controller, controller.export),
}


@dataclass
class Images:
    """A registry with an image for each set of signers, beside the keys."""

    address: str
    folder: Path
    references: Mapping[tuple[str, ...], str]

    def judged(self, image: str, policy: str) -> bool:
        """Our verdict."""
        write_atomically(self.folder / "policy.yaml", policy.encode())
        return judged(self.folder / "policy.yaml", image)


@pytest.fixture(name="images", scope="module")
def _images(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Images]:
    folder = tmp_path_factory.mktemp("images")
    pairs = {name: KeyPair.make(folder, name) for name in NAMES}
    unsigned = unsigned_layout(folder)
    with registry("docker-registry", folder) as address:
        references = {}
        for count in range(len(NAMES) + 1):
            for names in combinations(NAMES, count):
                repository = f"{address}/acme/{'-'.join(('by', *names))}"
                layout = unsigned
                if names:
                    layout = folder / "-".join(names)
                    signers = [open_image_signer(pairs[name].private) for name in names]
                    sign_image(SignRequest(unsigned, layout, repository, LEGACY), *signers)
                references[names] = push(layout, repository)
        yield Images(address, folder, references)


@contextmanager
def exported(target: str, policy: str, images: Images, folder: Path) -> Iterator[Judge]:
    judge, export = TARGETS[target]
    write_atomically(images.folder / "policy.yaml", policy.encode())
    found = export(PolicyFile.read(images.folder / "policy.yaml"))
    assert found.losses.wider == []
    for name, text in found.files.items():
        path = folder / "exported" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    yield judge


def policy_of(images: Images, rule: str, more: str = "") -> str:
    head = f"apiVersion: wasm-oci/v1\nsigners:\n{SIGNERS}rules:\n"
    return f'{head}- match: "{images.address}/**"\n  image: {rule}\n{more}'


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("rule", RULES)
def test_the_verdict_is_the_same(target: str, rule: str, images: Images, tmp_path: Path) -> None:
    policy = policy_of(images, rule)
    verdicts = {}
    with exported(target, policy, images, tmp_path) as judge:
        for names, image in images.references.items():
            verdicts[names] = images.judged(image, policy)
            assert judge(tmp_path, image) == verdicts[names], (names, image)
    assert set(verdicts.values()) == {True, False}


@pytest.mark.parametrize("target", TARGETS)
def test_what_no_rule_matches_is_refused(target: str, images: Images, tmp_path: Path) -> None:
    policy = policy_of(images, RULES[0]).replace(f"{images.address}/**", "registry.example.com/**")
    image = images.references[("first",)]
    assert not images.judged(image, policy)
    with exported(target, policy, images, tmp_path) as judge:
        assert not judge(tmp_path, image)


@pytest.mark.parametrize("tag", ["", ":v1.0.0"])
@pytest.mark.parametrize(
    ("pattern", "accepted"),
    [
        ("acme/by-first", True),
        ("acme/*", True),
        ("acme/by-*", True),
        ("*/by-first", True),
        ("acme/by", False),
        ("*", False),
    ],
)
def test_globs_of_the_controller(pattern: str, accepted: bool, tag: str, images: Images, tmp_path: Path) -> None:
    policy = policy_of(images, RULES[0]).replace("/**", f"/{pattern}")
    image = images.references[("first",)]
    if tag:
        image = image.partition("@")[0] + tag
    assert images.judged(image, policy) == accepted
    with exported("controller", policy, images, tmp_path) as judge:
        assert judge(tmp_path, image) == accepted


def test_what_cannot_be_asked_is_refused(images: Images, tmp_path: Path) -> None:
    signer = '  ci: {issuer: "https://issuer.example.com", identity: "https://ci.example.com/a"}\n'
    policy = policy_of(images, "{allOf: [ci]}").replace(SIGNERS, SIGNERS + signer)
    with exported("containers", policy, images, tmp_path) as judge:
        assert not judge(tmp_path, images.references[NAMES])


def test_skopeo_refuses_what_is_signed_for_another_repository(images: Images, tmp_path: Path) -> None:
    policy = policy_of(images, RULES[0], "  signedName: required\n")
    other = push(images.folder / "first", f"{images.address}/acme/other")
    with exported("containers", policy, images, tmp_path) as judge:
        for image, accepted in ((images.references[("first",)], True), (other, False)):
            assert images.judged(image, policy) == accepted
            assert judge(tmp_path, image) == accepted


@pytest.mark.parametrize("target", TARGETS)
def test_a_log_entry_is_demanded(target: str, images: Images, tmp_path: Path) -> None:
    repository = f"{images.address}/acme/logged-for-{target}"
    signer = open_image_signer(images.folder / "first.key")
    sigstore = Sigstore()
    (tmp_path / "root.json").write_bytes(dump(sigstore.trusted_root()))
    image = make_image(signed_component())
    layer = legacy_layer(image, signer, simple_signing.payload(image.image.digest, repository))
    signature = parse_signature(layer).signature
    entry = legacy_entry(sigstore.rekor1, image.blobs[layer.digest], signature, signer.public_key)
    annotations = {**layer.annotations, LOG_ANNOTATION: dump(entry).decode()}
    attach_legacy(image, [Descriptor(layer.media_type, layer.digest, layer.size, annotations)])
    logged = push(write_layout(image, tmp_path / "logged"), repository)
    policy = f'trustedRoot: "{tmp_path / "root.json"}"\n' + policy_of(images, RULES[0], "  log: required\n")
    with exported(target, policy, images, tmp_path) as judge:
        for reference, accepted in ((images.references[("first",)], False), (logged, True)):
            assert images.judged(reference, policy) == accepted
            assert judge(tmp_path, reference) == accepted
