"""Copying an image beside which something is not there: refused before anything is sent, or the rest is copied."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from copy_fixtures import (
    attach,
    attach_index,
    client_at,
    contents_in,
    digests_in,
    index_layout,
    put_tagged,
    send_layout,
    source_in,
)
from image_fixtures import blob_path
from publish_fixtures import DUAL, PATH, dual_layout
from wasmoci.disk.layout import Layout
from wasmoci.oci.cosign_tags import CosignTag
from wasmoci.oci.graph import read_graph
from wasmoci.oci.progress import SILENT
from wasmoci.oci.source import ImageSource
from wasmoci.publish.copy import copy_to_layout, copy_to_registry, plan_copy
from wasmoci.publish.send import Destination
from wasmoci.registry.client import RepositoryClient
from wasmoci.registry_server.server import EmbeddedRegistry
from wasmoci.values.digest import Digest
from wasmoci.values.errors import Error, VerificationError
from wasmoci.values.level import Level
from wasmoci.verify.index import verify_root
from wasmoci.verify.policy import Policy

# Takes a blob or manifest away.
Lose = Callable[[Digest], object]


class Case:
    """A source with a signed image at `v1`, from which things are taken."""

    def __init__(self, client: RepositoryClient, folder: Path) -> None:
        self.client = client
        self._folder = folder
        self.root = source_in(client).root()

    def lose(self, digest: Digest) -> None:
        repository = self._folder / "repositories" / PATH
        (repository / "_manifests" / digest.hex).unlink(missing_ok=True)
        (repository / "_blobs" / digest.hex).unlink(missing_ok=True)
        (self._folder / "blobs" / digest.hex).unlink()


def referrer(case: Case) -> tuple[Digest, str]:
    entry = attach(case.client, case.root, b"to be lost")
    return entry.digest, f"the referrer {entry.digest}"


def referrer_with_referrers(case: Case) -> tuple[Digest, str]:
    entry = attach(case.client, case.root, b"to be lost")
    attach(case.client, entry, b"attached to what is lost")
    return entry.digest, f"the referrer {entry.digest}"


def referrer_of_a_referrer(case: Case) -> tuple[Digest, str]:
    entry = attach(case.client, attach(case.client, case.root, b"stays"), b"to be lost")
    return entry.digest, f"the referrer {entry.digest}"


def blob_of_a_referrer(case: Case) -> tuple[Digest, str]:
    entry = attach(case.client, case.root, b"to be lost")
    return Digest.of(b"to be lost"), f"the referrer {entry.digest}: {Digest.of(b'to be lost')}"


def manifest_of_an_attached_index(case: Case) -> tuple[Digest, str]:
    entry, content = attach_index(case.client, case.root, b"one", b"two")
    return content[0].digest, f"the referrer {entry.digest}"


def blob_of_an_attached_index(case: Case) -> tuple[Digest, str]:
    entry, _ = attach_index(case.client, case.root, b"to be lost")
    return Digest.of(b"to be lost"), f"the referrer {entry.digest}: {Digest.of(b'to be lost')}"


def attestation_at_a_tag(case: Case) -> tuple[Digest, str]:
    put_tagged(case.client, CosignTag.ATTESTATIONS, case.root.digest, b"stays", b"to be lost")
    return Digest.of(b"to be lost"), "attestations at tag sha256-"


def only_attestation_at_a_tag(case: Case) -> tuple[Digest, str]:
    put_tagged(case.client, CosignTag.ATTESTATIONS, case.root.digest, b"to be lost")
    return Digest.of(b"to be lost"), "attestations at tag sha256-"


def part_of_an_sbom(case: Case) -> tuple[Digest, str]:
    put_tagged(case.client, CosignTag.SBOM, case.root.digest, b"stays", b"to be lost")
    return Digest.of(b"to be lost"), "SBOM at tag sha256-"


SPOILED = [
    referrer,
    referrer_with_referrers,
    referrer_of_a_referrer,
    blob_of_a_referrer,
    manifest_of_an_attached_index,
    blob_of_an_attached_index,
    attestation_at_a_tag,
    only_attestation_at_a_tag,
    part_of_an_sbom,
]


@pytest.fixture(name="case")
def _case(tmp_path: Path) -> Iterator[Case]:
    with EmbeddedRegistry(tmp_path / "source", referrers_api=False) as registry:
        with client_at(registry.address) as client:
            send_layout(dual_layout(tmp_path), client)
            yield Case(client, tmp_path / "source")


@pytest.fixture(name="target")
def _target(tmp_path: Path) -> Iterator[RepositoryClient]:
    with EmbeddedRegistry(tmp_path / "target") as registry, client_at(registry.address, "other/place") as client:
        yield client


def in_registry(case: Case, lost: Digest, _: Path) -> ImageSource:
    case.lose(lost)
    return source_in(case.client)


def in_layout(case: Case, lost: Digest, folder: Path) -> ImageSource:
    copy_to_layout(plan_copy(source_in(case.client), None, recursive=False), folder / "layout", None)
    blob_path(folder / "layout", lost).unlink()
    return Layout(folder / "layout")


SOURCES = pytest.mark.parametrize("source", [in_registry, in_layout])


@SOURCES
@pytest.mark.parametrize("spoil", SPOILED)
@pytest.mark.parametrize("policy", [DUAL, None], ids=["verified", "not-verified"])
def test_the_rest_is_copied_where_that_is_wanted(
    policy: Policy | None,
    spoil: Callable[[Case], tuple[Digest, str]],
    source: Callable[[Case, Digest, Path], ImageSource],
    case: Case,
    target: RepositoryClient,
    tmp_path: Path,
) -> None:
    kept = {case.root.digest, *(one.digest for one in contents_in(case.client).referrers)}
    lost, said = spoil(case)
    opened = source(case, lost, tmp_path)
    with pytest.raises(Error, match=f"^{said}.*; the rest is copied with --skip-missing$"):
        plan_copy(opened, policy, recursive=False)
    planned = plan_copy(opened, policy, recursive=False, skip_missing=True)
    assert [text for text in planned.warnings if text.startswith(f"left out, {said}")]
    copy_to_registry(planned, Destination(target, ["v1"]), SILENT)
    copied = contents_in(target)
    assert lost not in digests_in(copied)
    assert kept <= digests_in(copied)
    assert verify_root(source_in(target), DUAL).level is Level.DUAL_LAYER
    copy_to_layout(planned, tmp_path / "copy", "v1")
    assert digests_in(read_graph(Layout(tmp_path / "copy")).whole()) == digests_in(copied)


def test_what_stands_for_itself_at_a_tag_is_copied(case: Case, target: RepositoryClient) -> None:
    lost, _ = attestation_at_a_tag(case)
    case.lose(lost)
    planned = plan_copy(source_in(case.client), DUAL, recursive=False, skip_missing=True)
    copy_to_registry(planned, Destination(target, ["v1"]), SILENT)
    (tagged,) = (one for one in contents_in(target).tagged if one.kind is CosignTag.ATTESTATIONS)
    assert [target.read_blob(layer, 100) for layer in tagged.layers] == [b"stays"]


@SOURCES
def test_a_signature_that_holds_is_not_left_out(
    source: Callable[[Case, Digest, Path], ImageSource], case: Case, target: RepositoryClient, tmp_path: Path
) -> None:
    (tagged,) = contents_in(case.client).tagged
    opened = source(case, tagged.config.digest, tmp_path)
    planned = plan_copy(opened, DUAL, recursive=False, skip_missing=True)
    with pytest.raises(VerificationError, match="lacks signatures that were sent: legacy by"):
        copy_to_registry(planned, Destination(target, ["v1"]), SILENT)
    assert target.find_manifest("v1") is None


@SOURCES
@pytest.mark.parametrize("skip_missing", [True, False])
@pytest.mark.parametrize("which", ["component", "config"])
def test_an_image_that_lacks_a_blob_of_its_own_is_not_copied(
    which: str,
    skip_missing: bool,
    source: Callable[[Case, Digest, Path], ImageSource],
    case: Case,
    target: RepositoryClient,
    tmp_path: Path,
) -> None:
    config, component = contents_in(case.client).blobs
    opened = source(case, (config if which == "config" else component).digest, tmp_path)
    with pytest.raises(Error, match=r"answered 404|lacks blob"):
        planned = plan_copy(opened, None, recursive=False, skip_missing=skip_missing)
        copy_to_registry(planned, Destination(target, ["v1"]), SILENT)
    assert target.find_manifest("v1") is None


@pytest.mark.parametrize("skip_missing", [True, False])
def test_an_index_that_lacks_one_of_its_images_is_not_copied(skip_missing: bool, case: Case, tmp_path: Path) -> None:
    send_layout(index_layout(tmp_path), case.client, "all")
    case.lose(contents_in(case.client, "all").entries[0].digest)
    source = source_in(case.client, "all")
    with pytest.raises(Error, match="answered 404"):
        plan_copy(source, None, recursive=True, skip_missing=skip_missing)
