"""A remote cache: a machine without any key has the signatures that another made, and no key was ever in the cache.

Runs Bazel, so it is no Bazel test: `.ci/run` calls it.
"""

import hashlib
import shutil
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from bazel import digests
from machines import Machine, machine
from remote_services import remote_cache
from secret_keys import private_key_flags, secrets_below

IMAGE = "//tests/build:image"
LAYOUT = "tests/build/image"
COMPONENT = "tests/build/image.component.wasm"
MNEMONICS = ("Genrule", "WasmSign", "WasmOciPackage", "OciSign")


@dataclass(frozen=True)
class Shared:
    """A cache that one machine has filled, and another that may read it."""

    folder: Path
    http: str
    flags: list[str]
    layout: dict[str, str]
    signed_component: bytes
    without_keys: Machine
    keys: Path


@pytest.fixture(name="shared", scope="module")
def _shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shared]:
    folder, keys = tmp_path_factory.mktemp("cache"), tmp_path_factory.mktemp("keys")
    with remote_cache(folder) as (address, http), machine("another_machine") as other:
        flags = [*private_key_flags(keys), f"--remote_cache={address}"]
        with machine("machine_with_keys") as first:
            first.bazel("build", *flags, IMAGE)
            assert "remote cache hit" not in first.runners(MNEMONICS).values()
            layout, component = digests(first.built(LAYOUT)), first.built(COMPONENT).read_bytes()
        shutil.rmtree(keys)
        yield Shared(folder, http, flags, layout, component, other, keys)


def test_signatures_made_elsewhere_need_no_key(shared: Shared) -> None:
    other = shared.without_keys
    assert "No such file" in other.bazel("build", *shared.flags, "--remote_cache=", IMAGE, code=1).stderr
    other.forget()
    other.bazel("build", *shared.flags, IMAGE)
    assert other.runners(MNEMONICS) == dict.fromkeys(MNEMONICS, "remote cache hit")
    assert digests(other.built(LAYOUT)) == shared.layout
    assert len(shared.layout) > 6


def test_no_private_key_is_in_the_cache(shared: Shared) -> None:
    stored = digests(shared.folder / "bazel-remote").values()
    assert set(shared.layout.values()) <= set(stored), "the search sees what is in the cache"
    assert secrets_below(shared.folder) == []


def test_what_the_cache_was_made_to_give_is_verified_as_anything_else(shared: Shared) -> None:
    """The machine with the keys signs the image of a component that somebody changed in the cache."""
    forged = bytearray(shared.signed_component)
    forged[-1] ^= 1
    _forge(shared, shared.signed_component, bytes(forged))
    shared.keys.mkdir()
    private_key_flags(shared.keys)
    other = shared.without_keys
    other.forget()
    outcome = other.bazel("test", *shared.flags, "//tests/build:verify_image", code=3)
    assert other.runners(["WasmSign"]) == {"WasmSign": "remote cache hit"}
    assert other.built(COMPONENT).read_bytes() == forged
    assert "refused: DIGEST_MISMATCH" in outcome.text


def _forge(shared: Shared, content: bytes, forged: bytes) -> None:
    """Let the cache give `forged` wherever it gave `content`, which is as long."""
    old, new = (hashlib.sha256(data).hexdigest() for data in (content, forged))
    _put(f"{shared.http}/cas/{new}", forged)
    results = [
        path
        for path in (shared.folder / "bazel-remote").glob("ac*/**/*")
        if path.is_file() and old in path.read_text("latin1")
    ]
    assert results
    for path in results:
        key = path.name.partition("-")[0]
        _put(f"{shared.http}/ac/{key}", path.read_bytes().replace(old.encode(), new.encode()))


def _put(url: str, content: bytes) -> None:
    with urllib.request.urlopen(urllib.request.Request(url, content, method="PUT")) as response:
        assert response.status == 200
