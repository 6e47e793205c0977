"""How two runs of the same hand-in differ: in how they ended, and in what was observed of both."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from grader.model import Array, Failure, Plain, Run, fingerprint

#: As much of a value is told.
_MOST = 60


@dataclass(frozen=True, slots=True)
class Observed:
    """What came out otherwise in a second run: ``what`` it is, as it was ``then`` and as it is ``now``.

    ``distance`` is the largest difference of an element, where both are numbers of one shape.
    """

    what: str
    then: str
    now: str
    distance: float | None = None


def otherwise(then: Run, now: Run) -> tuple[Observed, ...]:
    """Return what differs, bit for bit, of what was observed both ``then`` and ``now``; first how the runs ended."""
    found = [] if then.stop is now.stop else [Observed("how the run ended", then.stop.value, now.stop.value)]
    old_errors, new_errors = (", ".join(map(str, run.errors)) or "none" for run in (then, now))
    found += [] if old_errors == new_errors else [Observed("exceptions", _cut(old_errors), _cut(new_errors))]
    before = {one.probe: one.value for one in then.observations}
    pairs = [(one.probe, before[one.probe], one.value) for one in now.observations if one.probe in before]
    found += [
        Observed(f"{probe.kind} `{probe.name}`", _shown(old), _shown(new), _distance(old, new))
        for probe, old, new in pairs
        if not _same(old, new)
    ]
    return tuple(found)


def _same(old: Plain | Failure, new: Plain | Failure) -> bool:
    if isinstance(old, Failure) or isinstance(new, Failure):
        return old == new
    return fingerprint(old) == fingerprint(new)


def _distance(old: Plain | Failure, new: Plain | Failure) -> float | None:
    one, other = _numbers(old), _numbers(new)
    if one is None or other is None or one.shape != other.shape:
        return None
    with np.errstate(all="ignore"):
        largest = float(np.max(np.abs(one - other), initial=0.0))
    return largest if np.isfinite(largest) else None


def _numbers(value: Plain | Failure) -> np.ndarray[tuple[int, ...], np.dtype[np.complex128]] | None:
    if isinstance(value, Array):
        return value.to_numpy().astype(np.complex128)
    return np.asarray(value, np.complex128) if isinstance(value, int | float | complex) else None


def _shown(value: Plain | Failure) -> str:
    if isinstance(value, Failure):
        return _cut(f"nothing ({value.kind}{': ' if value.message else ''}{value.message})")
    if isinstance(value, Array):
        numbers = np.array2string(value.to_numpy().ravel()[:4], separator=", ", max_line_width=10**6)
        size = int(np.prod(value.shape, dtype=np.int64))
        return _cut(f"{value.dtype}{list(value.shape)} {numbers[:-1]}{', …' if size > 4 else ''}]")
    return _cut(repr(value))


def _cut(text: str) -> str:
    return text if len(text) <= _MOST else f"{text[: _MOST - 1]}…"
