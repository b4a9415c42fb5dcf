"""However Bazel runs the actions, they make the same: as programs or in workers, for one configuration or two.

Runs Bazel, so it is no Bazel test: `.ci/run` calls it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from bazel import Outcome, bazel, digests, json_stream
from secret_keys import SECRETS, private_key_flags

TARGETS = [
    "//tests/build:verified_component",
    "//tests/rules:attested_image",
    "//tests/rules:greeting_index",
    "//tests/rules:image_signed_by_two",
    "//tests/rules:signed_in_parts",
    "//tests/rules:signing_request",
]
MNEMONICS = {
    "OciAttest",
    "OciSign",
    "SigningRequest",
    "WasmOciIndex",
    "WasmOciPackage",
    "WasmSign",
    "WasmSplit",
    "WasmVerify",
}
PLAIN = [f"--strategy={mnemonic}=sandboxed" for mnemonic in sorted(MNEMONICS)]
# The flags of a kind of worker, and how Bazel calls it.
WORKERS = {
    "multiplex": ([], "non-sandboxed {} multiplex-worker"),
    "sandboxed multiplex": (
        ["--worker_sandboxing", "--experimental_worker_multiplex_sandboxing"],
        "sandboxed {} multiplex-worker",
    ),
    "one request at a time": (["--noworker_multiplex"], "non-sandboxed {} worker"),
    "sandboxed, one request at a time": (["--noworker_multiplex", "--worker_sandboxing"], "sandboxed {} worker"),
}


@dataclass(frozen=True)
class Module:
    """A place to build the same targets again and again."""

    startup: list[str]
    flags: list[str]
    folder: Path

    def build(self, *arguments: str) -> Outcome:
        """Build targets from nothing."""
        bazel("clean", startup=self.startup)
        recorded = f"--execution_log_json_file={self.folder / 'execution.json'}"
        return bazel("build", *self.flags, "--disk_cache=", recorded, *arguments, startup=self.startup)

    def ran(self) -> list[tuple[str, str]]:
        """The mnemonics of our actions in the build before, each with how it ran."""
        spawns = json_stream(self.folder / "execution.json")
        return [(spawn["mnemonic"], spawn["runner"]) for spawn in spawns if spawn["mnemonic"] in MNEMONICS]

    def info(self, name: str) -> Path:
        return Path(bazel("info", name, startup=self.startup).stdout.strip())

    def outputs(self) -> dict[str, str]:
        """The digests of all that was built."""
        folder = self.info("bazel-bin") / "tests"
        return {name: digest for name, digest in digests(folder).items() if not name.endswith(".params")}


@pytest.fixture(name="module", scope="module")
def _module(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Module]:
    startup = [f"--output_base={tmp_path_factory.mktemp('base')}"]
    folder = tmp_path_factory.mktemp("module")
    try:
        yield Module(startup, private_key_flags(tmp_path_factory.mktemp("secrets")), folder)
    finally:
        bazel("shutdown", startup=startup)


@pytest.fixture(name="plain", scope="module")
def _plain(module: Module) -> dict[str, str]:
    module.build(*PLAIN, *TARGETS)
    assert set(module.ran()) == {(mnemonic, "linux-sandbox") for mnemonic in MNEMONICS}
    return module.outputs()


@pytest.mark.parametrize("kind", WORKERS)
def test_workers_make_the_same_bytes(kind: str, module: Module, plain: dict[str, str]) -> None:
    flags, name = WORKERS[kind]
    outcome = module.build(*flags, "--worker_verbose", "--worker_quit_after_build", *TARGETS)
    assert set(module.ran()) == {(mnemonic, "worker") for mnemonic in MNEMONICS}
    for mnemonic in MNEMONICS:
        assert f"Created new {name.format(mnemonic)} " in outcome.stderr
    assert module.outputs() == plain
    assert len(plain) > 50

    logs = sorted(module.info("output_base").glob("bazel-workers/*.log"))
    assert len(logs) >= len(MNEMONICS)
    for text in (outcome.text.encode(), (module.folder / "execution.json").read_bytes(), *map(Path.read_bytes, logs)):
        assert [secret for secret in SECRETS if secret in text] == []


# Bazel 7.7 starts no multiplex worker whose path is mapped.
@pytest.mark.parametrize("kind", [PLAIN, ["--noworker_multiplex", "--worker_sandboxing"]])
def test_what_is_built_for_two_configurations_is_signed_once(kind: list[str], module: Module, tmp_path: Path) -> None:
    mapping = [
        "--experimental_output_paths=strip",
        "--modify_execution_info=(Oci|Wasm).*=+supports-path-mapping",
        f"--disk_cache={tmp_path}",
        "--jobs=1",
    ]
    images = ["//tests/build:image_in_dbg", "//tests/build:image_in_opt"]
    module.build(*kind, *mapping, *images)
    ran = module.ran()
    for mnemonic in ("OciSign", "WasmOciPackage", "WasmSign"):
        (first, second) = (runner for one, runner in ran if one == mnemonic)
        assert {first, second} == {"linux-sandbox" if kind == PLAIN else "worker", "disk cache hit"}
