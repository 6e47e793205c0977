"""Reading training histories, from a JSON file or from a variable, as generously as they can be understood."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from grader.model import Array, Failure, Opaque, Plain

#: Which value, or which values, a run has under a key for it to be meant.
Filter: TypeAlias = Mapping[str, "str | float | tuple[str | float, ...]"]

_MAX_RUNS = 1000
_MAX_VALUES = 100_000
#: Other names under which the keys of a run are understood.
_OTHER_NAMES: Mapping[str, tuple[str, ...]] = {
    "learning_rate": ("lr",),
    "seconds": ("time", "times", "elapsed"),
    "epochs": ("epoch",),
    "test_accuracy": ("test_acc", "test_accuracies"),
    "optimizer": ("optimiser", "optim"),
    "model": ("network", "net"),
}


class HistoryError(ValueError):
    """What was handed in is no history. The message is for the student."""


@dataclass(frozen=True, slots=True)
class TrainingRun:
    """One training: what it was, by normalised key, and its lists of numbers. ``place`` says where it stands."""

    place: str
    values: Mapping[str, Any]

    def of(self, key: str) -> Any:
        """Return what stands under ``key`` or another name for it; None where there is nothing."""
        for name in (key, *_OTHER_NAMES.get(key, ())):
            if _plain_key(name) in self.values:
                return self.values[_plain_key(name)]
        return None

    def numbers(self, key: str) -> list[float]:
        """Return the list of finite numbers under ``key``. Raises HistoryError, which says what is wrong with it."""
        found = self.of(key)
        if found is None:
            raise HistoryError(f"{self.place} has no `{key}`")
        if not isinstance(found, list):
            raise HistoryError(f"`{key}` of {self.place} should be a list of numbers")
        if len(found) > _MAX_VALUES:
            raise HistoryError(f"`{key}` of {self.place} has {len(found)} values; at most {_MAX_VALUES} are read")
        return [_number(one, f"`{key}[{index}]` of {self.place}") for index, one in enumerate(found)]

    def fits(self, wanted: Filter) -> bool:
        """Return whether the run is one of those meant."""
        return all(_is_one_of(self.of(key), one) for key, one in wanted.items())


def runs_in(source: str, value: Plain | Failure) -> list[TrainingRun]:
    """Return the runs in an observed file (its bytes) or variable. ``source`` names it in messages.

    Understood are ``{"runs": [{...}, ...]}``, a list of runs, one run alone, and a list of numbers alone, which becomes
    a run with that list under the key ``""``. Raises HistoryError.
    """
    found = _parsed(source, value) if isinstance(value, Array) and value.origin == "file" else _listed(value)
    if isinstance(found, dict) and isinstance(found.get("runs"), list):
        found = found["runs"]
    if isinstance(found, dict):
        found = [found]
    if isinstance(found, list) and found and all(isinstance(one, int | float | str | list) for one in found):
        nested = all(isinstance(one, list) for one in found)
        is_column = nested and len(found) > 1 and all(len(one) == 1 for one in found)
        found = [{"": row} for row in (found if nested and not is_column else [found])]
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise HistoryError(f"`{source}` holds no runs; write {{'runs': [{{...}}, ...]}}")
    if not found:
        raise HistoryError(f"`{source}` holds no runs")
    if len(found) > _MAX_RUNS:
        raise HistoryError(f"`{source}` holds {len(found)} runs; at most {_MAX_RUNS} are read")
    return [
        TrainingRun(f"run {index + 1}", {_plain_key(str(key)): value for key, value in one.items()})
        for index, one in enumerate(found)
    ]


def _parsed(source: str, value: Array) -> Any:
    try:
        return json.loads(value.data.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise HistoryError(f"`{source}` is no text in UTF-8") from None
    except RecursionError:
        raise HistoryError(f"`{source}` is nested too deeply") from None
    except json.JSONDecodeError as error:
        raise HistoryError(f"`{source}` is no JSON: line {error.lineno}, column {error.colno}: {error.msg}") from None
    except ValueError as error:
        raise HistoryError(f"`{source}` is no JSON: {error}") from None


def _listed(value: Plain | Failure) -> Any:
    """Return a variable with its arrays as lists."""
    match value:
        case Failure():
            raise HistoryError(value.message or "it is missing")
        case Opaque():
            raise HistoryError(f"it is of type {value.type_name}; write lists and mappings of numbers")
        case Array():
            return value.to_numpy().tolist()
        case list():
            return [_listed(one) for one in value]
        case dict():
            return {key: _listed(one) for key, one in value.items()}
    return value


def _number(value: Any, place: str) -> float:
    """Return a number, also where it was written as text. Raises HistoryError."""
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            raise HistoryError(f"{place} is text, {value[:20]!r}; a number is expected") from None
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise HistoryError(f"{place} is no number")
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise HistoryError(f"{place} is not finite: {number}")
    return number


def _plain_key(key: str) -> str:
    return re.sub(r"[\W_]", "", key.casefold())


def _is_one_of(found: Any, wanted: Any) -> bool:
    several: Sequence[Any] = wanted if isinstance(wanted, list | tuple) else [wanted]
    return any(_is(found, one) for one in several)


def _is(found: Any, wanted: Any) -> bool:
    """Return whether a run's entry is the one meant: equal as a number, or having the word as one of its words."""
    if isinstance(wanted, int | float):
        try:
            return math.isclose(_number(found, ""), wanted)
        except HistoryError:
            return False
    return isinstance(found, str) and _plain_key(wanted) in {_plain_key(found), *_words(found)}


def _words(text: str) -> Iterator[str]:
    """Yield the words of an entry, so that ``cuda:0`` is cuda and ``torch.optim.SGD`` is SGD; AdamW is not Adam."""
    yield from re.split(r"[\W_]+", text.casefold())


def as_fraction(values: Sequence[float]) -> tuple[list[float], bool]:
    """Return accuracies between 0 and 1, and whether they were given in per cent."""
    is_percent = bool(values) and min(values) >= 0 and 1.5 < max(values) <= 100
    return ([one / 100 for one in values] if is_percent else list(values)), is_percent
