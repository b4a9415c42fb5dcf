"""policy-controller judges bundles of identities by exported policies as we do by the policies themselves.

It finds no log of a TrustRoot that is written as keys in a bundle (sigstore/policy-controller pull request 1968), so
that it refuses them all; so here it gets the trusted root from a TUF repository, whose log ids it leaves as they are.
"""

import io
import tarfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
from securesystemslib.signer import CryptoSigner  # type: ignore[attr-defined]
from tuf.api.metadata import (  # type: ignore[attr-defined]
    Metadata,
    MetaFile,
    Root,
    Snapshot,
    TargetFile,
    Targets,
    Timestamp,
)

from images import KeyPair, push, unsigned_layout
from key_fixtures import open_image_signer
from peers import registry
from policy_judges import judged, policy_controller
from sigstore_certificate_fixtures import ISSUER, Leaf
from sigstore_fixtures import Sigstore
from wasmoci.cosign.provenance import BuildTarget, Run
from wasmoci.policy.export import controller
from wasmoci.policy.export.trust_root import NAME
from wasmoci.policy.file import PolicyFile
from wasmoci.sign.attest import AttestRequest, attest
from wasmoci.sign.attested import image_provenance
from wasmoci.sign.image import SignRequest, sign_image
from wasmoci.values.base64_strict import encode
from wasmoci.values.signature_format import SignatureFormat
from wasmoci.values.strict_json import dump

BUNDLE, LEGACY = (SignatureFormat.BUNDLE,), (SignatureFormat.LEGACY,)
NAMES = ("ci", "cd", "first")
SANS = {"ci": "https://ci.example.com/acme/release@v1.0.0", "cd": "https://ci.example.com/deploy/release@v1.0.0"}
BUILDER = "https://ci.example.com/builder@v1"
HEAD = f"""\
apiVersion: wasm-oci/v1
trustedRoot: root.json
signers:
  ci: {{issuer: "{ISSUER}", identity: "https://ci.example.com/acme/*"}}
  cd: {{issuer: "{ISSUER}", identity: "{SANS["cd"]}"}}
  first: {{imageKey: first.pub}}
rules:
"""
RULES = (
    "{allOf: [ci]}",
    "{anyOf: [cd, first]}",
    "{allOf: [first, ci]}",
    "{anyOf: [ci, cd, first], minimum: 2}",
)
PROVENANCE = f"{{anyOf: [first]}}\n  attestations: [{{type: slsaprovenance1, by: [ci], builder: '{BUILDER}'}}]"


@dataclass(frozen=True)
class Identity:
    """A StatementSigner whose bundles are those of an identity."""

    sigstore: Sigstore
    fingerprint: str
    bundles_only: bool = True

    def sign_statement(self, statement: bytes) -> bytes:
        return dump(self.sigstore.bundle(statement, Leaf(san=self.fingerprint)))

    def sign_payload(self, payload: bytes) -> bytes:
        raise AssertionError("a raw signature was asked for")


@dataclass
class Images:
    """A registry with images, beside the keys and the trusted root."""

    address: str
    folder: Path
    sigstore: Sigstore = field(default_factory=Sigstore)
    references: dict[tuple[str, ...], str] = field(default_factory=dict)

    def identity(self, name: str) -> Identity:
        return Identity(self.sigstore, SANS[name])

    def signed_by(self, names: tuple[str, ...], layout: Path) -> Path:
        """A layout beside this one."""
        for name in names:
            output = layout.parent / f"{layout.name}-{name}"
            repository = f"{self.address}/acme/greeting"
            if not output.exists() and name in SANS:
                sign_image(SignRequest(layout, output, repository, BUNDLE), self.identity(name))
            elif not output.exists():
                signer = open_image_signer(self.folder / f"{name}.key")
                sign_image(SignRequest(layout, output, repository, LEGACY), signer)
            layout = output
        return layout

    def judged(self, image: str) -> bool:
        """Our verdict."""
        return judged(self.folder / "policy.yaml", image)


@pytest.fixture(name="images", scope="module")
def _images(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Images]:
    folder = tmp_path_factory.mktemp("images")
    KeyPair.make(folder, "first")
    unsigned = unsigned_layout(folder)
    with registry("docker-registry", folder) as address:
        images = Images(address, folder)
        (folder / "root.json").write_bytes(dump(images.sigstore.trusted_root()))
        for count in range(len(NAMES) + 1):
            for names in combinations(NAMES, count):
                repository = f"{address}/acme/{'-'.join(('by', *names))}"
                images.references[names] = push(images.signed_by(names, unsigned), repository)
        yield images


def export_to(folder: Path, images: Images, rule: str) -> None:
    """Write the policy beside the keys, and what it is elsewhere into `exported`."""
    policy = f'{HEAD}- match: "{images.address}/**"\n  image: {rule}\n'
    (images.folder / "policy.yaml").write_text(policy)
    found = controller.export(PolicyFile.read(images.folder / "policy.yaml"))
    assert found.losses.wider == []
    (folder / "exported").mkdir()
    for name, text in found.files.items():
        (folder / "exported" / name).write_text(text)


def tuf_root(trusted_root: bytes) -> Mapping[str, object]:
    """A TrustRoot that is a TUF repository with this target."""
    signer = CryptoSigner.generate_ecdsa()
    expires = datetime.now(timezone.utc) + timedelta(days=1)
    root = Root(expires=expires)
    for role in ("root", "timestamp", "snapshot", "targets"):
        root.add_key(signer.public_key, role)
    # The tester asks for the target whose name is empty; what a path ends with is a dot then.
    target = TargetFile.from_data("", trusted_root)
    files = {f"targets/{target.hashes['sha256']}..": trusted_root}
    parts: Mapping[str, Any] = {
        "root": root,
        "targets": Targets(expires=expires, targets={target.path: target}),
        "snapshot": Snapshot(expires=expires, meta={"targets.json": MetaFile(1)}),
        "timestamp": Timestamp(expires=expires, snapshot_meta=MetaFile(1)),
    }
    for role, part in parts.items():
        metadata = Metadata(part)
        metadata.sign(signer)
        files[f"{role}.json" if role == "timestamp" else f"1.{role}.json"] = metadata.to_bytes()
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for name, data in files.items():
            info = tarfile.TarInfo(f"repository/{name}")
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    repository = {"root": encode(files["1.root.json"]), "mirrorFS": encode(packed.getvalue()), "targets": "targets"}
    kind = {"apiVersion": "policy.sigstore.dev/v1alpha1", "kind": "TrustRoot"}
    return {**kind, "metadata": {"name": NAME}, "spec": {"repository": repository}}


def give_tuf_root(folder: Path, images: Images) -> None:
    """Put the trusted root in the place of the exported one."""
    root = tuf_root((images.folder / "root.json").read_bytes())
    (folder / "exported/trust-root.json").write_bytes(dump(root))


@pytest.mark.parametrize("rule", RULES)
def test_the_verdict_is_the_same(rule: str, images: Images, tmp_path: Path) -> None:
    export_to(tmp_path, images, rule)
    give_tuf_root(tmp_path, images)
    verdicts = {}
    for names, image in images.references.items():
        verdicts[names] = images.judged(image)
        assert policy_controller(tmp_path, image) == verdicts[names], (names, image)
    assert set(verdicts.values()) == {True, False}


def test_an_attestation_is_no_signature(images: Images, tmp_path: Path) -> None:
    layout = tmp_path / "attested"
    attest(AttestRequest(images.folder / "unsigned", layout, "spdxjson", b"{}"), images.identity("ci"))
    image = push(layout, f"{images.address}/acme/attested")
    export_to(tmp_path, images, RULES[0])
    give_tuf_root(tmp_path, images)
    assert not images.judged(image)
    assert not policy_controller(tmp_path, image)


def predicate(layout: Path, change: Callable[[bytes], bytes]) -> bytes:
    return change(image_provenance(layout, BuildTarget("//app:greeting"), Run(BUILDER)))


# Who attests what, and whether that is enough.
PROVENANCES: Mapping[str, tuple[str, str, Callable[[bytes], bytes], bool]] = {
    "good": ("ci", "slsaprovenance1", lambda good: good, True),
    "by-another": ("cd", "slsaprovenance1", lambda good: good, False),
    "of-another-type": ("ci", "https://example.com/p/v1", lambda good: good, False),
    "another-builder": ("ci", "slsaprovenance1", lambda good: good.replace(BUILDER.encode(), b"https://x"), False),
    "no-builder": ("ci", "slsaprovenance1", lambda good: good.replace(b'"builder"', b'"other"'), False),
    "no-details": ("ci", "slsaprovenance1", lambda good: good.replace(b'"runDetails"', b'"other"'), False),
    "no-build-type": ("ci", "slsaprovenance1", lambda good: good.replace(b'"buildType"', b'"other"'), False),
}


@pytest.mark.parametrize("name", PROVENANCES)
def test_a_builder_is_demanded(name: str, images: Images, tmp_path: Path) -> None:
    by, kind, change, accepted = PROVENANCES[name]
    signed, layout = images.signed_by(("first",), images.folder / "unsigned"), tmp_path / "attested"
    attest(AttestRequest(signed, layout, kind, predicate(signed, change)), images.identity(by))
    image = push(layout, f"{images.address}/acme/{name}")
    export_to(tmp_path, images, PROVENANCE)
    give_tuf_root(tmp_path, images)
    assert images.judged(image) == accepted
    assert policy_controller(tmp_path, image) == accepted


def test_its_fault_with_keys_of_logs_is_still_there(images: Images, tmp_path: Path) -> None:
    """When this fails, the fault is mended: then the line of the export that tells it goes."""
    export_to(tmp_path, images, RULES[0])
    image = images.references[("ci",)]
    assert images.judged(image)
    assert not policy_controller(tmp_path, image)
