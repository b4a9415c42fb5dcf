"""The target of our users' page builds word for word, and goes where the page says."""

import json
from pathlib import Path

HERE = Path(__file__).absolute().parent

SNIPPET = """\
wasm_component_signed_oci_image(
    name = "production_component",
    component = ":my_component",

    # Enable full security
    sign_component = True,
    component_signing_keys = ":prod_wasm_keys",
    sign_oci_image = True,
    oci_signing_key = ":prod_cosign_key",

    # Production registry
    registry = "gcr.io",
    namespace = "my-company",
    tag = "v{BUILD_VERSION}",
)
"""


def test_the_target_is_the_pages() -> None:
    assert f"\n{SNIPPET}" in (HERE / "BUILD.bazel").read_text(encoding="utf-8")


def test_the_repository_is_named_after_the_target() -> None:
    destination = json.loads((HERE / "publish.request.json").read_text(encoding="utf-8"))["destination"]
    assert destination["repositories"] == ["gcr.io/my-company/production_component"]
    assert destination["tags"] == ["v{BUILD_VERSION}"]
