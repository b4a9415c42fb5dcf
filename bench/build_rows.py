"""Builds of many images, and what Bazel itself costs."""

from collections.abc import Callable
from itertools import count as counter

from bazel_calls import Bazel
from comparing import Contestant, Row, Target, compare
from lab import Lab
from usage import Usage
from workspace import ACTIONS_AN_IMAGE, Workspace


def build_cold(lab: Lab) -> Row:
    """All images from nothing, both layers signed; trivial actions; the peers' command lines in a loop."""
    count = lab.size.counts[-1]
    bazel = lab.workspace(count)
    address = lab.registry().address
    public_key = lab.wasmsign2_key.with_suffix(".pub")
    image = f"{address}/bench/image_$i:v1"
    loop = lab.shell_loop(
        "build_cold",
        count,
        [
            f"wasmsign2 sign -i {bazel.workspace}/images/component_$i.wasm -o one.wasm"
            f" -k {lab.wasmsign2_key} -K {public_key}",
            f"wkg oci push --insecure {address} {image} one.wasm",
            " ".join(lab.sign_words(image)),
        ],
    )
    actions = ACTIONS_AN_IMAGE * count
    ours, loop_name = "bazel build of the images", "loop of peers"
    trivial, same = f"{actions} worker actions of one file", f"{actions} worker actions of the same files"
    runs = compare(
        [
            Contestant(ours, _build(bazel, "//images/..."), bazel.clean),
            Contestant(trivial, _build(bazel, "//trivial/..."), bazel.clean),
            Contestant(same, _build(bazel, "//same/..."), bazel.clean),
            Contestant(f"{count} cp actions", _build(bazel, "//copies/..."), bazel.clean),
            Contestant(loop_name, loop.run, rounds=1),
        ],
        lab.size.rounds,
    )
    targets = [
        Target("at most 1.25 x worker actions that write the same files", ours, [same], 1.25),
        Target("the same in CPU", ours, [same], 1.25, "cpu"),
        Target("at most 2.1 x worker actions that write one file each", ours, [trivial], 2.1),
        Target("the same in CPU", ours, [trivial], 2.1, "cpu"),
        Target("at least 30 x faster than the peers in a loop", ours, [loop_name], 1 / 30),
    ]
    return Row("build_cold", f"build {count} images, both layers signed, from nothing", runs, targets)


def build_changed(lab: Lab) -> Row:
    """One image after a change of one byte, everything warm."""
    bazel = lab.workspace(1)
    numbers = counter()
    workspace = Workspace(bazel.workspace, 1)

    def change() -> None:
        workspace.change(0, str(next(numbers)))

    runs = compare(
        [
            Contestant("the image", _build(bazel, "//images:image_0"), change),
            Contestant("a trivial worker action", _build(bazel, "//trivial:trivial_0"), change),
        ],
        lab.size.rounds * 4,
    )
    targets = [Target("at most 1.5 x a trivial worker action", "the image", ["a trivial worker action"], 1.5)]
    return Row("build_changed", "build one image after a change of its component", runs, targets)


def build_null(lab: Lab) -> Row:
    """Nothing to do for many images, or for as many `cp`."""
    count = lab.size.counts[-1]
    bazel = lab.workspace(count)
    images, copies = _build(bazel, "//images/..."), _build(bazel, "//copies/...")
    runs = compare([Contestant("images", images, images), Contestant("cp", copies, copies)], lab.size.rounds * 2)
    targets = [Target("within 10 % of cp", "images", ["cp"], 1.1)]
    return Row("build_null", f"build {count} images again, with nothing to do", runs, targets)


def build_tests(lab: Lab) -> Row:
    """Verifying tests, each a process of its own. Of fewer images: each has a tree of links to its libraries."""
    count = lab.size.counts[-2]
    bazel = lab.workspace(count)
    runs = compare(
        [Contestant("bazel test", lambda: bazel.call("test", "--nocache_test_results", "//verify/..."))],
        lab.size.rounds,
    )
    return Row("build_tests", f"run the verifying tests of {count} images, all built", runs, ())


def _build(bazel: Bazel, pattern: str) -> Callable[[], Usage]:
    return lambda: bazel.build(pattern)
