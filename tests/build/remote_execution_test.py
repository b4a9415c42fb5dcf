"""Remote execution: packaging and verification run on other machines, signing runs here, and all make the same bytes.

Runs Bazel, so it is no Bazel test: `.ci/run` calls it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from bazel import digests
from machines import Machine, machine
from remote_services import remote_execution
from secret_keys import private_key_flags, secrets_below

IMAGE = "//tests/build:image"
LAYOUT = "tests/build/image"
VERIFY = "//tests/build:verify_image"
HERE = {"WasmSign": "worker", "OciSign": "worker"}
ELSEWHERE = {"Genrule": "remote", "WasmOciPackage": "remote", "TestRunner": "remote"}
ACTIONS = ("WasmSign", "WasmOciPackage", "OciSign")


@dataclass(frozen=True)
class Built:
    """A machine with keys, and what it and an engine made together."""

    machine: Machine
    flags: list[str]
    remote: list[str]
    kept: Path
    layout: dict[str, str]
    runners: dict[str, str]


@pytest.fixture(name="built", scope="module")
def _built(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Built]:
    flags = private_key_flags(tmp_path_factory.mktemp("keys"))
    with remote_execution() as (address, home), machine("machine_with_keys") as here:
        remote = [
            f"--remote_executor={address}",
            "--remote_default_exec_properties=OSFamily=linux",
            "--remote_max_connections=1",
            "--spawn_strategy=remote,worker,linux-sandbox",
        ]
        here.bazel("test", *flags, *remote, VERIFY)
        runners = here.runners([*HERE, *ELSEWHERE])
        yield Built(here, flags, remote, home, digests(here.built(LAYOUT)), runners)


def test_signing_runs_here_and_all_else_elsewhere(built: Built) -> None:
    assert built.runners == HERE | ELSEWHERE


def test_actions_have_no_network_elsewhere_either(built: Built) -> None:
    built.machine.bazel("build", *built.flags, *built.remote, "//tests/build:interfaces")
    assert built.machine.runners(["Genrule"]) == {"Genrule": "remote"}
    lines = built.machine.built("tests/build/interfaces.txt").read_text().splitlines()[2:]
    assert [line.partition(":")[0].strip() for line in lines] == ["lo"]


def test_no_private_key_is_in_what_the_engine_keeps(built: Built) -> None:
    stored = set(digests(built.kept / "buildgrid").values())
    assert set(built.layout.values()) <= stored, "the search sees what is kept"
    assert secrets_below(built.kept) == []


@pytest.mark.parametrize("place", ["local", "linux-sandbox", "worker"])
def test_every_place_makes_the_same_bytes(built: Built, place: str) -> None:
    built.machine.forget()
    built.machine.bazel("build", *built.flags, f"--spawn_strategy={place},linux-sandbox", IMAGE)
    assert built.machine.runners(ACTIONS) == dict.fromkeys(ACTIONS, place)
    assert digests(built.machine.built(LAYOUT)) == built.layout
    assert len(built.layout) > 6
