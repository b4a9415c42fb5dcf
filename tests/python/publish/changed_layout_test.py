"""A layout whose component is changed after it was verified: what was not verified is not sent, or not taken."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from changed_file_fixtures import CHANGES, Change, grown, overwritten, replaced
from counted_file_fixtures import count_reads
from image_fixtures import HELLO, SIGNER, blob_path
from observed_registry_fixtures import Event, ObservedRegistry
from publish_fixtures import DUAL, PATH, client_for, request_for
from registry_fixtures import OwnClient
from wasm_fixtures import signed
from wasmoci.disk import blob_files
from wasmoci.disk.layout import Layout
from wasmoci.oci.manifest import Descriptor
from wasmoci.oci.progress import SILENT, Progress
from wasmoci.package.image import PackageRequest, package
from wasmoci.publish.copy import copy_to_registry, plan_copy
from wasmoci.publish.plan import plan, publish
from wasmoci.publish.send import Destination, Published
from wasmoci.sign.image import SignRequest, sign_image
from wasmoci.values.digest import BLOCK_SIZE, Digest
from wasmoci.values.errors import Error, Reason, RegistryError, VerificationError
from wasmoci.verify.policy import Policy
from wasmoci.wasm.sections import custom_section

COMPONENT = signed(HELLO + custom_section("more", bytes(5 * BLOCK_SIZE)))
BLOB = Descriptor("application/wasm", Digest.of(COMPONENT), len(COMPONENT))


class Case:
    """A signed layout, and a registry that it is to go to."""

    def __init__(self, folder: Path, address: str, client: OwnClient, events: list[Event]) -> None:
        component, unsigned, self.layout = folder / "hello.wasm", folder / "unsigned", folder / "dual"
        component.write_bytes(COMPONENT)
        package(PackageRequest(component, unsigned))
        sign_image(SignRequest(unsigned, self.layout, f"localhost:5000/{PATH}"), SIGNER)
        self.file = blob_path(self.layout, BLOB.digest)
        self.request = request_for(self.layout, address)
        self.client = client
        self.events = events

    def publish(self, change: Change, *, while_sent: bool = False) -> Published:
        """The component's file is changed after it was verified, or when its first bytes are on their way."""
        planned = plan(self.request)
        changes = [change] if while_sent else []

        def moved(blob: Descriptor, _: int) -> None:
            if changes and blob.digest == BLOB.digest:
                changes.pop()(self.file)

        if not while_sent:
            change(self.file)
        return publish(self.request, planned, self.client, Progress(lambda _: None, moved))

    def check_nothing_is_published(self) -> None:
        assert self.client.find_manifest("v1") is None
        assert not self.client.has_blob(BLOB)

    @property
    def uploads(self) -> list[str]:
        return [event.path for event in self.events if event.method == "PUT" and BLOB.digest.hex in event.path]


@pytest.fixture(name="case")
def _case(tmp_path: Path) -> Iterator[Case]:
    events: list[Event] = []
    with ObservedRegistry(tmp_path / "registry", observer=events.append) as registry:
        with client_for(registry.address) as client:
            yield Case(tmp_path, registry.address, client, events)


@pytest.mark.parametrize("change", CHANGES)
def test_before_it_is_sent(change: Change, case: Case) -> None:
    with pytest.raises(VerificationError, match=str(BLOB.digest)) as refused:
        case.publish(change)
    assert refused.value.reason is Reason.DIGEST_MISMATCH
    assert case.uploads == []
    case.check_nothing_is_published()


@pytest.mark.parametrize("change", [change for change in CHANGES if change is not replaced])
def test_while_it_is_sent(change: Change, case: Case) -> None:
    with pytest.raises(Error):
        case.publish(change, while_sent=True)
    if change is grown:
        # The component is there, whole; what its file has more of is not.
        assert case.client.find_manifest("v1") is None
    else:
        case.check_nothing_is_published()


def test_another_file_of_its_name_while_it_is_sent(case: Case) -> None:
    assert case.publish(replaced, while_sent=True).tags_set == ("v1", "latest")


@pytest.mark.parametrize("while_sent", [False, True])
def test_a_change_that_no_clock_shows(while_sent: bool, case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    """The registry holds what it gets against the digest."""
    state = blob_files.FileState.of
    monkeypatch.setattr(blob_files.FileState, "of", lambda file: state(file)._replace(written=0, changed=0))
    with pytest.raises(RegistryError, match="DIGEST_INVALID"):
        case.publish(overwritten, while_sent=while_sent)
    case.check_nothing_is_published()


def test_a_file_that_was_touched(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is hashed again before it is sent."""
    counts = count_reads(monkeypatch)
    assert case.publish(Path.touch).tags_set == ("v1", "latest")
    assert 3 * BLOB.size <= counts[BLOB.digest] <= 3 * BLOB.size + 2 * BLOCK_SIZE


def test_the_component_is_read_twice(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    """To verify it, and to send it."""
    counts = count_reads(monkeypatch)
    case.publish(lambda _: None)
    assert 2 * BLOB.size <= counts[BLOB.digest] <= 2 * BLOB.size + 2 * BLOCK_SIZE


@pytest.mark.parametrize("policy", [None, DUAL], ids=["unverified", "verified"])
def test_a_copied_component_is_read_twice(case: Case, policy: Policy | None, monkeypatch: pytest.MonkeyPatch) -> None:
    counts = count_reads(monkeypatch)
    planned = plan_copy(Layout(case.layout), policy, recursive=False)
    copy_to_registry(planned, Destination(case.client, ["v1"]), SILENT)
    assert 2 * BLOB.size <= counts[BLOB.digest] <= 2 * BLOB.size + 2 * BLOCK_SIZE


@pytest.mark.parametrize("policy", [None, DUAL], ids=["unverified", "verified"])
def test_what_is_copied_and_was_changed(case: Case, policy: Policy | None) -> None:
    planned = plan_copy(Layout(case.layout), policy, recursive=False)
    overwritten(case.file)
    with pytest.raises(VerificationError, match=str(BLOB.digest)):
        copy_to_registry(planned, Destination(case.client, ["v1"]), SILENT)
    case.check_nothing_is_published()
