"""Signing, attesting and logging an index: what is signed of it, what is kept, and what an index cannot have."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from attestation_fixtures import BUILDER, SBOM
from image_fixtures import FILE_KEY, OTHER_PUBLIC_KEY, OTHER_SIGNER, PUBLIC_KEY, REPOSITORY, SIGNER, both_layers
from index_fixtures import MemoryIndex, entry_of, index_of, sign, signed_index, variant, write_index_layout
from layout_fixtures import files_of
from log_entry_fixtures import logged_v1, parsed, trusted_logs
from sigstore_fixtures import Sigstore
from wasm_fixtures import SIGNER as COMPONENT_SIGNER
from wasmoci.commands.main import main
from wasmoci.cosign.dsse import Envelope
from wasmoci.cosign.predicate_type import CYCLONEDX
from wasmoci.cosign.provenance import BuildTarget, Run
from wasmoci.cosign.signing_request import ManifestAsked
from wasmoci.disk.blob_files import BLOBS_FOLDER
from wasmoci.disk.files import SECRET_FILE_MODE, write_atomically
from wasmoci.disk.layout import IMAGE_KIND, INDEX_KIND, KIND_ANNOTATION, SIGNATURES_KIND, Layout
from wasmoci.keys.image import ImagePublicKey
from wasmoci.oci.graph import read_graph
from wasmoci.oci.manifest import REF_NAME_ANNOTATION
from wasmoci.oci.platform import Platform
from wasmoci.publish.copy import copy_to_layout, plan_copy
from wasmoci.sign.attest import AttestRequest, attest
from wasmoci.sign.attested import MAX_FILES, image_provenance
from wasmoci.sign.image import SignRequest, sign_image
from wasmoci.sign.layout import sign_layout_component
from wasmoci.sign.log import log_signatures
from wasmoci.sign.signing_request import signing_request
from wasmoci.transparency.log_entry import LogEntry
from wasmoci.values.digest import Digest
from wasmoci.values.errors import Error, FormatError, UsageError, VerificationError
from wasmoci.values.level import Level
from wasmoci.values.signature_format import Placement, SignatureFormat
from wasmoci.verify.attestation import AttestationPolicy, verify_attestation
from wasmoci.verify.index import VerifiedIndex, verify_root
from wasmoci.verify.policy import Policy
from wasmoci.verify.signatures import ImageSignature, verify_image_signatures
from wasmoci.verify.trust import ImageTrust
from wasmoci.wasm.message import ComponentAsked

BUNDLE, LEGACY = SignatureFormat.BUNDLE, SignatureFormat.LEGACY
SIGSTORE = Sigstore()
LOGS = trusted_logs(SIGSTORE)
MATERIAL = Digest.of(b"{}")
TARGET = BuildTarget("//app:index", "_main", {}, {"bazel": "7.7.0"})
RUN = Run(BUILDER)


@pytest.fixture(name="layout")
def _layout(tmp_path: Path) -> Path:
    """The layout of an unsigned index of two images, the first of which is signed."""
    return write_index_layout(index_of(sign(variant("a")), variant("b")), tmp_path / "layout")


def formats_of(layout: Path, digest: Digest) -> list[SignatureFormat]:
    try:
        (graph,) = (graph for graph in read_graph(Layout(layout)).subjects if graph.digest == digest)
        found = verify_image_signatures(graph, ImageTrust((PUBLIC_KEY,)))
    except VerificationError:
        return []
    return sorted(one.format for one in found.signatures)


def signatures(found: VerifiedIndex) -> list[tuple[ImageSignature, ...]]:
    """Those of the index, then those of each entry."""
    return [found.image_signatures, *(one.image_signatures for one in found.entries)]


@pytest.mark.parametrize("formats", [[BUNDLE], [LEGACY], [BUNDLE, LEGACY]])
def test_the_index_is_signed_and_its_images_stay_as_they_are(
    formats: list[SignatureFormat], layout: Path, tmp_path: Path
) -> None:
    root = sign_image(SignRequest(layout, tmp_path / "out", REPOSITORY, formats), SIGNER)
    first, second = read_graph(Layout(layout)).entries
    assert root == Layout(layout).root()
    assert formats_of(tmp_path / "out", root.digest) == sorted(formats)
    assert formats_of(tmp_path / "out", first.digest) == sorted([BUNDLE, LEGACY])
    assert formats_of(tmp_path / "out", second.digest) == []
    with pytest.raises(VerificationError, match=f"^entry {second.digest}"):
        verify_root(Layout(tmp_path / "out"), both_layers())


@pytest.mark.parametrize(
    ("rounds", "kind"),
    [
        ([LEGACY], INDEX_KIND),
        ([BUNDLE], IMAGE_KIND),
        ([LEGACY, BUNDLE], IMAGE_KIND),
        ([BUNDLE, LEGACY], IMAGE_KIND),
    ],
)
def test_the_index_has_the_mark_with_which_cosign_finds_its_signatures(
    rounds: list[SignatureFormat], kind: str, layout: Path, tmp_path: Path
) -> None:
    for number, form in enumerate(rounds):
        signed = tmp_path / str(number)
        sign_image(SignRequest(layout, signed, REPOSITORY, [form]), SIGNER)
        layout = signed
    assert Layout(layout).root().annotations[KIND_ANNOTATION] == kind
    copy_to_layout(plan_copy(Layout(layout), None, recursive=True), tmp_path / "copy", None)
    assert Layout(tmp_path / "copy").root().annotations[KIND_ANNOTATION] == kind


def test_all_of_it_is_signed_where_that_is_asked_for(layout: Path, tmp_path: Path) -> None:
    sign_image(SignRequest(layout, tmp_path / "out", REPOSITORY, recursive=True), SIGNER)
    found = verify_root(Layout(tmp_path / "out"), both_layers())
    assert isinstance(found, VerifiedIndex)
    assert found.level is Level.DUAL_LAYER
    assert [len(one) for one in signatures(found)] == [2, 2, 2]
    kinds = [one.annotations.get(KIND_ANNOTATION) for one in Layout(tmp_path / "out").index.manifests]
    assert kinds.count(SIGNATURES_KIND) == 1


def test_signing_all_of_it_twice_gives_the_same_bytes(layout: Path, tmp_path: Path) -> None:
    for name in ("one", "two"):
        sign_image(SignRequest(layout, tmp_path / name, REPOSITORY, recursive=True), SIGNER)
    assert files_of(tmp_path / "one") == files_of(tmp_path / "two")


def variants(**entry: object) -> MemoryIndex:
    """An index of an image for each of two platforms."""
    images = [sign(variant("a")), variant("b")]
    platforms = [Platform("wasm", "wasip1"), Platform("wasm", "wasip2")]
    entries = [entry_of(image)._replace(platform=platform) for image, platform in zip(images, platforms, strict=True)]
    return index_of(*images, descriptors=[entries[0]._replace(**entry), entries[1]])  # type: ignore[arg-type]


def with_index_as_index_json(index: MemoryIndex, path: Path) -> Path:
    """The layout of an index as rules_img has it: the index is `index.json`, and no blob."""
    write_index_layout(index, path)
    (path / BLOBS_FOLDER / index.image.digest.hex).rename(path / "index.json")
    return path


def test_an_index_that_is_index_json_is_signed_as_where_it_is_a_blob(tmp_path: Path) -> None:
    index = variants()
    plain, own = write_index_layout(index, tmp_path / "plain"), with_index_as_index_json(index, tmp_path / "own")
    assert Layout(own).root().digest == index.image.digest
    assert read_graph(Layout(own)).entries[0].referrers
    for name, layout in (("of plain", plain), ("of own", own)):
        sign_image(SignRequest(layout, tmp_path / name, REPOSITORY, recursive=True), SIGNER)
        assert verify_root(Layout(tmp_path / name), both_layers()).level is Level.DUAL_LAYER
    blobs = [
        {name: data for name, data in files_of(tmp_path / name).items() if name != "index.json"}
        for name in ("of plain", "of own")
    ]
    assert blobs[0] == blobs[1]
    assert Layout(tmp_path / "of own").index.manifests[0].digest == index.image.digest


@pytest.mark.parametrize(
    "entry",
    [
        {"platform": None},
        {"annotations": {REF_NAME_ANNOTATION: "v1"}},
    ],
)
def test_a_layout_of_several_images_is_no_index(entry: dict[str, object], tmp_path: Path) -> None:
    index = variants(**entry)
    layout = with_index_as_index_json(index, tmp_path / "layout")
    with pytest.raises(FormatError, match="exactly one image, this one has 2"):
        Layout(layout)


def test_a_layout_with_a_mark_is_no_index(tmp_path: Path) -> None:
    index = variants(annotations={KIND_ANNOTATION: SIGNATURES_KIND})
    assert Layout(with_index_as_index_json(index, tmp_path / "layout")).root().digest == index.images[1].image.digest


def test_a_second_signer_is_added_everywhere(layout: Path, tmp_path: Path) -> None:
    sign_image(SignRequest(layout, tmp_path / "one", REPOSITORY, recursive=True), SIGNER)
    sign_image(SignRequest(tmp_path / "one", tmp_path / "two", REPOSITORY, recursive=True), OTHER_SIGNER)
    for key in (PUBLIC_KEY, OTHER_PUBLIC_KEY):
        found = verify_root(Layout(tmp_path / "two"), Policy.of([], [key]))
        assert isinstance(found, VerifiedIndex)
        assert [len(one) for one in signatures(found)] == [2, 2, 2]


# What is no index of images, and what an index cannot have.


@pytest.mark.parametrize(
    "operation",
    [
        lambda layout, out: sign_image(SignRequest(layout, out, REPOSITORY), SIGNER),
        lambda layout, out: attest(AttestRequest(layout, out, CYCLONEDX, SBOM), SIGNER),
        lambda layout, out: log_signatures(layout, out, [PUBLIC_KEY], LOGS, Client()),
        lambda layout, _: signing_request(layout, None, ManifestAsked(REPOSITORY, [BUNDLE])),
        lambda layout, _: image_provenance(layout, TARGET, RUN),
        lambda layout, _: verify_attestation(Layout(layout), AttestationPolicy(ImageTrust((PUBLIC_KEY,)), CYCLONEDX)),
    ],
    ids=["sign", "attest", "log", "signing_request", "provenance", "verify_attestation"],
)
def test_what_is_no_index_of_images_is_not_signed(operation: Callable[[Path, Path], object], tmp_path: Path) -> None:
    image = sign(variant("a"))
    layout = write_index_layout(index_of(image, descriptors=[entry_of(image)] * 2), tmp_path / "layout")
    with pytest.raises(Error, match=r"has the entry sha256:.* twice"):
        operation(layout, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_component_is_that_of_one_image(layout: Path, tmp_path: Path) -> None:
    for placement in Placement:
        with pytest.raises(FormatError, match="this needs one image, and the layout has an index of several"):
            sign_layout_component(layout, tmp_path / "out", [COMPONENT_SIGNER], ComponentAsked(placement))
        with pytest.raises(FormatError, match="this needs one image, and the layout has an index of several"):
            signing_request(layout, ComponentAsked(placement), None)
    assert not (tmp_path / "out").exists()


# What is signed of an index besides.


@pytest.mark.parametrize("which", ["index", "entry"])
def test_the_index_is_attested_and_not_its_images(which: str, layout: Path, tmp_path: Path) -> None:
    attested = attest(AttestRequest(layout, tmp_path / "out", CYCLONEDX, SBOM), SIGNER)
    assert attested.subject == Layout(layout).root()
    policy = AttestationPolicy(ImageTrust((PUBLIC_KEY,)), CYCLONEDX)
    source = Layout(tmp_path / "out")
    if which == "index":
        assert verify_attestation(source, policy).subject == Layout(layout).root()
    else:
        first = read_graph(source).entries[0]
        assert all(one.digest != first.digest for one in source.referrers(first.digest).descriptors)
        assert len(source.referrers(first.digest).descriptors) == 1


def test_bundles_of_its_images_do_not_hide_that_the_index_is_signed_in_the_legacy_format_only(
    layout: Path, tmp_path: Path
) -> None:
    sign_image(SignRequest(layout, tmp_path / "legacy", REPOSITORY, [LEGACY]), SIGNER)
    attested = attest(AttestRequest(tmp_path / "legacy", tmp_path / "out", CYCLONEDX, SBOM), SIGNER)
    assert any("legacy format only" in warning for warning in attested.warnings)


class Client:
    """A LogClient without a network."""

    def wants_stamp(self, key: ImagePublicKey) -> bool:
        del key
        return False

    def stamp(self, signature: bytes, key: ImagePublicKey) -> list[bytes]:
        del signature, key
        return []

    def add(self, envelope: Envelope, key: ImagePublicKey) -> list[LogEntry]:
        return [LogEntry.parse(parsed(logged_v1(SIGSTORE.log(1), envelope, key)))]


def test_the_bundles_of_all_of_it_are_logged(tmp_path: Path) -> None:
    layout = write_index_layout(signed_index(), tmp_path / "layout")
    required = Policy.of([], ImageTrust((PUBLIC_KEY,), log=LOGS, log_required=True))
    with pytest.raises(VerificationError):
        verify_root(Layout(layout), required)
    logged = log_signatures(layout, tmp_path / "out", [PUBLIC_KEY], LOGS, Client())
    assert (logged.subject, logged.added) == (Layout(layout).root(), 3)
    found = verify_root(Layout(tmp_path / "out"), required)
    assert isinstance(found, VerifiedIndex)
    assert all(signature.logged for one in signatures(found) for signature in one)


def test_the_materials_of_an_index_are_its_images(layout: Path, tmp_path: Path) -> None:
    (tmp_path / "lock").write_bytes(b"{}")
    made = materials(image_provenance(layout, TARGET, RUN, [("lock", tmp_path / "lock")]))
    images = [
        {"name": f"image-{n}", "digest": {"sha256": one.digest.hex}}
        for n, one in enumerate(read_graph(Layout(layout)).entries, 1)
    ]
    assert made == [*images, {"name": "lock", "digest": {"sha256": MATERIAL.hex}}]
    many = [(str(number), tmp_path / "lock") for number in range(MAX_FILES)]
    assert len(materials(image_provenance(layout, TARGET, RUN, many[1:]))) == MAX_FILES + 1
    with pytest.raises(UsageError, match=f"there are {MAX_FILES} materials, the limit is {MAX_FILES - 1}"):
        image_provenance(layout, TARGET, RUN, many)


def materials(predicate: bytes) -> Any:
    return json.loads(predicate)["buildDefinition"]["resolvedDependencies"]


# Commands.


def run(*arguments: str | Path, code: int = 0) -> Result:
    result = CliRunner().invoke(main, [str(one) for one in arguments], env={"COSIGN_PASSWORD": None})
    assert result.exit_code == code, result.output + repr(result.exception)
    return result


@pytest.fixture(name="key")
def _key(tmp_path: Path) -> Path:
    write_atomically(tmp_path / "oci.key", FILE_KEY.pem(), SECRET_FILE_MODE)
    (tmp_path / "oci.pub").write_bytes(PUBLIC_KEY.pem())
    return tmp_path / "oci.key"


def test_the_command_signs_an_index(layout: Path, key: Path, tmp_path: Path) -> None:
    options = ("--key", key, "--repository", REPOSITORY)
    for name, recursive in (("index", []), ("all", ["--recursive"])):
        run("image", "sign", layout, "--output", tmp_path / name, *options, *recursive)
        sign_image(SignRequest(layout, tmp_path / f"same-{name}", REPOSITORY, recursive=bool(recursive)), SIGNER)
        assert files_of(tmp_path / name) == files_of(tmp_path / f"same-{name}")


def test_an_index_gets_far_away_the_signatures_that_it_would_get_here(layout: Path, key: Path, tmp_path: Path) -> None:
    run("signing-request", layout, "--output", tmp_path / "request", "--repository", REPOSITORY)
    given: list[str | Path] = ["--public-key", key.with_suffix(".pub")]
    for message in (tmp_path / "request").glob("*.message"):
        (tmp_path / f"{message.name}.sig").write_bytes(SIGNER.sign(message.read_bytes()))
        given += ["--signature", tmp_path / f"{message.name}.sig"]
    run("import-signature", layout, "--request", tmp_path / "request", "--output", tmp_path / "out", *given)
    sign_image(SignRequest(layout, tmp_path / "same", REPOSITORY), SIGNER)
    assert files_of(tmp_path / "out") == files_of(tmp_path / "same")
