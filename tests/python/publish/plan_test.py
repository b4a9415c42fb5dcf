"""Publishing: signatures before tags, also when it is killed, refused or contradicted."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from image_fixtures import OTHER_SIGNER, SIGNER
from observed_registry_fixtures import Event, ObservedRegistry
from publish_fixtures import DUAL, PATH, client_for, dual_layout, request_for, subject_of, unsigned_layout
from registry_fixtures import OwnClient
from wasm_fixtures import KEY
from wasmoci.keys.component import pem_public
from wasmoci.oci.cosign_tags import CosignTag
from wasmoci.oci.manifest import Descriptor, Manifest
from wasmoci.oci.progress import Progress
from wasmoci.oci.referrers import ReferrerList
from wasmoci.publish.plan import PublishRequest, plan, publish
from wasmoci.registry.client import RepositoryClient
from wasmoci.registry.referrers_api import Additions, Listing
from wasmoci.registry.source import RegistrySource
from wasmoci.registry_server.server import EmbeddedRegistry
from wasmoci.values.digest import Digest
from wasmoci.values.errors import Error, Reason, UsageError, VerificationError
from wasmoci.values.image_reference import Reference, Repository
from wasmoci.values.level import Level
from wasmoci.verify.image import verify
from wasmoci.verify.policy import Policy
from watched_registry_fixtures import assert_only_signed_tags, human_tags

BOTH_KINDS = pytest.mark.parametrize("referrers_api", [True, False], ids=["referrers-api", "fallback-index"])


def run(request: PublishRequest, client: RepositoryClient) -> list[str]:
    steps: list[str] = []
    publish(request, plan(request), client, Progress(steps.append))
    return steps


@BOTH_KINDS
def test_a_tag_never_points_to_an_unsigned_manifest(referrers_api: bool, tmp_path: Path) -> None:
    events: list[Event] = []
    layout = dual_layout(tmp_path)
    with ObservedRegistry(tmp_path, observer=events.append, referrers_api=referrers_api) as registry:
        with client_for(registry.address) as client:
            run(request_for(layout, registry.address), client)
    for event in events:
        assert_only_signed_tags(event)
    assert {str(digest) for digest in human_tags(events[-1]).values()} == {subject_of(layout)}
    assert set(human_tags(events[-1])) == {"v1", "latest"}


def publish_in_a_process(layout: Path, address: str, folder: Path) -> "subprocess.Popen[bytes]":
    (folder / "component.pub").write_bytes(pem_public(KEY))
    (folder / "oci.pub").write_bytes(SIGNER.public_key.pem())
    code = "from wasmoci.commands.publish import publish; publish()"
    arguments = [str(layout), f"{address}/{PATH}", "--tag", "v1", "--insecure-registry", address]
    keys = ["--component-key", str(folder / "component.pub"), "--oci-key", str(folder / "oci.pub")]
    return subprocess.Popen(
        [sys.executable, "-c", code, *arguments, *keys],
        env={"PYTHONPATH": os.pathsep.join(sys.path), "PATH": os.environ["PATH"]},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


class Killer:
    """Kills the publishing process after its `step`-th change of the registry."""

    def __init__(self, step: int) -> None:
        self.step = step
        self.events: list[Event] = []
        self.process: subprocess.Popen[bytes] | None = None

    def __call__(self, event: Event) -> None:
        self.events.append(event)
        if len(self.events) == self.step and self.process is not None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()


@BOTH_KINDS
def test_a_tag_never_points_to_an_unsigned_manifest_after_a_kill(referrers_api: bool, tmp_path: Path) -> None:
    layout = dual_layout(tmp_path)
    step, killed = 1, True
    while killed:
        folder = tmp_path / f"step{step}"
        folder.mkdir()
        killer = Killer(step)
        with ObservedRegistry(folder / "registry", observer=killer, referrers_api=referrers_api) as registry:
            killer.process = publish_in_a_process(layout, registry.address, folder)
            code = killer.process.wait()
            killed = code == -signal.SIGKILL
            assert killed or code == 0
            for event in killer.events:
                assert_only_signed_tags(event)
            with client_for(registry.address) as client:
                run(request_for(layout, registry.address), client)
                source = RegistrySource(Reference(Repository(registry.address, PATH), "v1", None), client)
                assert verify(source, DUAL).level is Level.DUAL_LAYER
        step += 1
    assert step > 6, "publishing changes the registry in more steps than were tried"


def test_publishing_again_uploads_nothing(tmp_path: Path) -> None:
    layout = dual_layout(tmp_path)
    with EmbeddedRegistry(tmp_path) as registry, client_for(registry.address) as client:
        run(request_for(layout, registry.address), client)
        again = run(request_for(layout, registry.address), client)
    *sent, checked, left, left_too = again
    assert len(sent) > 6
    assert all(step.startswith("already there: ") for step in sent)
    assert [checked, left, left_too] == [
        "the registry's copy is verified",
        "tag v1 is left as it is",
        "tag latest is left as it is",
    ]


def test_the_plan_names_what_is_sent_and_sends_nothing(tmp_path: Path) -> None:
    events: list[Event] = []
    layout = dual_layout(tmp_path)
    with ObservedRegistry(tmp_path, observer=events.append) as registry:
        planned = plan(request_for(layout, registry.address))
    assert not events
    assert str(planned.digest) == subject_of(layout)
    assert len(planned.graph.blobs) == 2
    assert len(planned.graph.referrers) == len(planned.graph.tagged) == 1
    assert planned.tags == ["v1", "latest"]


def break_component(layout: Path) -> None:
    for blob in (layout / "blobs/sha256").iterdir():
        data = blob.read_bytes()
        if data.startswith(b"\0asm"):
            blob.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        pytest.param(unsigned_layout, Reason.UNSIGNED, id="unsigned manifest"),
        pytest.param(lambda folder: dual_layout(folder, OTHER_SIGNER), Reason.UNTRUSTED_KEY, id="foreign key"),
    ],
)
def test_an_image_below_its_level_is_refused_before_anything_is_sent(
    make: Callable[[Path], Path], reason: Reason, tmp_path: Path
) -> None:
    with pytest.raises(VerificationError) as refused:
        plan(request_for(make(tmp_path), "localhost:5000"))
    assert refused.value.reason is reason


def test_a_broken_layout_is_refused_before_anything_is_sent(tmp_path: Path) -> None:
    layout = dual_layout(tmp_path)
    break_component(layout)
    with pytest.raises(VerificationError) as refused:
        plan(request_for(layout, "localhost:5000"))
    assert refused.value.reason is Reason.DIGEST_MISMATCH


@pytest.mark.parametrize("tags", [(), ("",), ("{BUILD_VERSION}",), ("a" * 129,), (".hidden",), ("v1", "a/b")])
def test_a_tag_that_is_none_is_refused(tags: tuple[str, ...], tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        plan(request_for(dual_layout(tmp_path), "localhost:5000", tags=tags))


class LosesBundles(OwnClient):
    """A registry that answers well and forgets referrers."""

    def attach_referrer(
        self, subject: Digest, entry: Descriptor, data: bytes, additions: Additions | None = None
    ) -> Listing:
        return Listing.API


class MovesTags(OwnClient):
    """A registry where somebody else sets the tag at the same time."""

    def resolve(self, reference: str | Digest) -> tuple[Descriptor, bytes]:
        descriptor, data = super().resolve(reference)
        return (replace(descriptor, digest=Digest.of(b"other")), data) if reference == "v1" else (descriptor, data)


def human_tags_in(client: RepositoryClient) -> list[str]:
    return [tag for tag in ("v1", "latest") if client.find_manifest(tag)]


def test_a_registry_that_loses_bundles_gets_no_tag(tmp_path: Path) -> None:
    layout = dual_layout(tmp_path)
    with EmbeddedRegistry(tmp_path) as registry:
        request = request_for(layout, registry.address)
        with LosesBundles(request.repository, {}, [registry.address]) as client:
            with pytest.raises(VerificationError) as refused:
                run(request, client)
            assert refused.value.reason is Reason.POLICY_UNMET
            assert human_tags_in(client) == []


def test_a_registry_whose_copy_has_no_signature_gets_no_tag(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    layout = dual_layout(tmp_path)
    monkeypatch.setattr(RegistrySource, "cosign_tag", lambda *_: None)
    monkeypatch.setattr(RegistrySource, "referrers", lambda *_: ReferrerList())
    with EmbeddedRegistry(tmp_path) as registry, client_for(registry.address) as client:
        with pytest.raises(VerificationError) as refused:
            run(request_for(layout, registry.address), client)
        assert refused.value.reason is Reason.UNSIGNED
        assert human_tags_in(client) == []


def test_a_tag_that_moves_is_reported(tmp_path: Path) -> None:
    layout = dual_layout(tmp_path)
    with EmbeddedRegistry(tmp_path) as registry:
        request = request_for(layout, registry.address)
        with MovesTags(request.repository, {}, [registry.address]) as client:
            with pytest.raises(VerificationError) as refused:
                run(request, client)
    assert refused.value.reason is Reason.TAG_MOVED


def test_signatures_of_others_at_the_legacy_tag_are_kept(tmp_path: Path) -> None:
    ours, theirs = dual_layout(tmp_path), dual_layout(tmp_path, OTHER_SIGNER, "theirs")
    policy = Policy.of([KEY], [OTHER_SIGNER.public_key])
    with EmbeddedRegistry(tmp_path) as registry, client_for(registry.address) as client:
        run(replace(request_for(theirs, registry.address), policy=policy), client)
        run(request_for(ours, registry.address), client)
        found = client.find_manifest(CosignTag.SIGNATURES.of(Digest.parse(subject_of(ours))))
        assert found is not None
        assert len(Manifest.parse(found[1]).layers) == 2


def test_a_legacy_tag_that_does_not_keep_signatures_is_an_error(tmp_path: Path) -> None:
    layout = dual_layout(tmp_path)

    class Forgets(OwnClient):
        def find_manifest(
            self, reference: str | Digest, *, before_put: bool = False
        ) -> tuple[Descriptor, bytes] | None:
            return None

    with EmbeddedRegistry(tmp_path, referrers_api=True) as registry:
        request = request_for(layout, registry.address)
        with (
            Forgets(request.repository, {}, [registry.address]) as client,
            pytest.raises(Error, match="others keep overwriting"),
        ):
            run(request, client)


PLACEHOLDERS = frozenset({KEY.fingerprint})


def test_a_placeholder_key_is_refused_off_this_machine(tmp_path: Path) -> None:
    request = replace(request_for(dual_layout(tmp_path), "registry.example.com"), placeholders=PLACEHOLDERS)
    with pytest.raises(UsageError, match="placeholder"):
        plan(request)


@pytest.mark.parametrize(
    ("address", "allow"),
    [("localhost:5000", False), ("127.0.0.1:5000", False), ("[::1]:5000", False), ("registry.example.com", True)],
)
def test_a_placeholder_key_warns_where_it_is_allowed(address: str, allow: bool, tmp_path: Path) -> None:
    request = request_for(dual_layout(tmp_path), address)
    planned = plan(replace(request, placeholders=PLACEHOLDERS, allow_placeholders=allow))
    assert [warning for warning in planned.warnings if "placeholder" in warning]


def test_a_key_of_ones_own_warns_of_nothing(tmp_path: Path) -> None:
    other = frozenset({OTHER_SIGNER.public_key.fingerprint})
    planned = plan(replace(request_for(dual_layout(tmp_path), "registry.example.com"), placeholders=other))
    assert planned.warnings == []
