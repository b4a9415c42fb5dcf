"""Many publishing targets in one run, as `bazel run` does it."""

import json
from pathlib import Path
from typing import Any

import pytest

from bazel import ROOT, Outcome, bazel, in_toolbox, registry
from secret_keys import COMPONENT_KEY, OCI_KEY, pem, private_key_flags

TARGET = "//tests/build:publish_all"
KEYS = ["--component-key", "tests/build/keys/component.pub", "--oci-key", "tests/build/keys/oci.pub"]


@pytest.fixture(name="flags", scope="module")
def _flags(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    return private_key_flags(tmp_path_factory.mktemp("secrets"))


def _publish_all(address: str, flags: list[str], *options: str, code: int = 0) -> tuple[dict[str, Any], Outcome]:
    reach = ["--registry", address, "--insecure-registry", address]
    outcome = bazel("run", *flags, TARGET, "--", *reach, *options, "--json", code=code)
    return json.loads(outcome.stdout), outcome


def test_images_an_index_and_a_package(flags: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WASM_OCI_TEST_COMPONENT_KEY", pem(COMPONENT_KEY).decode())
    monkeypatch.setenv("WASM_OCI_TEST_OCI_KEY", pem(OCI_KEY).decode())
    with registry(tmp_path / "registry") as address:
        report, _ = _publish_all(address, flags)
        references = [reference for image in report["images"] for reference in image["references"]]
        assert [reference.partition("@")[0] for reference in references] == [
            f"{address}/library/late:latest",
            f"{address}/library/variants:latest",
            f"{address}/wasm/examples/greeting:1.0.0",
        ]
        verify: list[str | Path] = [ROOT / "bazel-bin/tools/wasm_oci", "verify", "--insecure-registry", address, *KEYS]
        for reference in references:
            in_toolbox(*verify, reference)
        again, _ = _publish_all(address, flags)
        assert [image["repositories"][0]["sent"] for image in again["images"]] == [0, 0, 0]


def test_one_that_cannot_be_signed_does_not_keep_the_others(flags: list[str], tmp_path: Path) -> None:
    with registry(tmp_path / "registry") as address:
        report, outcome = _publish_all(address, flags, code=1)
        assert "WASM_OCI_TEST_COMPONENT_KEY" in outcome.stderr
        assert [image["published"] for image in report["images"]] == [False, True, True]
