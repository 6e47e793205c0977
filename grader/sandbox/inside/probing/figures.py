"""Describes the matplotlib figures that a hand-in made: shown or not, closed or not, in the order of making.

The answer is a list of ``{"title", "legend", "axes"}``, where each of the axes is ``{"title", "xlabel", "ylabel",
"xscale", "yscale", "xlim", "ylim", "place", "legend", "texts", "curves", "images"}`` and each of the curves
``{"label", "style", "count", "x", "y"}``, of style line, points or bars. ``legend`` is a list of texts, or None; ``x``
and ``y`` are arrays of float64, cut after a number of points; ``count`` is how many there were.
"""

from __future__ import annotations

from typing import Any

from .. import figures


def observe(_namespace: dict[str, Any], _name: str, _arguments: Any) -> list[dict[str, Any]]:
    """Return the description of every figure that was kept."""
    return figures.kept()
