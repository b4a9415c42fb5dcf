"""Publishing: one large component, and many small images."""

import json
from collections.abc import Callable

from comparing import Contestant, Row, Target, compare, runs_from_json
from here import ROOT
from lab import Lab
from usage import Usage

PUBLISH_ALL = "//publish:publish_all"

_SECONDS_AN_IMAGE_THAT_IS_THERE = 0.001


def publish_sizes(lab: Lab, mib: int) -> Row:
    """What `publish_large.py` measures of publishing a component of this size; its pulls are among the notes."""
    python = lab.wasm_oci.with_name("python")
    result = lab.scratch / "publish_large.json"
    lab.run(
        *(python, ROOT / "bench/publish_large.py", "--size", str(mib), "--rounds", str(lab.size.rounds)),
        *("--folder", lab.scratch, "--json", result),
    )
    published, pulled = json.loads(result.read_text())
    runs = runs_from_json(published["contestants"])
    # It is asked of the largest alone.
    asked = large_targets() if mib == lab.size.mib[-1] else []
    return Row(
        f"publish_{mib}",
        f"publish an image of {mib} MiB, signed on both layers",
        runs,
        asked,
        {"pull": pulled["contestants"]},
    )


def large_targets() -> list[Target]:
    """What is asked of publishing 512 MiB."""
    ours, all_read = "wasm-oci publish", "wasm-oci publish --read-back all"
    return [
        Target("at most 1.3 x oras", ours, ["oras"], 1.3),
        Target("with --read-back all at most 1.8 x oras", all_read, ["oras"], 1.8),
        Target("CPU: at most 1.4 s", ours, (), 1.4, "cpu"),
        Target("peak under 64 MiB", ours, (), 64, "mib"),
        Target("with --read-back all peak under 64 MiB", all_read, (), 64, "mib"),
    ]


def publish_many(lab: Lab) -> Row:
    """Many signed images: by one publishing target, again when all is there, and by a loop of oras."""
    count = lab.size.counts[-1]
    layouts = lab.layouts(count)
    publish = publish_all(lab, count)
    used: dict[str, str] = {}

    def new_registry() -> None:
        used["address"] = lab.registry().address

    def loop() -> Usage:
        target = f"{used['address']}/bench/image_$i:v1"
        line = f"oras cp -r --from-oci-layout --to-plain-http {layouts[0].parent}/image_$i:v1 {target}"
        return lab.shell_loop("publish_many", count, [line]).run()

    new_registry()
    runs = compare(
        [
            Contestant("publish_all", lambda: publish(used["address"]), new_registry, rounds=2),
            Contestant("publish_all, all there", lambda: publish(used["address"]), lambda: publish(used["address"])),
            Contestant("loop of oras cp -r", loop, new_registry, rounds=1),
        ],
        lab.size.rounds,
    )
    targets = [
        Target("at least 10 x faster than a loop of oras", "publish_all", ["loop of oras cp -r"], 1 / 10),
        Target(
            "already there: 1 ms an image",
            "publish_all, all there",
            (),
            _SECONDS_AN_IMAGE_THAT_IS_THERE,
            per=count,
        ),
    ]
    return Row("publish_many", f"publish {count} images with their signatures", runs, targets)


def publish_all(lab: Lab, count: int) -> Callable[[str], Usage]:
    """A call of the target that publishes all images of a workspace, as `bazel run` calls it, for a registry."""
    bazel = lab.workspace(count)
    script = lab.scratch / f"publish_all_{count}"
    bazel.call("run", f"--script_path={script}", PUBLISH_ALL)
    return lambda address: lab.command(script, "--quiet", "--registry", address, "--insecure-registry", address).run()
