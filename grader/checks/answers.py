"""Reading a student's value: any reasonable way to hold a number becomes an array of the expected shape."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from grader.checks.writing import Figure, Writing, read_figure
from grader.checks.written import PLURALS, WrittenError
from grader.model import Array, Failure, Opaque, Plain

Numbers: TypeAlias = NDArray[np.generic]


_WORDS = {
    "bool": "True or False",
    "int": "an integer",
    "float": "a number",
    "complex": "a complex number",
    "str": "text",
    "list": "a list",
    "dict": "a mapping",
}


@dataclass(frozen=True, slots=True)
class Answer:
    """A usable answer: numbers in the shape of the expected value, or normalised text.

    ``figure`` is what stood there where a number came as text.
    """

    value: Numbers | str
    figure: Figure | None = None


@dataclass(frozen=True, slots=True)
class Unusable:
    """Why an answer cannot be compared, for the student. ``absent``: nothing was answered at all."""

    message: str
    absent: bool = False


def expected_value(value: Any) -> Numbers | str:
    """Return what a reference computed as an array, or as normalised text.

    Raises TypeError or ValueError for anything else, such as None from a function without a ``return``.
    """
    if isinstance(value, str):
        return _normal(value)
    if hasattr(value, "detach"):  # a torch tensor, without importing torch
        value = value.detach().cpu()
    array = np.asarray(value)
    if array.dtype.kind not in "biufc":
        found = f"{type(value).__name__} {value!r}"
        raise TypeError(f"the reference computed {found:.80}; expected a number, an array of numbers or text")
    return array


def in_form_of(answer: Numbers | str, pattern: Any) -> Any:
    """Return ``answer`` as the reference holds ``pattern``: a Python number, a list, an array, a tensor or text.

    An author's function then gets from a student what it was written for: no integers of eight bits where it
    calculates with floats, no array where it takes a Python number.
    """
    if isinstance(answer, str):
        return answer
    like = np.asarray(expected_value(pattern))
    array = _widened(answer, like.dtype)
    if hasattr(pattern, "new_tensor"):
        wide = pattern.double() if array.dtype.kind == "f" and like.dtype.kind in "iu" else pattern
        return wide.new_tensor(array.copy())
    if isinstance(pattern, list | tuple):
        return type(pattern)(array.tolist())
    if isinstance(pattern, np.ndarray):
        return array
    return array[()] if isinstance(pattern, np.generic) else array.item()


def _widened(array: Numbers, dtype: np.dtype[Any]) -> Numbers:
    """Return ``array`` in a class and width of number in which nothing of it, or of ``dtype``, is lost."""
    if dtype.kind in "fc":
        return array.astype(np.promote_types(array.dtype, dtype))
    if dtype.kind in "iu" and array.dtype.kind == "f":
        whole = bool(np.all(np.isfinite(array) & (array == np.rint(array)) & (np.abs(array) < 2.0**63)))
        return array.astype(np.int64) if whole else array.astype(np.float64)
    if dtype.kind in "iu" and array.dtype.kind in "iu" and array.dtype.itemsize < 8:
        return array.astype(np.int64)
    if dtype.kind == "b" and bool(np.all((array == 0) | (array == 1))):
        return array.astype(np.bool_)
    return array


def read_answer(
    name: str,
    value: Plain | Failure,
    expected: Numbers | str,
    *,
    transpose: bool,
    writing: Writing | None = None,
) -> Answer | Unusable:
    """Return the student's ``value`` in the shape of ``expected``.

    Axes of length one do not count, so a scalar may be an array of one element and a vector a row or a column. With
    ``transpose`` a matrix may come transposed where its shape shows that. With ``writing`` a number may come as text.
    """
    absent = _absent(name, value)
    if absent:
        return absent
    if isinstance(expected, str):
        if isinstance(value, str):
            return Answer(_normal(value))
        return Unusable(f"`{name}` should be text, but is {describe(value)}.")
    if writing and isinstance(value, str) and expected.size == 1 and expected.dtype.kind in "iuf":
        return _in_writing(name, value, expected, writing)
    numbers = _numbers(name, value)
    if isinstance(numbers, Unusable):
        return numbers
    shaped = _shaped(name, numbers, expected.shape, transpose=transpose)
    return shaped if isinstance(shaped, Unusable) else _classed(name, shaped, expected)


def describe(value: Plain | Failure) -> str:
    """Return in a few words what a value is, for messages: ``an ndarray of shape (3,) and dtype float64``."""
    if isinstance(value, Array):
        kind = _with_article(value.origin)
        return f"{kind} of shape {value.shape} and dtype {value.dtype}" if value.shape else f"{kind} ({value.dtype})"
    if isinstance(value, Opaque):
        return _with_article(value.type_name)
    return _WORDS.get(type(value).__name__, "nothing")


def _with_article(noun: str) -> str:
    return f"{'an' if noun.lower().startswith((*'aeiou', 'nd')) else 'a'} {noun}"


def _absent(name: str, value: Plain | Failure) -> Unusable | None:
    if value is None:
        return Unusable(f"`{name}` is still None: not answered yet.", absent=True)
    if not isinstance(value, Failure):
        return None
    if value.kind == "missing":
        return Unusable(f"`{name}` is not defined at the end of the run.", absent=True)
    if value.kind == "too_large":
        return Unusable(f"`{name}` is too large to look at.")
    if value.kind == "not_run":
        return Unusable(f"`{name}` was never reached: {value.message or 'the run ended before'}.", absent=True)
    return Unusable(f"`{name}` cannot be read: {value.message}.")


def _in_writing(name: str, text: str, expected: Numbers, writing: Writing) -> Answer | Unusable:
    try:
        figure = read_figure(text, writing, expected.item())
    except WrittenError as error:
        return Unusable(f"`{name}` cannot be read as a number of {PLURALS[writing.units[0]]}: {error}.")
    value = figure.used.value
    number = to_array(int(value) if value.denominator == 1 else float(value))
    return Answer(number.reshape(expected.shape), figure)


def _normal(text: str) -> str:
    return " ".join(unicodedata.normalize("NFC", text).split())


def _numbers(name: str, value: Plain | Failure) -> Numbers | Unusable:
    try:
        return to_array(value)
    except TypeError:
        return Unusable(f"`{name}` should be a number or an array of numbers, but is {describe(value)}.")
    except ValueError:
        return Unusable(f"`{name}` is a ragged list: its rows differ in length, so it is no array.")


def to_array(value: Plain | Failure) -> Numbers:
    """Return ``value`` as an array. Raises TypeError for what is no number, ValueError for a ragged list."""
    if isinstance(value, Array):
        return value.to_numpy()
    if isinstance(value, list):
        rows = [to_array(item) for item in value]
        if len({row.shape for row in rows}) > 1:
            raise ValueError("ragged")
        return np.array(rows)
    if isinstance(value, int) and not isinstance(value, bool) and not -(2**63) <= value < 2**64:
        return np.asarray(_nearest_float(value))
    if isinstance(value, bool | int | float | complex):
        return np.asarray(value)
    raise TypeError("not a number")


def _nearest_float(value: int) -> float:
    """Return the float nearest to an integer that no type of integer holds, other than any integer that one holds."""
    try:
        return float(value) if value > 0 else min(float(value), float(np.nextafter(-(2.0**63), -np.inf)))
    except OverflowError:
        return np.inf if value > 0 else -np.inf


def _shaped(name: str, numbers: Numbers, shape: tuple[int, ...], *, transpose: bool) -> Numbers | Unusable:
    if numbers.shape == shape:
        return numbers
    core, wanted = (tuple(length for length in one if length != 1) for one in (numbers.shape, shape))
    if core == wanted:
        return numbers.reshape(shape)
    if len(core) == 2 and core[::-1] == wanted:
        if transpose:
            return numbers.reshape(core).T.reshape(shape)
        return Unusable(f"`{name}` has shape {numbers.shape}: that is the transpose of what is asked.")
    found = f"has shape {numbers.shape}" if numbers.shape else "is a single number"
    return Unusable(f"`{name}` {found}; expected {_shape_words(shape)}.")


def _shape_words(shape: tuple[int, ...]) -> str:
    return f"an array of shape {shape}" if shape else "a single number"


def _classed(name: str, numbers: Numbers, expected: Numbers) -> Answer | Unusable:
    """Return the answer unless its class of number is wrong: booleans for numbers, complex for real, not finite."""
    if numbers.dtype.kind == "b" and expected.dtype.kind != "b":
        return Unusable(f"`{name}` is True or False where a number is expected.")
    if numbers.dtype.kind == "c" and expected.dtype.kind != "c":
        if np.any(numbers.imag != 0):
            return Unusable(f"`{name}` is complex where a real number is expected.")
        numbers = numbers.real
    if np.all(np.isfinite(expected)) and not np.all(np.isfinite(numbers)):
        return Unusable(f"`{name}` is not finite: {_count_not_finite(numbers)}.")
    return Answer(numbers)


def _count_not_finite(numbers: Numbers) -> str:
    nan, infinite = np.isnan(numbers), np.isinf(numbers)
    first = tuple(int(i) for i in np.argwhere(nan | infinite)[0])
    at = f", the first at index {list(first)}" if first else ""
    parts = [f"{mask.sum()} {word}" for mask, word in ((nan, "NaN"), (infinite, "infinite")) if mask.any()]
    return f"{' and '.join(parts)} of {numbers.size}{at}"
