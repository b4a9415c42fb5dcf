"""How the cost of an image changes with the number of images."""

from itertools import count as counter

from comparing import Contestant, Row, Target, compare
from lab import Lab
from publish_rows import PUBLISH_ALL, publish_all
from servers import remote_cache
from usage import Usage
from workspace import Workspace

IMAGES = "//images/..."


def scale_large(lab: Lab) -> Row:
    """What an image of very many costs, against one of many."""
    few, many = lab.size.counts
    work = {"cold build": "build from nothing", "null build": "build with nothing to do", "publish": "publish"}
    contestants = [contestant for count in (few, many) for contestant in _contestants(lab, count)]
    runs = compare(contestants, lab.size.rounds)
    targets = [
        Target(
            f"{what}: an image costs at most 1.3 x one of {few}", _of(name, many), [_of(name, few)], 1.3 * many / few
        )
        for name, what in work.items()
    ]
    return Row("scale_large", f"build and publish {few} and {many} images", runs, targets)


def _contestants(lab: Lab, count: int) -> list[Contestant]:
    bazel = lab.workspace(count)

    def build() -> Usage:
        return bazel.build(IMAGES)

    build()
    publish = publish_all(lab, count)
    return [
        Contestant(_of("cold build", count), build, bazel.clean),
        Contestant(_of("null build", count), build, build),
        # What a cold build begins with takes the program away.
        Contestant(_of("publish", count), lambda: publish(lab.registry()), lambda: bazel.build(PUBLISH_ALL), rounds=1),
    ]


def _of(work: str, count: int) -> str:
    return f"{work} of {count}"


def scale(lab: Lab, count: int) -> Row:
    """Everything that is done with a workspace of so many images, without a comparison."""
    bazel = lab.workspace(count)
    workspace = Workspace(bazel.workspace, count)
    numbers = counter()
    layouts = lab.layouts(count)
    cache = f"--disk_cache={lab.scratch / f'disk_cache_{count}'}"
    remote = f"--remote_cache={lab.stack.enter_context(remote_cache(lab.scratch / f'remote_cache_{count}'))}"
    address = lab.registry()

    def change() -> None:
        workspace.change(0, f"scale {next(numbers)}")

    # What is cached is what is built here, not what an earlier row left.
    bazel.build(IMAGES)
    for flag in (cache, remote):
        bazel.clean()
        bazel.call("build", flag, IMAGES)
    rounds = lab.size.rounds if count < lab.size.counts[-1] else min(lab.size.rounds, 3)
    runs = compare(
        [
            Contestant("cold build", lambda: bazel.build(IMAGES), bazel.clean),
            Contestant("null build", lambda: bazel.build(IMAGES)),
            Contestant("one change", lambda: bazel.build(IMAGES), change),
        ],
        rounds,
    )
    # The component that changed last is in no cache yet.
    for flag in (cache, remote):
        bazel.call("build", flag, IMAGES)
    runs |= compare(
        [
            Contestant("disk cache", lambda: bazel.call("build", cache, IMAGES), bazel.clean),
            Contestant("remote cache", lambda: bazel.call("build", "--disk_cache=", remote, IMAGES), bazel.clean),
        ],
        rounds,
    )
    bazel.build(IMAGES)
    publish = publish_all(lab, count)
    runs |= compare([Contestant("publish", lambda: publish(address), rounds=1)], 1)
    runs |= compare(
        [
            Contestant("publish again", lambda: publish(address)),
            Contestant("verify", lab.command(lab.wasm_oci, "verify", *layouts, *lab.trust).run),
        ],
        rounds,
    )
    return Row(f"scale_{count}", f"all that is done with {count} images", runs, (), {"count": count})
