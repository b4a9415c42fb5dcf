"""How the cost of an image changes with the number of images."""

from itertools import count as counter

from comparing import Contestant, Row, compare
from lab import Lab
from publish_rows import publish_all
from servers import remote_cache
from workspace import Workspace

IMAGES = "//images/..."


def scale(lab: Lab, count: int) -> Row:
    """Everything that is done with a workspace of so many images, without a comparison."""
    bazel = lab.workspace(count)
    workspace = Workspace(bazel.workspace, count)
    numbers = counter()
    layouts = lab.layouts(count)
    cache = f"--disk_cache={lab.scratch / f'disk_cache_{count}'}"
    remote = f"--remote_cache={lab.stack.enter_context(remote_cache(lab.scratch / f'remote_cache_{count}'))}"
    address = lab.registry().address

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
