"""Rows of the benchmark: contestants that do the same work in turns, and what is asked of their ratio."""

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from usage import Usage

Run = Callable[[], Usage]


@dataclass(frozen=True)
class Contestant:
    """One way to do the work. `prepare` is not measured; `rounds` is how often it runs at most, 0 for every round."""

    name: str
    run: Run
    prepare: Callable[[], object] = lambda: None
    rounds: int = 0


@dataclass(frozen=True)
class Target:
    """What is asked: `metric` of `ours` is at most `bound` times that of all of `others` together.

    With `others` empty `bound` is absolute: seconds or MiB. `per` divides what is measured of `ours`, for what is asked
    of each image.
    """

    text: str
    ours: str
    others: Sequence[str]
    bound: float
    metric: str = "wall"
    per: float = 1


@dataclass(frozen=True)
class Verdict:
    """What became of a target. `value` and `bound` are ratios, or seconds or MiB where nothing is compared."""

    text: str
    value: float
    bound: float
    spread: tuple[float, float]

    @property
    def met(self) -> bool:
        return self.value <= self.bound

    def to_json(self) -> dict[str, Any]:
        return {
            "target": self.text,
            "value": self.value,
            "bound": self.bound,
            "lowest": self.spread[0],
            "highest": self.spread[1],
            "met": self.met,
        }


@dataclass(frozen=True)
class Row:
    """What was measured: each contestant's runs in order."""

    name: str
    work: str
    runs: Mapping[str, Sequence[Usage]]
    targets: Sequence[Target]
    notes: Mapping[str, Any] = field(default_factory=dict)

    def median(self, contestant: str, metric: str = "wall") -> float:
        median: float = statistics.median(getattr(one, metric) for one in self.runs[contestant])
        return median

    def verdicts(self) -> list[Verdict]:
        return [self._verdict(one) for one in self.targets]

    def _verdict(self, target: Target) -> Verdict:
        ratios = self._ratios(target)
        return Verdict(target.text, statistics.median(ratios), target.bound, (min(ratios), max(ratios)))

    def _ratios(self, target: Target) -> list[float]:
        """One for each round; a contestant that ran in fewer rounds takes part with its median."""
        ours = [getattr(one, target.metric) / target.per for one in self.runs[target.ours]]
        if not target.others:
            return ours
        return [
            value / sum(self._in_round(name, number, target.metric) for name in target.others)
            for number, value in enumerate(ours)
        ]

    def _in_round(self, contestant: str, number: int, metric: str) -> float:
        runs = self.runs[contestant]
        value: float = getattr(runs[number], metric) if number < len(runs) else self.median(contestant, metric)
        return value

    def to_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "work": self.work,
            "contestants": {
                name: {
                    "wall": [one.wall for one in runs],
                    "cpu": [one.cpu for one in runs],
                    "mib": [one.mib for one in runs],
                    "wall_median": self.median(name),
                    "cpu_median": self.median(name, "cpu"),
                }
                for name, runs in self.runs.items()
            },
            "targets": [one.to_json() for one in self.verdicts()],
            "notes": dict(self.notes),
        }


def runs_from_json(contestants: Mapping[str, Any]) -> dict[str, list[Usage]]:
    """What `Row.to_json` says of its contestants."""
    return {
        name: [Usage(*values) for values in zip(one["wall"], one["cpu"], one["mib"], strict=True)]
        for name, one in contestants.items()
    }


def compare(contestants: Sequence[Contestant], rounds: int) -> dict[str, list[Usage]]:
    """Run all contestants in each round, forward and backward by turns.

    Those that run in every round run once more before, unmeasured: what is read is then in the page cache.
    """
    runs: dict[str, list[Usage]] = {one.name: [] for one in contestants}
    for one in contestants:
        if one.rounds == 0:
            one.prepare()
            one.run()
    for number in range(rounds):
        for one in contestants if number % 2 == 0 else contestants[::-1]:
            if one.rounds == 0 or number < one.rounds:
                one.prepare()
                runs[one.name].append(one.run())
    return runs
