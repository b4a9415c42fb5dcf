"""Identities and transparency logs in a module of a user's own, against the Sigstore for tests."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from bazel import ROOT, bazel, in_toolbox, lasting_folder, registry
from secret_keys import OCI_KEY, pem
from sigstore_certificate_fixtures import ISSUER, SAN
from sigstore_fixtures import SigstoreServer

MODULE = f"""\
module(name = "sigstore")

bazel_dep(name = "rules_wasm_oci")
local_path_override(
    module_name = "rules_wasm_oci",
    path = "{ROOT}",
)
"""

BUILD = """\
load(
    "@rules_wasm_oci//wasm_oci:defs.bzl",
    "wasm_component_publish",
    "wasm_component_signed_oci_image",
    "wasm_component_verify_signatures",
    "wasm_oci_attest",
    "wasm_oci_identity",
    "wasm_oci_key",
    "wasm_oci_transparency_log",
)

[
    wasm_oci_identity(
        name = name,
        identity = identity,
        issuer = "{issuer}",
        signing_config = "signing_config.json",
        trusted_root = "trusted_root.json",
    )
    for name, identity in [("ci", "{identity}"), ("another", "x{identity}")]
]

wasm_oci_transparency_log(
    name = "log",
    signing_config = "signing_config.json",
    trusted_root = "trusted_root.json",
)

wasm_oci_key(
    name = "key",
    public_key = "oci.pub",
    reference = "env://WASM_OCI_TEST_OCI_KEY",
)

[
    wasm_component_signed_oci_image(
        name = name + "_image",
        component = "adder.wasm",
        oci_signing_key = ":" + name,
        package_name = name,
        registry = "{address}",
        sign_component = False,
    )
    for name in ["ci", "key"]
]

wasm_oci_attest(
    name = "attested_image",
    image = ":ci_image",
    keys = [":ci"],
    predicate = "greeting.spdx.json",
)

wasm_component_publish(
    name = "publish_ci",
    insecure_registries = ["{address}"],
    oci_image = ":attested_image",
)

wasm_component_publish(
    name = "publish_key",
    insecure_registries = ["{address}"],
    oci_image = ":key_image",
    transparency_log = ":log",
)

[
    wasm_component_verify_signatures(
        name = name,
        component_verify = False,
        insecure_registries = ["{address}"],
        oci_image_ref = "{address}/library/" + image + ":latest",
        oci_public_key = key,
        transparency_log = log,
    )
    for name, image, key, log in [
        ("verify_ci", "ci", ":ci", None),
        ("verify_another", "ci", ":another", None),
        ("verify_key", "key", ":key", None),
        ("verify_logged_key", "key", ":key", ":log"),
    ]
]
"""


@pytest.fixture(name="module")
def _module(tmp_path: Path) -> Iterator[Path]:
    """A module that signs with the Sigstore for tests and publishes to a registry, both running."""
    folder = lasting_folder("sigstore")
    with registry(tmp_path / "registry") as address, SigstoreServer() as sigstore:
        files = sigstore.write(tmp_path)
        (folder / "MODULE.bazel").write_text(MODULE)
        (folder / "BUILD.bazel").write_text(BUILD.format(address=address, identity=SAN, issuer=ISSUER))
        shutil.copy(files.trusted_root, folder / "trusted_root.json")
        shutil.copy(files.signing_config(1), folder / "signing_config.json")
        shutil.copy(ROOT / "tests/build/keys/oci.pub", folder)
        shutil.copy(ROOT / "e2e/smoke/adder.wasm", folder)
        shutil.copy(ROOT / "tests/rules/greeting.spdx.json", folder)
        try:
            yield folder
        finally:
            bazel("shutdown", folder=folder)


def test_identities_and_logs(module: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    token = f"--@rules_wasm_oci//wasm_oci:identity_token_path={tmp_path / 'identity.token'}"
    published = bazel("run", token, "//:publish_ci", folder=module)
    monkeypatch.setenv("WASM_OCI_TEST_OCI_KEY", pem(OCI_KEY).decode())
    bazel("run", "//:publish_key", folder=module)

    tool = ROOT / "bazel-bin/tools/wasm_oci"
    (address,) = re.findall(r"published ([\d.:]+)/library/ci:latest", published.stdout)
    identity = ["--certificate-identity", SAN, "--certificate-oidc-issuer", ISSUER]
    root = ["--trusted-root", str(tmp_path / "trusted_root.json"), "--insecure-registry", address]
    in_toolbox(tool, "verify-attestation", f"{address}/library/ci:latest", "--type", "spdxjson", *identity, *root)

    options = ["--keep_going", "--nozip_undeclared_test_outputs", "--test_output=errors"]
    verdicts = bazel("test", *options, "//...", folder=module, code=3).stdout
    assert [line.split()[:2] for line in verdicts.splitlines() if line.startswith("//:verify")] == [
        ["//:verify_ci", "PASSED"],
        ["//:verify_key", "PASSED"],
        ["//:verify_logged_key", "PASSED"],
        ["//:verify_another", "FAILED"],
    ]
    token_text = (tmp_path / "identity.token").read_text()
    assert token_text not in published.text
