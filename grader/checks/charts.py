"""Histories that were handed in, small enough to be stored with a result and drawn beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from grader.model import Chart, Line

#: More lines would not be told apart.
MOST_LINES = 6
_MOST_POINTS = 60
_LARGEST = 1e30


def chart_of(title: str, histories: Mapping[str, Sequence[float]]) -> Chart | None:
    """Return the first ``histories`` by name, as a chart of ``title``; None where all are empty."""
    filled = [(name, values) for name, values in histories.items() if values]
    lines = tuple(Line(name, _points(values)) for name, values in filled[:MOST_LINES])
    return Chart(title, lines) if lines else None


def _points(values: Sequence[float]) -> tuple[tuple[int, float], ...]:
    """Return evenly spaced values, the first and the last among them, with five digits."""
    last, count = len(values) - 1, min(len(values), _MOST_POINTS)
    places = sorted({round(step * last / max(count - 1, 1)) for step in range(count)})
    return tuple((place + 1, float(f"{min(max(values[place], -_LARGEST), _LARGEST):.5g}")) for place in places)
