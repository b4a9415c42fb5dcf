"""Whether an image of very many costs what one of many does. CPU time is that of all: client, server, workers."""

from collections.abc import Mapping, Sequence

from comparing import Contestant, Row, Target, compare
from lab import Lab
from publish_rows import PUBLISH_ALL, publish_all
from scale_rows import IMAGES
from usage import Usage, with_servers

_TIMES = 1.3


def scale_large_build(lab: Lab) -> Row:
    """From nothing, and with nothing to do."""
    runs = compare([one for count in lab.size.counts for one in _builds(lab, count)], lab.size.rounds)
    work = {"cold build": "build from nothing", "null build": "build with nothing to do"}
    return _row(lab, "scale_large_build", "build", runs, work)


def scale_large_publish(lab: Lab) -> Row:
    """Once, as it takes long; the images are built before."""
    runs = compare([_publish(lab, count) for count in lab.size.counts], 1)
    return _row(lab, "scale_large_publish", "publish", runs, {"publish": "publish"})


def _builds(lab: Lab, count: int) -> list[Contestant]:
    """Each server has built the few before: Bazel's own code is compiled in the first seconds."""
    bazel = lab.workspace(count)

    def build() -> Usage:
        return bazel.build(IMAGES)

    bazel.build(*(f"//images:image_{number}" for number in range(lab.size.counts[0])))
    rounds = lab.size.rounds
    return [
        Contestant(_of("cold build", count), build, bazel.clean, rounds),
        Contestant(_of("null build", count), build, build, rounds),
    ]


def _publish(lab: Lab, count: int) -> Contestant:
    bazel = lab.workspace(count)
    bazel.build(IMAGES, PUBLISH_ALL)
    publish = publish_all(lab, count)

    def run() -> Usage:
        registry = lab.registry()
        return with_servers(lambda: publish(registry.address), registry.pid)

    return Contestant(_of("publish", count), run, rounds=1)


def _row(lab: Lab, name: str, work: str, runs: Mapping[str, Sequence[Usage]], parts: Mapping[str, str]) -> Row:
    few, many = lab.size.counts
    targets = [
        Target(
            f"{part}, {metric}: an image costs at most {_TIMES} x one of {few}",
            _of(key, many),
            [_of(key, few)],
            _TIMES,
            metric,
            many / few,
        )
        for key, part in parts.items()
        for metric in ("wall", "cpu")
    ]
    return Row(name, f"{work} {few} and {many} images", runs, targets)


def _of(work: str, count: int) -> str:
    return f"{work} of {count}"
