"""The results as a table of plain text."""

from collections.abc import Iterable, Sequence

from comparing import Row, Verdict
from usage import Usage

_HEAD = ("", "median s", "lowest", "highest", "CPU s", "MiB")


def table(row: Row) -> str:
    """A row with all its contestants and targets."""
    lines = [f"{row.name}: {row.work}"]
    lines += _columns([_HEAD, *(_contestant(row, name) for name in row.runs)])
    lines += [f"  {_verdict(one)}" for one in row.verdicts()]
    return "\n".join(lines) + "\n"


def summary(rows: Iterable[Row]) -> str:
    """All targets."""
    return "\n".join(f"{row.name:16} {_verdict(one)}" for row in rows for one in row.verdicts())


def markdown(rows: Iterable[Row]) -> str:
    """All targets as a table of docs/performance.md; what is missed is bold."""
    lines = ["| work | asked | measured |", "|---|---|---|"]
    for row in rows:
        for one in row.verdicts():
            lowest, highest = one.spread
            value = f"{one.value:.3g}" if one.met else f"**{one.value:.3g}**"
            lines.append(f"| {row.work}: {one.text} | {one.bound:.3g} | {value} ({lowest:.3g} to {highest:.3g}) |")
    return "\n".join(lines)


def _contestant(row: Row, name: str) -> tuple[str, ...]:
    runs: Sequence[Usage] = row.runs[name]
    walls = [one.wall for one in runs]
    numbers = (row.median(name), min(walls), max(walls), row.median(name, "cpu"))
    return (name, *(f"{number:.3f}" for number in numbers), f"{max(one.mib for one in runs):.0f}")


def _verdict(verdict: Verdict) -> str:
    word = "met" if verdict.met else "MISSED"
    lowest, highest = verdict.spread
    return f"{word:6} {verdict.value:.4g} ({lowest:.4g} to {highest:.4g}), asked {verdict.bound:.4g}: {verdict.text}"


def _columns(rows: Sequence[tuple[str, ...]]) -> list[str]:
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEAD))]
    return [
        f"  {row[0]:{widths[0]}}  "
        + "  ".join(f"{cell:>{width}}" for cell, width in zip(row[1:], widths[1:], strict=True))
        for row in rows
    ]
