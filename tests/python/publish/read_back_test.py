"""What is downloaded to verify the registry's copy, and what each choice finds."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from crowd_fixtures import sign_again
from image_fixtures import OTHER_SIGNER
from observed_registry_fixtures import ObservedHandler, ObservedRegistry
from publish_fixtures import PATH, client_for, dual_layout, request_for
from rounds_fixtures import Rounds, counted_client
from wasm_fixtures import KEY
from wasmoci.disk.layout import Layout
from wasmoci.oci.graph import read_graph
from wasmoci.oci.manifest import Descriptor
from wasmoci.oci.progress import SILENT
from wasmoci.publish.plan import PublishRequest, plan, publish
from wasmoci.publish.send import Published
from wasmoci.registry.transport import MAX_ATTEMPTS, RETRIED_STATUSES
from wasmoci.registry_server.storage import RefusedError
from wasmoci.values.digest import Digest
from wasmoci.values.errors import Reason, VerificationError
from wasmoci.values.read_back import ReadBack
from wasmoci.verify.policy import Policy

BOTH = pytest.mark.parametrize("read_back", ReadBack)


class ForgetfulHandler(ObservedHandler):
    """Changes what is in `altered` when it is read, and with `is_silent` confirms no blob by its digest."""

    altered: frozenset[Digest] = frozenset()
    is_silent = False

    def answer(self, status: int, headers: Mapping[str, str], data: bytes = b"") -> None:
        confirms = self.command == "PUT" and "/blobs/" in self.path and self.is_silent
        kept = {name: value for name, value in headers.items() if not (confirms and name == "Docker-Content-Digest")}
        super().answer(status, kept, data)

    def _blob_get(self, digest_text: str) -> None:
        digest = Digest.parse(digest_text)
        file = self.server.storage.blob(self.repository, digest) if digest in self.altered else None
        if self.command == "GET" and file is not None:
            data = file.read_bytes()
            self.answer(200, {"Content-Type": "application/octet-stream"}, data[:-1] + bytes([data[-1] ^ 1]))
        else:
            super()._blob_get(digest_text)


def forgetful(folder: Path, *altered: Descriptor, is_silent: bool = False) -> ObservedRegistry:
    registry = ObservedRegistry(folder / "registry")
    members = {"altered": frozenset(blob.digest for blob in altered), "is_silent": is_silent}
    registry.RequestHandlerClass = type("OwnHandler", (ForgetfulHandler,), members)
    return registry


def run(request: PublishRequest) -> tuple[Published, list[str]]:
    """Publish, and give the digests of blobs that were downloaded."""
    rounds = Rounds()
    with counted_client(request.repository.registry, PATH, rounds) as client:
        published = publish(request, plan(request), client, SILENT)
        looks = {one.path for one in rounds.asked if one.round == 1}
        reads = [one.path for one in rounds.asked if one.method == "GET" and "/blobs/" in one.path]
        again = [path for path in reads if path not in looks or reads.count(path) > 1]
    return published, sorted({path.rpartition("/")[2] for path in again})


def blobs(layout: Path) -> tuple[list[Descriptor], list[Descriptor]]:
    """Those of the image, and those of its signatures but for configs."""
    graph = read_graph(Layout(layout))
    attached = [layer for node in graph.referrers for layer in node.manifest.layers]
    return list(graph.blobs), [*attached, *(layer for node in graph.tagged for layer in node.layers)]


def digests(*found: list[Descriptor]) -> list[str]:
    return sorted(str(blob.digest) for some in found for blob in some)


@BOTH
def test_signatures_are_read_in_any_case(read_back: ReadBack, tmp_path: Path) -> None:
    layout = dual_layout(tmp_path)
    image, signatures = blobs(layout)
    with forgetful(tmp_path) as registry:
        published, read = run(replace(request_for(layout, registry.address), read_back=read_back))
    assert published.read_back is read_back
    assert read == (digests(signatures) if read_back is ReadBack.SIGNATURES else digests(image, signatures))


def test_what_is_not_confirmed_is_read(tmp_path: Path) -> None:
    layout = dual_layout(tmp_path)
    with forgetful(tmp_path, is_silent=True) as registry:
        assert run(request_for(layout, registry.address))[1] == digests(*blobs(layout))


def test_what_was_there_before_is_read(tmp_path: Path) -> None:
    layout = dual_layout(tmp_path)
    image, signatures = blobs(layout)
    with forgetful(tmp_path) as registry:
        with client_for(registry.address) as client:
            client.put_blob(image[1], lambda: Layout(layout).open_blob(image[1].digest))
        assert run(request_for(layout, registry.address))[1] == digests([image[1]], signatures)


@pytest.mark.parametrize(
    ("read_back", "is_silent", "is_found"),
    [(ReadBack.ALL, False, True), (ReadBack.SIGNATURES, True, True), (ReadBack.SIGNATURES, False, False)],
)
def test_a_registry_that_alters_the_component(
    read_back: ReadBack, is_silent: bool, is_found: bool, tmp_path: Path
) -> None:
    """What is not read is not found here: whoever pulls the image finds it."""
    layout = dual_layout(tmp_path)
    (_, component), _ = blobs(layout)
    with forgetful(tmp_path, component, is_silent=is_silent) as registry:
        request = replace(request_for(layout, registry.address), read_back=read_back)
        if is_found:
            with pytest.raises(VerificationError) as refused:
                run(request)
            assert refused.value.reason is Reason.DIGEST_MISMATCH
        else:
            run(request)
        with client_for(registry.address) as client:
            assert (client.find_manifest("v1") is None) == is_found


@BOTH
def test_a_registry_that_alters_a_signature(read_back: ReadBack, tmp_path: Path) -> None:
    layout = dual_layout(tmp_path)
    for signature in blobs(layout)[1]:
        with forgetful(tmp_path / signature.digest.hex, signature) as registry:
            with pytest.raises(VerificationError):
                run(replace(request_for(layout, registry.address), read_back=read_back))
            with client_for(registry.address) as client:
                assert client.find_manifest("v1") is None


def test_what_others_have_at_the_tag_of_signatures_is_no_word_on_ours(tmp_path: Path) -> None:
    """Their signature is over the same payload, which was lost and is sent again."""
    theirs = dual_layout(tmp_path, OTHER_SIGNER, "theirs")
    with ObservedRegistry(tmp_path / "registry") as registry:
        run(replace(request_for(theirs, registry.address), policy=Policy.of([KEY], [OTHER_SIGNER.public_key])))
        _, (_, payload) = blobs(theirs)
        for folder in (tmp_path / "registry/repositories" / PATH / "_blobs", tmp_path / "registry/blobs"):
            (folder / payload.digest.hex).unlink()
        published, read = run(request_for(dual_layout(tmp_path), registry.address))
    assert published.sent
    assert str(payload.digest) in read


@pytest.mark.parametrize("status", [403, 404, 429, 500])
def test_what_others_attached_and_failed_once_is_asked_again(status: int, tmp_path: Path) -> None:
    """It failed in all attempts while the image was sent, and is there when the copy is verified."""
    layout = dual_layout(tmp_path)
    with ObservedRegistry(tmp_path / "registry") as registry:
        with client_for(registry.address) as client:
            (theirs,) = sign_again(client, Layout(layout).subject(), 1, OTHER_SIGNER)
        asked: list[str] = []

        class LateHandler(ObservedHandler):
            def _manifest_get(self, reference: str) -> None:
                asked.append(reference)
                if reference == str(theirs.digest) and asked.count(reference) <= MAX_ATTEMPTS:
                    raise RefusedError(status, "UNAVAILABLE", "not now")
                super()._manifest_get(reference)

        registry.RequestHandlerClass = LateHandler
        run(request_for(layout, registry.address))
    assert asked.count(str(theirs.digest)) == (MAX_ATTEMPTS + 1 if status in RETRIED_STATUSES else 2)
