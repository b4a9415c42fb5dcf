"""wasm-tools judges changes as we do: between the versions of WASI, and of worlds made by chance.

WASM_OCI_CHANGES says how many of these; CONTRIBUTING.md has the command for a thousand.
"""

import os
from collections.abc import Sequence
from itertools import permutations
from pathlib import Path

import pytest

from peers import corpus, run, run_refused
from wasmoci.wasm.changes import Change, Kind, find_changes
from wasmoci.wasm.sections import Kind as FileKind
from wasmoci.wasm.sections import read_kind
from wasmoci.wasm.typed_interface import TypedInterface, read_typed_interface
from worlds import PACKAGE, Chance, World

WASI = Path("/usr/local/share/wasi")
WORLDS = ("wasi:cli/command", "wasi:cli/imports", "wasi:http/proxy")
VERSIONS = ("0.2.0", "0.2.1", "0.2.2", "0.2.3", "0.2.4", "0.2.9", "0.2.12")
MADE = int(os.environ.get("WASM_OCI_CHANGES", "40"))


def _package(folder: Path, name: str, interfaces: Path | str) -> None:
    """Put a package, or packages of WASI, among the dependencies of the package in the folder."""
    (folder / "root.wit").write_text("package x:root;\n")
    target = folder / "deps"
    target.mkdir(exist_ok=True)
    if isinstance(interfaces, str):
        (target / f"{name}.wit").write_text(interfaces)
        return
    for entry in interfaces.iterdir():
        (target / f"{name}-{entry.name}").symlink_to(entry)


def _typed(folder: Path, world: str) -> TypedInterface:
    """That of a component of nothing but this world."""
    run("wasm-tools", "component", "embed", "--dummy", "--world", world, ".", "--output", "module.wasm", folder=folder)
    run("wasm-tools", "component", "new", "module.wasm", "--output", "component.wasm", folder=folder)
    with (folder / "component.wasm").open("rb") as stream:
        return read_typed_interface(stream)


def _judge(folder: Path, worlds: Sequence[str], *, accepts: bool) -> None:
    judge = run if accepts else run_refused
    refused = judge(
        "wasm-tools", "component", "semver-check", "--prev", worlds[0], "--new", worlds[1], ".", folder=folder
    )
    assert accepts or "is not semver-compatible" in refused.stderr


def _fits(changes: Sequence[Change]) -> bool:
    return all(change.is_compatible for change in changes)


@pytest.fixture(name="wasi", scope="module")
def _wasi(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str], TypedInterface]:
    """By world and version."""
    if not WASI.is_dir():
        pytest.fail("the interfaces of WASI are missing: see tools/toolbox/peers")
    found = {}
    for version in VERSIONS:
        folder = tmp_path_factory.mktemp("wasi")
        _package(folder, version, WASI / version)
        for world in WORLDS:
            found[world, version] = _typed(folder, f"{world}@{version}")
    return found


@pytest.mark.parametrize("world", WORLDS)
def test_versions_of_wasi(world: str, wasi: dict[tuple[str, str], TypedInterface], tmp_path: Path) -> None:
    """Each version of a world can be had where a later one is offered; the other way where nothing was added."""
    for version in VERSIONS:
        _package(tmp_path, version, WASI / version)
    verdicts = set()
    for old, new in permutations(VERSIONS, 2):
        fits = _fits(find_changes(wasi[world, new], wasi[world, old]))
        verdicts.add((fits, VERSIONS.index(old) < VERSIONS.index(new)))
        _judge(tmp_path, [f"{world}@{old}", f"{world}@{new}"], accepts=fits)
    assert verdicts == {(True, True), (True, False), (False, False)}


@pytest.mark.parametrize("seed", range(MADE))
def test_worlds_by_chance(seed: int, tmp_path: Path) -> None:
    chance = Chance(seed)
    old = chance.world()
    fits = _fits(_changes(tmp_path, old, chance.changed(old), "1.0.1"))
    _judge(tmp_path, [f"{PACKAGE}/w@1.0.0", f"{PACKAGE}/w@1.0.1"], accepts=fits)


def test_a_new_major_version_is_told_by_us_alone(tmp_path: Path) -> None:
    chance = Chance(0)
    old = chance.world()
    old.imports, old.exports = ["i0"], []
    changes = _changes(tmp_path, old, old, "2.0.0")
    assert [change.kind for change in changes] == [Kind.TRACK]
    assert not _fits(changes)
    _judge(tmp_path, [f"{PACKAGE}/w@1.0.0", f"{PACKAGE}/w@2.0.0"], accepts=True)


def test_real_components_are_read() -> None:
    found = {}
    for path in corpus():
        with path.open("rb") as stream:
            if read_kind(stream) is FileKind.COMPONENT:
                found[path.name] = read_typed_interface(stream)
    assert len(found) > 3
    assert all(typed.exports for typed in found.values())
    codecs = [typed for name, typed in found.items() if name.startswith("numcodecs")]
    assert [find_changes(codecs[0], codec) for codec in codecs] == [[]] * 4


def _changes(folder: Path, old: World, new: World, version: str) -> list[Change]:
    """What changes from a component of the new world, which is of this version, to one of the old world."""
    _package(folder, "old", old.text("1.0.0"))
    _package(folder, "new", new.text(version))
    before, after = (_typed(folder, f"{PACKAGE}/w@{text}") for text in ("1.0.0", version))
    return find_changes(after, before)
