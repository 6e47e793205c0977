"""How the layers of two networks differ, and why a layer cannot take what arrives, in words for a student."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import zip_longest
from math import isqrt, prod
from typing import Any

from grader.checks.layers import ACTIVATIONS, Layer, Shape

#: Of a layer that anybody would make.
_MOST_FEATURES = 10**8


def share(own: Sequence[Layer], asked: Sequence[Layer]) -> float:
    """Return how much of two lists is the same, in order: the longest common subsequence by the longer list."""
    lengths = [0] * (len(asked) + 1)
    for layer in own:
        before = lengths[:]
        for index, other in enumerate(asked):
            both = before[index] + 1 if layer.same(other) else 0
            lengths[index + 1] = max(both, before[index + 1], lengths[index])
    return lengths[-1] / max(len(own), len(asked), 1)


def first_difference(own: Sequence[Layer], asked: Sequence[Layer], *, reveal: bool) -> str:
    """Return where two lists of layers differ first, empty if nowhere. ``reveal``: say what is asked, too."""
    before: Layer | None = None
    for mine, other in zip_longest(own, asked):
        if mine is None or other is None or not mine.same(other):
            return _difference(mine, other, before, reveal=reveal)
        before = mine
    return ""


def _difference(mine: Layer | None, other: Layer | None, before: Layer | None, *, reveal: bool) -> str:
    place = f"After {before.label}" if before else "At the beginning"
    if mine is None or other is None or mine.kind != other.kind:
        found = mine.label if mine else "nothing more"
        wanted = f"; expected {other or 'nothing more'}" if reveal else ", which is not what is asked for"
        return f"{place} comes {found}{wanted}."
    keys = [key for key in {**mine.settings, **other.settings} if mine.settings.get(key) != other.settings.get(key)]
    own = ", ".join(f"{key}={mine.settings.get(key)}" for key in keys)
    wanted = ", ".join(f"{key}={other.settings.get(key)}" for key in keys)
    return f"{mine.label} has {own}; " + (f"expected {wanted}." if reveal else "that is not what is asked for.")


def in_order(own: Sequence[Layer], expected: Sequence[str | Mapping[str, Any]], *, reveal: bool) -> tuple[float, str]:
    """Return the share of what is expected that comes one after the other in ``own``, and the first that does not.

    An expectation is a kind, or a kind with settings: ``{"Conv2d": {"stride": 2}}``.
    """
    met, position, message = 0, 0, ""
    for one in expected:
        kind, settings = (one, {}) if isinstance(one, str) else next(iter(one.items()))
        place = next((i for i in range(position, len(own)) if _meets(own[i], kind, settings)), None)
        if place is not None:
            met, position = met + 1, place + 1
        elif not message:
            after = f" after {own[position - 1].label}" if position else ""
            message = f"A layer is missing{after}{f': {Layer(kind, settings)}' if reveal else ''}."
    return met / len(expected), message


def _meets(layer: Layer, kind: str, settings: Mapping[str, Any]) -> bool:
    given = {key: tuple(value) if isinstance(value, list) else value for key, value in settings.items()}
    return layer.kind == kind and all(layer.settings.get(key) == value for key, value in given.items())


def misfit(layer: Layer, before: Sequence[Layer], *, reveal: bool) -> str:
    """Return why ``layer`` cannot take what arrives, from the shapes; empty where they do not tell."""
    came = layer.came
    if came is None:
        return ""
    takes = layer.settings.get("in_features")
    if isinstance(takes, int) and came and came[-1] != takes:
        if len(came) > 2:
            arriving = f"a tensor of shape {shape_words(came)} arrives, whose last axis has {came[-1]}"
            return f"{layer.label} takes {takes} features, but {arriving}: flatten it before."
        return _features(layer, takes, came[-1], before, reveal=reveal)
    channels = layer.settings.get("in_channels")
    if channels is not None and len(came) > 1 and came[1] != channels:
        return f"{layer.label} takes {channels} channels, but a tensor of shape {shape_words(came)} arrives."
    return ""


def _features(layer: Layer, takes: int, arrives: int, before: Sequence[Layer], *, reveal: bool) -> str:
    flat = next((one for one in reversed(before) if one.kind == "Flatten" and one.came), None)
    shape = flat.came[1:] if flat and flat.came and prod(flat.came[1:]) == arrives else ()
    maps = (one for one in reversed(before) if one.kind not in ACTIVATIONS)
    source = next((one for one in maps if flat and one.gave == flat.came), None)
    if not reveal:
        what = f"what {source.label} gives" if source else "what arrives"
        how = f": multiply channels, height and width of {what}" if len(shape) > 1 else ""
        return f"{layer.label} takes {takes} features, but another number arrives{how}."
    after = f" after {source.label}" if source else ""
    arriving = f"{arrives} = {_product(shape)}" if len(shape) > 1 else str(arrives)
    meant = _as_map(takes, shape[-1]) if len(shape) == 3 else ()
    taken = f"{takes} = {_product(meant)}" if meant else str(takes)
    return f"Expected {arriving} features{after}; {layer.label} takes {taken}."


def _as_map(features: int, side: int) -> Shape:
    """Return channels and two equal sides, near to ``side``, that make ``features``; nothing if there are none."""
    if features > _MOST_FEATURES:
        return ()
    sides = [one for one in range(2, isqrt(features) + 1) if features % (one * one) == 0]
    best = min(sides, key=lambda one: abs(one - side), default=0)
    return (features // best**2, best, best) if best and abs(best - side) <= side // 2 <= features // best**2 else ()


def _product(lengths: Iterable[int]) -> str:
    return "·".join(map(str, lengths))


def shape_words(shape: Shape) -> str:
    """Return a shape with N for the number of examples."""
    return f"({', '.join(['N', *map(str, shape[1:])])})"
