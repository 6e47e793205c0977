"""Figures as they were observed, read into plots: what is drawn, over what, and what the labels say."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from grader.model import Array, Plain

#: Words in labels, English and German, by what they stand for.
WORDS: dict[str, tuple[str, ...]] = {
    "epochs": ("epoch",),
    "time": (
        "time",
        "sec",
        "sek",
        "zeit",
        "dauer",
        "duration",
        "minute",
        "hour",
        "stunde",
        "[s]",
        "(s)",
        "/ s",
        "in s",
    ),
    "accuracy": ("acc", "genauigkeit", "correct", "korrekt", "richtig"),
    "loss": ("loss", "verlust", "kosten", "cost"),
    "error": ("error", "fehler", "mse"),
}


@dataclass(frozen=True, slots=True)
class Drawn:
    """One curve: its label, empty where it has none, and its points, arrays of one shape ``(n,)``."""

    label: str
    x: NDArray[np.float64]
    y: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Plot:
    """One plot: a pair of axes with curves (twins are one), or, ``is_whole``, all of a figure's.

    Labels of several are joined. ``named`` is how many curves a reader can tell apart by name.
    """

    place: str
    title: str
    xlabel: str
    ylabel: str
    named: int
    curves: tuple[Drawn, ...]
    is_whole: bool = False


def plots_in(seen: Plain) -> list[Plot]:
    """Return every plot that shows a curve, in the order of making, and figures of several plots as one, too."""
    found: list[Plot] = []
    for number, figure in enumerate(seen if isinstance(seen, list) else [], 1):
        parts = list(_parts(number, figure)) if isinstance(figure, dict) else []
        found += parts
        if len(parts) > 1:
            found.append(replace(_joined(f"figure {number}", parts), is_whole=True))
    return found


def _parts(number: int, figure: dict[str, Any]) -> Iterator[Plot]:
    """Yield a plot for each place in the figure where there are axes with curves."""
    every = [axes for axes in figure.get("axes", []) if isinstance(axes, dict) and axes.get("curves")]
    places: dict[str, list[Plot]] = {}
    shared = _texts(figure.get("legend"))
    for index, axes in enumerate(every, 1):
        legend = _texts(axes.get("legend")) or shared
        curves = _curves(axes["curves"], legend)
        title = " ".join(filter(None, [_text(figure.get("title")), _text(axes.get("title"))]))
        named = max(len(legend), len(_texts(axes.get("texts"))))
        place = f"figure {number}" if len(every) == 1 else f"figure {number}, plot {index}"
        plot = Plot(place, title, _text(axes.get("xlabel")), _text(axes.get("ylabel")), named, curves)
        if curves:
            places.setdefault(repr(axes.get("place")), []).append(plot)
    for twins in places.values():
        yield twins[0] if len(twins) == 1 else _joined(twins[0].place, twins)


def _joined(place: str, parts: Sequence[Plot]) -> Plot:
    title, xlabel, ylabel = (
        " / ".join(filter(None, dict.fromkeys(texts)))
        for texts in zip(*((part.title, part.xlabel, part.ylabel) for part in parts), strict=True)
    )
    curves = tuple(curve for part in parts for curve in part.curves)
    # Where a plot shows one curve, its title tells which.
    named = sum(max(part.named, int(bool(part.title and len(part.curves) == 1))) for part in parts)
    return Plot(place, title, xlabel, ylabel, named, curves)


def _curves(seen: Any, legend: Sequence[str]) -> tuple[Drawn, ...]:
    found = []
    for index, one in enumerate(seen if isinstance(seen, list) else []):
        if not isinstance(one, dict) or not isinstance(one.get("x"), Array) or not isinstance(one.get("y"), Array):
            continue
        x, y = (one[key].to_numpy().astype(np.float64).ravel() for key in ("x", "y"))
        label = _text(one.get("label")) or (legend[index] if len(legend) == len(seen) else "")
        length = min(len(x), len(y))
        found += [Drawn(label, x[:length], y[:length])] if length else []
    return tuple(found)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _texts(value: Any) -> list[str]:
    return [one for one in value if isinstance(one, str)] if isinstance(value, list) else []


def says(label: str, meaning: str) -> bool:
    """Return whether a label has a word for ``meaning``: one of :data:`WORDS`, or the word itself."""
    plain = re.sub(r"\s+", " ", label.casefold())
    return any(word.casefold() in plain for word in WORDS.get(meaning, (meaning,)))


def counts_up(plot: Plot) -> bool:
    """Return whether all curves are drawn over 0, 1, 2, … or 1, 2, 3, …, as over epochs."""
    return all(one.x[0] in {0.0, 1.0} and bool(np.all(np.diff(one.x) == 1)) and len(one.x) > 1 for one in plot.curves)


def matching(curves: Sequence[Drawn], count: int, fits: Callable[[Drawn, int], bool]) -> int:
    """Return how many curves fit one of ``count`` things, each of which is used at most once."""
    left = list(range(count))
    for curve in curves:
        match = next((index for index in left if fits(curve, index)), None)
        if match is not None:
            left.remove(match)
    return count - len(left)


def shows(curve: Drawn, values: Sequence[float], atol: float) -> bool:
    """Return whether a curve's heights are ``values``. Per cent and fractions are the same.

    It may have one point more, before the first.
    """
    wanted = np.asarray(values, dtype=np.float64)
    found = curve.y[1:] if len(curve.y) == len(wanted) + 1 else curve.y
    if len(found) != len(wanted) or not len(wanted):
        return False
    return any(bool(np.allclose(found * factor, wanted, rtol=0, atol=atol)) for factor in (1.0, 0.01))


def is_over(curve: Drawn, values: Sequence[float], *, clock: bool) -> bool:
    """Return whether a curve is drawn over ``values``, but for where counting starts.

    With ``clock`` it may also be in another unit of time.
    """
    wanted = np.asarray(values, dtype=np.float64)
    found = curve.x[1:] if len(curve.x) == len(wanted) + 1 else curve.x
    if len(found) != len(wanted):
        return False
    if len(wanted) < 2:
        return True
    steps, right = np.diff(found), np.diff(wanted)
    near = 0.02 * float(np.mean(np.abs(right)))
    return any(
        bool(np.allclose(steps * factor, right, rtol=0.02, atol=near))
        for factor in ((1.0, 60.0, 3600.0, 0.001) if clock else (1.0,))
    )
