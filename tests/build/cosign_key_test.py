"""A pair that the real cosign made and encrypted signs in a build and when its image is published."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from bazel import ROOT, bazel, in_toolbox, lasting_folder, registry

PASSWORD = "marked-password"
PREFIX = "oci-signing-demo"

MODULE = f"""\
module(name = "cosign_key")

bazel_dep(name = "rules_wasm_oci")
local_path_override(
    module_name = "rules_wasm_oci",
    path = "{ROOT}",
)
"""

BUILD = """\
load(
    "@rules_wasm_oci//wasm_oci:defs.bzl",
    "wasm_component_key",
    "wasm_component_secure_publish",
    "wasm_component_signed_oci_image",
    "wasm_oci_key",
)

wasm_component_key(
    name = "component_key",
    placeholder_private_key = "placeholder_component.key",
    public_key = "placeholder_component.pub",
)

wasm_oci_key(
    name = "in_build",
    public_key = "oci-signing-demo.pub",
)

wasm_oci_key(
    name = "when_published",
    public_key = "oci-signing-demo.pub",
    reference = "env://COSIGN_PRIVATE_KEY",
)

[
    wasm_component_signed_oci_image(
        name = key + "_image",
        component = "adder.wasm",
        component_signing_keys = ":component_key",
        oci_signing_key = key,
    )
    for key in ["in_build", "when_published"]
]

[
    wasm_component_secure_publish(
        name = "publish_" + key,
        signed_oci_image = key + "_image",
    )
    for key in ["in_build", "when_published"]
]
"""


@dataclass(frozen=True)
class Desk:
    """A module, and a folder outside of it that holds the private key and its password."""

    module: Path
    secrets: Path

    @property
    def key(self) -> Path:
        return self.secrets / f"{PREFIX}.key"

    def flags(self, password: str) -> list[str]:
        """What names the key and the file of its password; of another password in a second file."""
        file = self.secrets / f"{password}.txt"
        file.write_text(password + "\n")
        file.chmod(0o600)
        settings = {"oci_private_key_path": self.key, "oci_password_path": file}
        return [f"--@rules_wasm_oci//wasm_oci:{name}={value}" for name, value in settings.items()]

    def publish(self, name: str, address: str, *flags: str) -> None:
        reach = ["--registry", address, "--insecure-registry", address]
        bazel("run", f"//:publish_{name}", *flags, "--", *reach, folder=self.module)

    def verify(self, name: str, address: str) -> None:
        image = f"{address}/library/{name}_image:latest"
        in_toolbox("cosign", "verify", "--insecure-ignore-tlog", "--key", self.module / f"{PREFIX}.pub", image)


@pytest.fixture(name="desk", scope="module")
def _desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    desk = Desk(lasting_folder("cosign_key"), tmp_path_factory.mktemp("secrets"))
    make = f'cd "$1" && exec cosign generate-key-pair --output-key-prefix {PREFIX}'
    in_toolbox("sh", "-c", make, "sh", desk.secrets, COSIGN_PASSWORD=PASSWORD)
    assert b"ENCRYPTED SIGSTORE PRIVATE KEY" in desk.key.read_bytes()
    (desk.module / "MODULE.bazel").write_text(MODULE)
    (desk.module / "BUILD.bazel").write_text(BUILD)
    shutil.copy(desk.secrets / f"{PREFIX}.pub", desk.module)
    shutil.copy(ROOT / "e2e/smoke/adder.wasm", desk.module)
    for name in ("placeholder_component.key", "placeholder_component.pub"):
        shutil.copy(ROOT / "e2e/smoke/keys" / name, desk.module)
    yield desk
    bazel("shutdown", folder=desk.module)


def test_it_signs_in_a_build_with_its_password_in_a_file(desk: Desk, tmp_path: Path) -> None:
    with registry(tmp_path / "registry") as address:
        desk.publish("in_build", address, *desk.flags(PASSWORD))
        desk.verify("in_build", address)


def test_it_signs_when_published_with_its_password_in_a_variable(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COSIGN_PRIVATE_KEY", desk.key.read_text())
    monkeypatch.setenv("COSIGN_PASSWORD", PASSWORD)
    with registry(tmp_path / "registry") as address:
        desk.publish("when_published", address)
        desk.verify("when_published", address)


@pytest.mark.parametrize("how", ["variable", "file"])
def test_it_signs_when_the_command_publishes(how: str, desk: Desk, tmp_path: Path) -> None:
    """The image is built unsigned, and `wasm-oci publish` signs it."""
    bazel("build", "//:in_build_image.unsigned", folder=desk.module)
    layout, public = desk.module / "bazel-bin/in_build_image.unsigned", desk.module / f"{PREFIX}.pub"
    password_file = tmp_path / "password"
    password_file.write_text(PASSWORD + "\n")
    password_file.chmod(0o600)
    environment = {"COSIGN_PASSWORD": PASSWORD} if how == "variable" else {}
    password: list[str | Path] = [] if how == "variable" else ["--password-file", password_file]
    trust: list[str | Path] = ["--component-key", desk.module / "placeholder_component.pub", "--oci-key", public]
    with registry(tmp_path / "registry") as address:
        to = [f"{address}/library/in_build_image", "--tag", "latest", "--insecure-registry", address]
        command: list[str | Path] = [ROOT / "bazel-bin/tools/wasm_oci", "publish", layout, *to, *trust]
        in_toolbox(*command, "--key", desk.key, *password, **environment)
        desk.verify("in_build", address)


@pytest.mark.parametrize("flags", ["wrong", "none"])
def test_without_its_password_it_signs_nothing(flags: str, desk: Desk) -> None:
    given = desk.flags("marked-wrong-password")[: None if flags == "wrong" else 1]
    outcome = bazel("build", "//:in_build_image", *given, folder=desk.module, code=1)
    assert "password" in outcome.stderr
    assert "Traceback" not in outcome.stderr
    assert "marked" not in outcome.text.replace("marked-wrong-password.txt", "")
