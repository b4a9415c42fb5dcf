"""Keys that never leave a token (SoftHSM) sign both layers when an image is published; the real peers verify."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from images import signed_component
from peers import REGISTRIES, registry, run, run_refused
from wasmoci.keys.component import compact_public
from wasmoci.keys.component_files import load_component_key
from wasmoci.package.image import PackageRequest, package
from wasmoci.sign.edit import detach_signature

MODULE = "/usr/lib/softhsm/libsofthsm2.so"
PIN = "marked-pin"
IMAGE_KEY, COMPONENT_KEY = "pkcs11:token=wasm;object=image", "pkcs11:token=wasm;object=component"
VERIFY = ("cosign", "verify", "--insecure-ignore-tlog", "--allow-http-registry")
LEGACY = "--new-bundle-format=false"


@pytest.fixture(name="token", scope="module")
def _token(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """A token with a P-256 and an Ed25519 key; gives the environment in which it is found."""
    folder = tmp_path_factory.mktemp("token")
    (folder / "tokens").mkdir()
    (folder / "softhsm2.conf").write_text(f"directories.tokendir = {folder / 'tokens'}\n")
    found = {
        "COSIGN_PKCS11_MODULE_PATH": MODULE,
        "COSIGN_PKCS11_PIN": PIN,
        "SOFTHSM2_CONF": str(folder / "softhsm2.conf"),
    }
    new = ("--init-token", "--free", "--label", "wasm", "--pin", PIN, "--so-pin", PIN)
    run("softhsm2-util", *new, folder=folder, environment=found)
    for kind, label, number in (("EC:prime256v1", "image", "01"), ("EC:edwards25519", "component", "02")):
        where = ("--module", MODULE, "--token-label", "wasm", "--login", "--pin", PIN)
        what = ("--keypairgen", "--key-type", kind, "--label", label, "--id", number)
        run("pkcs11-tool", *where, *what, folder=folder, environment=found)
    yield found


def wasm_oci(folder: Path, token: dict[str, str], *arguments: str | Path) -> str:
    """The standard output of `wasm-oci`, in a process of its own, as a login is for a whole process."""
    program = f"import sys; sys.path[:] = {sys.path!r}; from wasmoci.commands.main import main; main()"
    ran = subprocess.run(
        [sys.executable, "-c", program, *map(str, arguments)],
        capture_output=True,
        check=False,
        cwd=folder,
        env={"HOME": str(folder), "PATH": os.environ["PATH"], **token},
        stdin=subprocess.DEVNULL,
        text=True,
        timeout=120,
    )
    assert ran.returncode == 0, ran.stderr
    assert PIN not in ran.stdout + ran.stderr
    return ran.stdout


@pytest.mark.parametrize("kind", REGISTRIES)
@pytest.mark.parametrize("placement", ["embedded", "detached"])
def test_keys_in_a_token_sign_what_is_published(
    placement: str, kind: str, token: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "signed.wasm").write_bytes(signed_component())
    with (tmp_path / "signed.wasm").open("rb") as source, (tmp_path / "greeting.wasm").open("xb") as target:
        detach_signature(source, target)
    package(PackageRequest(tmp_path / "greeting.wasm", tmp_path / "layout", "greeting.wasm", "v1.0.0"))
    for key, layer, name in ((IMAGE_KEY, "oci", "oci.pub"), (COMPONENT_KEY, "component", "component.pub")):
        wasm_oci(tmp_path, token, "key", "public", key, "--layer", layer, "--output", name)
    trust = ("--oci-key", "oci.pub", "--component-key", "component.pub")
    with registry(kind, tmp_path) as address:
        image = f"{address}/acme/greeting"
        keys = ("--key", IMAGE_KEY, "--component-signing-key", COMPONENT_KEY)
        signing = (*keys, "--component-signature", placement, "-a", "env=prod")
        to = (image, "--tag", "v1.0.0", "--insecure-registry", address)
        wasm_oci(tmp_path, token, "publish", "layout", *to, *trust, *signing)
        for flags in ([], [LEGACY], ["-a", "env=prod"]):
            run(*VERIFY, "--key", "oci.pub", *flags, f"{image}:v1.0.0", folder=tmp_path)
        run_refused(*VERIFY, "--key", "oci.pub", "-a", "env=test", f"{image}:v1.0.0", folder=tmp_path)
        pull = ("pull", f"{image}:v1.0.0", "--insecure-registry", address, "--output", "pulled.wasm")
        wasm_oci(tmp_path, {}, *pull, *trust, "--require", "dual-layer")
    if placement == "embedded":
        (tmp_path / "compact.pub").write_bytes(compact_public(load_component_key(tmp_path / "component.pub")))
        run("wasmsign2", "verify", "-i", "pulled.wasm", "-K", "compact.pub", folder=tmp_path)
