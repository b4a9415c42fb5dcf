"""The same policy gives the same verdict on an image wherever it is asked: in commands, Bazel and the monitor."""

import datetime
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import count

import pytest
from click.testing import Result
from hypothesis import HealthCheck, Phase, assume, example, given, settings
from hypothesis import strategies as st

from copy_fixtures import client_at, send_layout
from image_fixtures import REPOSITORY, MemoryImage
from policy_desk_fixtures import Desk, run
from policy_space_fixtures import AFTER, BEFORE, END, MORE, Policy, days, full_images, policies, verdict, with_attached
from wasmoci.commands import policy_explain
from wasmoci.commands.main import main
from wasmoci.monitor.check import Failure, check
from wasmoci.monitor.config import Target
from wasmoci.monitor.observed import Known
from wasmoci.monitor.trusted import Trusted
from wasmoci.policy import choice
from wasmoci.registry_server.server import EmbeddedRegistry
from wasmoci.values.image_reference import Reference, Repository

# Of each image, which differ only in what is attached to them.
MIRRORS = count()
ENDING = {"second": f"until: {END}"}
VERDICTS = {0: "verified", 1: "unknown", 3: "refused"}


@pytest.fixture(name="desk", scope="module")
def _desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    folder = tmp_path_factory.mktemp("desk")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RUNFILES_DIR", str(folder))
        patch.delenv("RUNFILES_MANIFEST_FILE", raising=False)
        desk = Desk(folder)
        desk.files["root.json"] = "root.json"
        yield desk


@pytest.fixture(name="registry", scope="module")
def _registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with EmbeddedRegistry(tmp_path_factory.mktemp("registry")) as server:
        yield server.address


def monitor(desk: Desk, address: str, today: datetime.date) -> str:
    """What it observes at first sight, in a registry of the same images."""
    reference = Reference(Repository(address, f"acme/mirror{next(MIRRORS)}"), "v1", None)
    target = Target("x", reference.repository, reference, named=Repository.parse(REPOSITORY))
    trusted = Trusted.read(desk.policy, today, "1.0")
    with client_at(address, reference.repository.path) as client:
        send_layout(desk.folder / "layout", client)
        observed = check(reference, target, client, Known(), trusted, is_due=True).observed
    if isinstance(observed, Failure):
        assert observed.kind != "bug"
        return "unknown"
    return observed.outcome.value


@settings(
    max_examples=20,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
@given(image=full_images, policy=policies(), more=st.lists(st.sampled_from(MORE), max_size=1), today=days)
@example(image=with_attached([5]), policy=Policy(["first"], []), more=["log: required"], today=BEFORE)
@example(image=with_attached([6]), policy=Policy(["second"], [], ends=ENDING), more=[], today=BEFORE)
@example(image=with_attached([6]), policy=Policy(["second"], [], ends=ENDING), more=[], today=AFTER)
@example(image=with_attached([6]), policy=Policy(["second"], [], ends=ENDING), more=[], today=None)
def test_the_verdict(
    image: MemoryImage,
    policy: Policy,
    more: Sequence[str],
    today: datetime.date | None,
    desk: Desk,
    registry: str,
) -> None:
    policy = replace(policy, more=more)
    file = policy.parse(desk.folder)
    assume(file is not None)
    assert file is not None
    desk.put(image, policy.text)
    expected = verdict(image, file, today)
    results: dict[str, Result]
    with pytest.MonkeyPatch.context() as patch:
        for module in (choice, policy_explain):
            patch.setattr(module, "today", lambda: today)
        if today is None:
            results = {"test": desk.test(), "action": desk.action()}
        else:
            explained = run(main, "policy", "explain", desk.policy, desk.folder / "layout", "--as", REPOSITORY)
            results = {"verify": desk.verify(), "pull": desk.pull(), "explain": explained}
            results["test"] = desk.test(reads_clock=True)
            assert (desk.folder / "pulled.wasm").exists() == (expected == "verified")
    found = {name: VERDICTS[result.exit_code] for name, result in results.items()}
    if today is not None:
        found["monitor"] = monitor(desk, registry, today)
    assert found == dict.fromkeys(found, expected)
