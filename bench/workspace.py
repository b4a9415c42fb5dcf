"""Makes a Bazel module of N images, and beside them trivial targets that show what Bazel itself costs.

Each image has a component of its own: a small real one plus a custom section of its own. Both layers are signed, with
the placeholder keys of the smoke test. The packages: `images`; `publish`, which publishes them; `verify`, which
tests them; `trivial`, three actions an image in a worker that writes one file each; `same`, three that write as many
files as those of an image; `copies`, one `cp` an image.
"""

import shutil
from dataclasses import dataclass
from pathlib import Path

from here import ROOT, SMOKE
from wasmoci.wasm.sections import custom_section

ACTIONS_AN_IMAGE = 3

_FILES = Path(__file__).parent / "workspace_files"

_MODULE = f"""\
module(name = "bench")

bazel_dep(name = "rules_python", version = "1.8.0")
bazel_dep(name = "rules_wasm_oci")
local_path_override(
    module_name = "rules_wasm_oci",
    path = "{ROOT}",
)
"""

_IMAGES = """\
load("@rules_wasm_oci//wasm_oci:defs.bzl", "wasm_component_key", "wasm_component_signed_oci_image", "wasm_oci_key")

package(default_visibility = ["//visibility:public"])

wasm_component_key(
    name = "component_key",
    placeholder_private_key = "placeholder_component.key",
    public_key = "placeholder_component.pub",
)

wasm_oci_key(
    name = "oci_key",
    placeholder_private_key = "placeholder_oci.key",
    public_key = "placeholder_oci.pub",
)

[
    wasm_component_signed_oci_image(
        name = "image_%d" % number,
        component = "component_%d.wasm" % number,
        component_signing_keys = ":component_key",
        namespace = "bench",
        oci_signing_key = ":oci_key",
        package_name = "image_%d" % number,
        tag = "v1",
    )
    for number in range({count})
]
"""

_PUBLISH = """\
load("@rules_wasm_oci//wasm_oci:defs.bzl", "wasm_component_publish_all", "wasm_component_secure_publish")

[
    wasm_component_secure_publish(
        name = "publish_%d" % number,
        signed_oci_image = "//images:image_%d" % number,
    )
    for number in range({count})
]

wasm_component_publish_all(
    name = "publish_all",
    publish = ["publish_%d" % number for number in range({count})],
)
"""

_VERIFY = """\
load("@rules_wasm_oci//wasm_oci:defs.bzl", "wasm_component_verify_test")

[
    wasm_component_verify_test(
        name = "image_%d_test" % number,
        component_keys = ["//images:component_key"],
        image = "//images:image_%d" % number,
        oci_keys = ["//images:oci_key"],
    )
    for number in range({count})
]
"""

_TRIVIAL = """\
load("@rules_python//python:py_binary.bzl", "py_binary")
load(":trivial.bzl", "trivial")

py_binary(
    name = "worker",
    srcs = ["worker.py"],
)

[
    trivial(
        name = "trivial_%d" % number,
        source = "source_%d" % (number // {actions}),
    )
    for number in range({actions} * {count})
]
"""

_SAME = """\
load("@rules_python//python:py_binary.bzl", "py_binary")
load(":same_files.bzl", "same_files")

py_binary(
    name = "worker",
    srcs = ["worker.py"],
)

[
    same_files(
        name = "same_%d" % number,
        source = "source_%d" % number,
    )
    for number in range({count})
]
"""

_COPIES = """\
load(":copy.bzl", "copy")

[
    copy(
        name = "copy_%d" % number,
        source = "source_%d" % number,
    )
    for number in range({count})
]
"""

_BUILD_FILES = {
    "copies": _COPIES,
    "images": _IMAGES,
    "publish": _PUBLISH,
    "same": _SAME,
    "trivial": _TRIVIAL,
    "verify": _VERIFY,
}
_RULES = (
    ("copies", "copy.bzl"),
    ("same", "same_files.bzl"),
    ("same", "worker.py"),
    ("trivial", "trivial.bzl"),
    ("trivial", "worker.py"),
)
_KEYS = ("placeholder_component.key", "placeholder_component.pub", "placeholder_oci.key", "placeholder_oci.pub")


@dataclass(frozen=True)
class Workspace:
    """A module with `count` images; each publishing is told to which registry on this machine."""

    folder: Path
    count: int

    def make(self) -> None:
        """Write all files into a new folder."""
        for package in _BUILD_FILES:
            (self.folder / package).mkdir(parents=True)
        (self.folder / "MODULE.bazel").write_text(_MODULE)
        for package, text in _BUILD_FILES.items():
            build_file = text.format(actions=ACTIONS_AN_IMAGE, count=self.count)
            (self.folder / package / "BUILD.bazel").write_text(build_file)
        for name in _KEYS:
            shutil.copy(SMOKE / "keys" / name, self.folder / "images")
        for package, name in _RULES:
            shutil.copy(_FILES / name, self.folder / package)
        for number in range(self.count):
            self.change(number, "")

    def component(self, number: int) -> Path:
        """The source of an image."""
        return self.folder / "images" / f"component_{number}.wasm"

    def change(self, number: int, content: str) -> None:
        """Give the component of an image, and the sources of the trivial targets beside it, other content."""
        own = f"{number} {content:32}".encode()
        self.component(number).write_bytes((SMOKE / "adder.wasm").read_bytes() + custom_section("bench", own))
        for package in ("copies", "same", "trivial"):
            (self.folder / package / f"source_{number}").write_bytes(own)
