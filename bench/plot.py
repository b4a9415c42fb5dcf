"""The results as a picture: every target as a bar, and the cost of an image as their number grows. SVG 1.1."""

import math
from collections.abc import Sequence
from html import escape

from comparing import Row, Verdict

_WIDTH = 960
_LEFT = 420
_BAR = 22
_GRAPH = 320
_MET, _MISSED, _LINE = "#2a7f4f", "#b3402a", "#888888"
_COLOURS = ("#1f5fa8", "#b3402a", "#2a7f4f", "#8a5fb0", "#b08a1f", "#1f9aa8", "#666666", "#a81f6f", "#5f7f1f")
# A bar as long as this is at a tenth of, or ten times, what is asked.
_DECADE = 200


def plot(rows: Sequence[Row]) -> str:
    """An SVG document."""
    verdicts = [(row.name, one) for row in rows for one in row.verdicts()]
    bars = _bars(verdicts)
    scales = sorted((row for row in rows if "count" in row.notes), key=lambda row: int(row.notes["count"]))
    top = 60 + _BAR * len(verdicts) + 40
    parts = [*bars, *(_growth(scales, top) if len(scales) > 1 else [])]
    height = top + (_GRAPH + 80 if len(scales) > 1 else 0)
    size = f'width="{_WIDTH}" height="{height}"'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="sans-serif" font-size="12">'
    return "\n".join([head, f'<rect {size} fill="white"/>', *parts, "</svg>"]) + "\n"


def _bars(verdicts: Sequence[tuple[str, Verdict]]) -> list[str]:
    """Each value as a multiple of what is asked, on a logarithmic scale: left of the line is better."""
    middle = _LEFT + _DECADE
    parts = [_text(_LEFT, 24, "measured / asked: left of the line the target is met")]
    for number, (name, one) in enumerate(verdicts):
        y = 50 + _BAR * number
        length = max(-1.0, min(1.3, math.log10(max(one.value / one.bound, 1e-9)))) * _DECADE
        colour = _MET if one.met else _MISSED
        parts.append(_text(_LEFT - 8, y + 14, f"{name}: {one.text}", anchor="end"))
        parts.append(
            f'<rect x="{middle + min(0, length):.1f}" y="{y + 3}" width="{max(abs(length), 1):.1f}" '
            f'height="{_BAR - 6}" fill="{colour}"/>'
        )
        parts.append(_text(middle + max(0, length) + 6, y + 14, f"{one.value / one.bound:.2f}"))
    bottom = 50 + _BAR * len(verdicts)
    return [*parts, _path([(middle, 40.0), (middle, float(bottom))], _LINE)]


def _growth(rows: Sequence[Row], top: int) -> list[str]:
    """Seconds an image over the number of images, both logarithmic."""
    counts = [int(row.notes["count"]) for row in rows]
    series = {
        name: [row.median(name) / count for row, count in zip(rows, counts, strict=True)] for name in rows[0].runs
    }
    values = [value for line in series.values() for value in line]
    low, high = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
    left, right, bottom = 80, 620, top + _GRAPH

    def x(count: int) -> float:
        return left + (right - left) * math.log10(count) / math.log10(counts[-1])

    def y(value: float) -> float:
        return bottom - (_GRAPH - 40) * (math.log10(value) - low) / (high - low)

    parts = [_text(left, top + 16, "seconds an image, as the number of images grows")]
    for power in range(low, high + 1):
        parts.append(_path([(left, y(10.0**power)), (right, y(10.0**power))], "#dddddd"))
        parts.append(_text(left - 6, y(10.0**power) + 4, f"{10.0**power:g}", anchor="end"))
    parts += [_text(x(count), bottom + 18, str(count), anchor="middle") for count in counts]
    for number, (name, line) in enumerate(series.items()):
        colour = _COLOURS[number % len(_COLOURS)]
        parts.append(_path([(x(count), y(value)) for count, value in zip(counts, line, strict=True)], colour))
        parts.append(_text(right + 16, top + 50 + 18 * number, name, colour))
    return parts


def _text(x: float, y: float, text: str, colour: str = "black", anchor: str = "start") -> str:
    place = f'x="{x:.1f}" y="{y:.1f}"'
    return f'<text {place} fill="{colour}" text-anchor="{anchor}">{escape(text)}</text>'


def _path(points: Sequence[tuple[float, float]], colour: str) -> str:
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="1.5"/>'
