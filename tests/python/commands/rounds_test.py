"""How many requests a verdict on an image in a registry costs, and in how many rounds, one after the other."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from click.testing import CliRunner

from copy_fixtures import index_layout, send_layout
from image_fixtures import (
    HELLO,
    OTHER_SIGNER,
    SIGNED_HELLO,
    SIGNER,
    MemoryImage,
    attach_bundle,
    attach_detached,
    attach_legacy,
    fully_signed,
    legacy_layer,
    write_layout,
)
from observed_registry_fixtures import ObservedRegistry
from publish_fixtures import PATH, client_for
from registry_auth_fixtures import BearerAuth
from registry_fixtures import PASSWORD, password_for
from rounds_fixtures import Rounds, counted_client
from wasm_fixtures import KEY, detached, signed
from wasmoci.commands.main import main
from wasmoci.keys.component import pem_public
from wasmoci.oci.manifest import Manifest
from wasmoci.registry.client import MAX_READ_AHEAD, Registries
from wasmoci.wasm.sections import u32


def dual(component: bytes = SIGNED_HELLO) -> MemoryImage:
    """Signed on both layers, in both formats."""
    return fully_signed(component)


def of_two() -> MemoryImage:
    """The same, and signed by another in both formats."""
    image = dual()
    attach_bundle(image, OTHER_SIGNER)
    attach_legacy(image, [legacy_layer(image), legacy_layer(image, OTHER_SIGNER)])
    return image


def beside() -> MemoryImage:
    """The component's signature is in a referrer."""
    image = dual(HELLO)
    attach_detached(image, detached(HELLO))
    return image


def large() -> MemoryImage:
    """The component is too large to be read ahead."""
    content = b"\1a" + bytes(MAX_READ_AHEAD)
    return dual(signed(HELLO + b"\0" + u32(len(content)) + content))


POLICY = """\
apiVersion: wasm-oci/v1
signers:
  release: {componentKey: component.pub, imageKey: oci.pub}
rules:
- match: "**"
  component: {anyOf: [release]}
  image: {anyOf: [release]}
"""


@dataclass(frozen=True)
class Counted:
    """What commands asked a registry for."""

    rounds: Rounds

    @property
    def counts(self) -> tuple[int, int]:
        return self.rounds.count, len(self.rounds.asked)

    def __str__(self) -> str:
        return "\n".join(map(str, self.rounds.asked))


class Place:
    """A registry with an image, and a command that is counted there."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self._folder = folder
        self._monkeypatch = monkeypatch

    def run(
        self,
        image: MemoryImage,
        command: str,
        *,
        referrers_api: bool = False,
        token: bool = False,
        both: bool = True,
        times: int = 1,
        code: int = 0,
    ) -> Counted:
        """Ask for both layers, or for that of the component alone."""
        trusted = ["--component-key", "component.pub"]
        trusted += ["--oci-key", "oci.pub"] if both else ["--require", "component-only"]
        output = ["--output", "out.wasm"] if command == "pull" else []
        layout = write_layout(image, self._folder / "layout")
        arguments = [command, *["IMAGE"] * times, *output, *trusted]
        return self.count(layout, *arguments, referrers_api=referrers_api, token=token, code=code)

    def count(
        self, layout: Path, *arguments: str, referrers_api: bool = False, token: bool = False, code: int = 0
    ) -> Counted:
        """Run a command in the folder, in whose arguments IMAGE is what is in the layout."""
        folder, rounds = self._folder, Rounds()
        self._monkeypatch.chdir(folder)
        (folder / "component.pub").write_bytes(pem_public(KEY))
        (folder / "oci.pub").write_bytes(SIGNER.public_key.pem())
        (folder / "policy.yaml").write_text(POLICY)
        registry = ObservedRegistry(folder / "registry", referrers_api=referrers_api)
        with registry:
            with client_for(registry.address) as client:
                send_layout(layout, client)
            registry.auth = BearerAuth("user", PASSWORD) if token else None
            with counted_client(registry.address, PATH, rounds, password_for(registry.address, folder)) as counted:
                self._monkeypatch.setattr(Registries, "client", lambda *_: counted)
                target = f"{registry.address}/{PATH}:v1"
                result = CliRunner().invoke(main, [target if one == "IMAGE" else one for one in arguments])
        assert result.exit_code == code, result.output
        return Counted(rounds)


@pytest.fixture(name="place")
def _place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    return Place(tmp_path, monkeypatch)


@pytest.mark.parametrize("command", ["verify", "pull"])
@pytest.mark.parametrize("referrers_api", [False, True])
@pytest.mark.parametrize(("make", "expected"), [(dual, (4, 9)), (of_two, (4, 11)), (beside, (4, 11)), (large, (5, 9))])
def test_both_layers(
    make: Callable[[], MemoryImage], expected: tuple[int, int], referrers_api: bool, command: str, place: Place
) -> None:
    counted = place.run(make(), command, referrers_api=referrers_api)
    assert counted.counts == expected, str(counted)


@pytest.mark.parametrize("command", ["verify", "pull"])
@pytest.mark.parametrize("referrers_api", [False, True])
def test_with_a_token(referrers_api: bool, command: str, place: Place) -> None:
    counted = place.run(dual(), command, referrers_api=referrers_api, token=True)
    assert counted.counts == (6, 11), str(counted)


@pytest.mark.parametrize(
    ("make", "referrers_api", "expected"),
    [(dual, False, (2, 3)), (dual, True, (2, 3)), (beside, False, (6, 8)), (beside, True, (5, 7))],
)
def test_the_component_alone(
    make: Callable[[], MemoryImage], referrers_api: bool, expected: tuple[int, int], place: Place
) -> None:
    """Signatures of the image are not asked for, and a list is where there is none in the component."""
    counted = place.run(make(), "verify", referrers_api=referrers_api, both=False)
    assert counted.counts == expected, str(counted)


@pytest.mark.parametrize(("referrers_api", "expected"), [(False, 9), (True, 8)])
def test_a_registry_with_the_referrers_api_is_asked_once_for_the_index_that_replaces_it(
    referrers_api: bool, expected: int, place: Place
) -> None:
    counted = place.run(dual(), "verify", referrers_api=referrers_api, times=2)
    assert counted.counts == (8, 9 + expected), str(counted)


def test_a_large_component_is_not_read_ahead(place: Place) -> None:
    image = large()
    counted = place.run(image, "verify")
    path = f"/v2/{PATH}/blobs/{Manifest.parse(image.blobs[image.image.digest]).layers[0].digest}"
    (asked,) = (one for one in counted.rounds.asked if one.path == path)
    assert [one.path for one in counted.rounds.asked if one.round == asked.round] == [path], str(counted)


KEYS = ("--component-key", "component.pub", "--oci-key", "oci.pub")
ATTESTATION = ("--type", "slsaprovenance1", "--oci-key", "oci.pub")


@pytest.mark.parametrize(
    ("arguments", "image", "index"),
    [
        (["verify", "IMAGE", *KEYS], (4, 9), (4, 23)),
        (["pull", "IMAGE", "--layout", "pulled", *KEYS], (4, 15), None),
        (["inspect", "IMAGE"], (5, 11), (5, 29)),
        (["diff", "IMAGE", "IMAGE"], (4, 6), None),
        (["policy", "explain", "policy.yaml", "IMAGE"], (4, 9), (4, 23)),
        (["policy", "init", "IMAGE", "--output", "new.yaml", *KEYS], (4, 9), (4, 23)),
        (["clean", "IMAGE", "--oci-key", "oci.pub", "--dry-run"], (4, 8), (4, 22)),
    ],
    ids=lambda value: " ".join(value[:2]) if isinstance(value, list) else "",
)
def test_every_command_that_takes_a_reference(
    arguments: list[str], image: tuple[int, int], index: tuple[int, int] | None, place: Place, tmp_path: Path
) -> None:
    """An index of two images takes no more rounds than one."""
    counted = place.count(write_layout(dual(), tmp_path / "image"), *arguments)
    assert counted.counts == image, str(counted)
    if index is not None:
        (tmp_path / "new.yaml").unlink(missing_ok=True)
        counted = place.count(index_layout(tmp_path), *arguments)
        assert counted.counts == index, str(counted)


def test_an_attestation(place: Place, tmp_path: Path) -> None:
    """The images of an index are not asked for."""
    arguments = ("verify-attestation", "IMAGE", *ATTESTATION)
    counted = place.count(index_layout(tmp_path), *arguments, code=3)
    assert counted.counts == (6, 9), str(counted)
    counted = place.count(write_layout(dual(), tmp_path / "image"), *arguments, code=3)
    assert counted.counts == (4, 9), str(counted)


def test_an_index_of_which_the_component_layer_counts(place: Place, tmp_path: Path) -> None:
    arguments = ("verify", "IMAGE", "--component-key", "component.pub", "--require", "component-only")
    counted = place.count(index_layout(tmp_path), *arguments)
    assert counted.counts == (3, 5), str(counted)
