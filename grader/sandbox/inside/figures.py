"""Keeps and describes the figures that student code draws: a notebook closes them after each cell."""

from __future__ import annotations

import functools
import sys
import weakref
from collections.abc import Callable, Iterator
from typing import Any

from . import state

#: So many figures, the latest, are described at the end, and so many of them are kept alive until then.
MAX_FIGURES, MAX_ALIVE = 60, 20
#: Of one figure: points of all its curves together, curves, axes; and characters of any one text.
MAX_POINTS, MAX_CURVES, MAX_AXES, MAX_CHARS = 10_000, 60, 24, 300

_kept: list[_Kept] = []


class _Kept:
    """One figure: alive, or as it was when it was let go or cleared."""

    def __init__(self, figure: Any) -> None:
        self.held: Any = figure
        self.reference: Callable[[], Any] = weakref.ref(figure)
        self.described: dict[str, Any] | None = None

    def let_go(self) -> None:
        """Describe the figure as it is now and hold it no longer."""
        if self.held is not None:
            self.described, self.held = describe(self.held), None

    def now(self) -> dict[str, Any] | None:
        """Return the description: of the figure where it still exists, otherwise the last one."""
        figure = self.reference()
        return self.described if figure is None else describe(figure)


def keep_figures() -> None:
    """Remember every figure made from now on, once matplotlib is imported."""
    state.after_import({"matplotlib.figure": _watch})


def kept() -> list[dict[str, Any]]:
    """Return the descriptions of the latest figures that show anything, in the order in which they were made."""
    return [found for found in (one.now() for one in _kept) if found is not None and found["axes"]]


def _watch() -> None:
    figure_class = sys.modules["matplotlib.figure"].Figure
    start, clear = figure_class.__init__, figure_class.clear

    @functools.wraps(start)
    def started(figure: Any, *arguments: Any, **options: Any) -> None:
        start(figure, *arguments, **options)
        _kept.append(_Kept(figure))
        del _kept[:-MAX_FIGURES]
        alive = [one for one in _kept if one.held is not None]
        for one in alive[:-MAX_ALIVE]:
            one.let_go()

    @functools.wraps(clear)
    def cleared(figure: Any, *arguments: Any, **options: Any) -> Any:
        _keep_before_clearing(figure)
        return clear(figure, *arguments, **options)

    figure_class.__init__, figure_class.clear = started, cleared


def _keep_before_clearing(figure: Any) -> None:
    """Note what a figure shows that will be drawn on anew: to a reader these are two figures."""
    place = next((index for index, one in enumerate(_kept) if one.reference() is figure), None)
    if place is not None and _tried(lambda: bool(figure.axes)):
        before = _Kept(figure)
        before.let_go()
        before.reference = _gone
        _kept.insert(place, before)
        del _kept[:-MAX_FIGURES]


def _gone() -> None:
    return None


def describe(figure: Any) -> dict[str, Any]:
    """Return what a figure shows, as plain data. What cannot be read is left out."""
    budget = [MAX_POINTS]
    every = _tried(lambda: list(figure.axes)[:MAX_AXES]) or []
    legends = _tried(lambda: [_legend(one) for one in figure.legends]) or []
    described = [_tried(_axes, axes, budget) for axes in every]
    return {
        "title": _text(_tried(lambda: figure.get_suptitle())),  # noqa: PLW0108 - the attribute may fail, too
        "legend": next((one for one in legends if one), None),
        "axes": [one for one in described if one is not None],
    }


def _tried(function: Callable[..., Any], *arguments: Any) -> Any:
    """Return what the function gives, None where it fails: parts of a figure may be anything."""
    try:
        return function(*arguments)
    except TimeoutError:
        raise
    except (Exception, SystemExit):  # noqa: BLE001 - a student's subclass, or a half-made figure
        return None


def _axes(axes: Any, budget: list[int]) -> dict[str, Any]:
    return {
        "title": _text(axes.get_title()),
        "xlabel": _text(axes.get_xlabel()),
        "ylabel": _text(axes.get_ylabel()),
        "xscale": _text(axes.get_xscale()),
        "yscale": _text(axes.get_yscale()),
        "xlim": [float(one) for one in axes.get_xlim()],
        "ylim": [float(one) for one in axes.get_ylim()],
        "place": [round(float(one), 4) for one in axes.get_position().bounds],
        "legend": _legend(axes.get_legend()),
        "texts": [_text(one.get_text()) for one in axes.texts[:MAX_CURVES]],
        "curves": list(_curves(axes, budget)),
        "images": len(axes.images),
    }


def _curves(axes: Any, budget: list[int]) -> Iterator[dict[str, Any]]:
    """Yield lines, clouds of points, and groups of bars. Lines across the whole plot (axhline) are none."""
    for line in axes.lines[:MAX_CURVES]:
        if all(line.get_transform().contains_branch_seperately(axes.transData)):
            yield from _tried(_curve, line, "line", line.get_data(orig=False), budget) or ()
    for cloud in axes.collections[:MAX_CURVES]:
        if type(cloud).__name__ == "PathCollection":
            yield from _tried(_curve, cloud, "points", cloud.get_offsets().T, budget) or ()
    for group in axes.containers[:MAX_CURVES]:
        if type(group).__name__ == "BarContainer":
            ends = [(one.get_x() + one.get_width() / 2, one.get_height()) for one in group[:MAX_POINTS]]
            yield from _tried(_curve, group, "bars", zip(*ends, strict=True), budget) or ()


def _curve(artist: Any, style: str, data: Any, budget: list[int]) -> list[dict[str, Any]]:
    import numpy as np  # noqa: PLC0415 - it is imported already, because matplotlib is

    x, y = (np.ma.filled(np.ma.asarray(one, dtype=np.float64), np.nan).ravel() for one in data)
    count = min(len(x), len(y))
    cut = min(count, budget[0])
    budget[0] -= cut
    label = _text(artist.get_label())
    shown = "" if label.startswith("_") else label
    return [{"label": shown, "style": style, "count": count, "x": np.array(x[:cut]), "y": np.array(y[:cut])}]


def _legend(legend: Any) -> list[str] | None:
    return None if legend is None else [_text(one.get_text()) for one in legend.get_texts()[:MAX_CURVES]]


def _text(value: Any) -> str:
    return value[:MAX_CHARS] if type(value) is str else ""
