"""Whether two formulas are the same: polynomials by algebra, all others by their values at many points."""

from __future__ import annotations

import importlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from typing import Any, Literal, TypeAlias

import numpy as np

from grader.checks.algebra import CONSTANTS, REDUCTIONS, Call, Name, Number, Term, names

Value: TypeAlias = Fraction | float
Assumption = Literal["positive integers", "odd positive integers", "integers", "positive numbers", "numbers"]

POINTS = 40
#: Elements of a vector at each point.
VECTOR_LENGTH = 4
#: Integers up to this size are exact; beyond it a formula has no value.
MAX_BITS = 8192
_MAX_POLYNOMIAL_TERMS = 2000
_MAX_DEGREE = 24
#: No index that a student could write.
_FREE = "*"
_RTOL, _ATOL = 1e-9, 1e-12


class UndefinedError(ArithmeticError):
    """A formula has no value at a point: a division by zero, a root of a negative number, a number too large."""


@dataclass(frozen=True, slots=True)
class Point:
    """Values of the variables; ``position`` is the element of the vectors that a free index means."""

    values: Mapping[str, Fraction | tuple[Fraction, ...]]
    position: int = 0


def points(
    variables: Sequence[str], vectors: Sequence[str], assume: Mapping[str, Assumption], rng: np.random.Generator
) -> list[Point]:
    """Return :data:`POINTS` random points, small numbers and large ones; fractions are exact in binary."""
    found = []
    for index in range(POINTS):
        size = (8, 60, 500)[index % 3]
        values: dict[str, Fraction | tuple[Fraction, ...]] = {
            name: _draw(assume[name], size, rng) for name in variables
        }
        for name in vectors:
            values[name] = tuple(_draw(assume[name], size, rng) for _ in range(VECTOR_LENGTH))
        found.append(Point(values, int(rng.integers(VECTOR_LENGTH))))
    return found


def _draw(assume: Assumption, size: int, rng: np.random.Generator) -> Fraction:
    match assume:
        case "positive integers":
            return Fraction(int(rng.integers(1, size + 1)))
        case "odd positive integers":
            return Fraction(2 * int(rng.integers(size // 2)) + 1)
        case "integers":
            return Fraction(int(rng.integers(-size, size + 1)))
        case "positive numbers":
            return Fraction(int(rng.integers(1, 129)), 16)
        case "numbers":
            return Fraction(int(rng.integers(-128, 129)), 16)


def evaluate(term: Term, point: Point) -> Value:
    """Return the value at ``point``: a fraction while everything is rational, otherwise a float.

    Raises UndefinedError where there is none.
    """
    try:
        value = _value(term, point.values, {"": point.position, _FREE: point.position})
    except (ZeroDivisionError, OverflowError, ValueError):
        raise UndefinedError from None
    if isinstance(value, float) and not math.isfinite(value):
        raise UndefinedError
    return value


def _value(term: Term, values: Mapping[str, Any], at: Mapping[str, int]) -> Value:
    match term:
        case Number():
            return term.value
        case Name():
            return _named(term, values, at)
        case Call() if term.function in REDUCTIONS and len(term.arguments) == 1:
            return _reduced(term, values, at)
    arguments = [_value(argument, values, at) for argument in term.arguments]
    value: Value = _OPERATIONS[term.function](*arguments)
    if isinstance(value, Fraction) and max(value.numerator.bit_length(), value.denominator.bit_length()) > MAX_BITS:
        raise UndefinedError
    return value


def _named(name: Name, values: Mapping[str, Any], at: Mapping[str, int]) -> Value:
    if name.name not in values:
        if name.name in CONSTANTS:
            return math.e if name.name == "e" else math.pi
        raise UndefinedError
    value: Value | tuple[Value, ...] = values[name.name]
    # An index that no sum binds means the one element that the formula is about, whatever letter it has.
    return value[at.get(name.index, at[_FREE])] if isinstance(value, tuple) else value


def _reduced(call: Call, values: Mapping[str, Any], at: Mapping[str, int]) -> Value:
    """Return the sum, maximum or minimum over the elements of the vectors in its one argument."""
    body = call.arguments[0]
    written = {one.index for one in names(body) if isinstance(values.get(one.name), tuple)}
    if not written:
        if call.function == "sum":
            raise UndefinedError
        return _value(body, values, at)
    # Without a written index it runs over the one that appears only here, or over the only one.
    bound = {call.bound} if call.bound else (written - {"", "i"} or written)
    inner = (
        _value(body, values, {**at, "": position, **dict.fromkeys(bound, position)})
        for position in range(VECTOR_LENGTH)
    )
    reduce: Any = {"sum": sum, "max": max, "min": min}[call.function]
    found: Value = reduce(inner)
    return found


def _power(base: Value, exponent: Value) -> Value:
    if isinstance(base, Fraction) and isinstance(exponent, Fraction) and exponent.denominator == 1:
        size = max(base.numerator.bit_length(), base.denominator.bit_length())
        if size * abs(exponent.numerator) > MAX_BITS:
            raise UndefinedError
        return Fraction(base**exponent.numerator)
    if base < 0:
        raise UndefinedError
    return math.pow(base, exponent)


def _divided_down(left: Value, right: Value) -> Value:
    return Fraction(math.floor(left / right))


def _log(value: Value, base: Value | None = None) -> float:
    return math.log(value) if base is None else math.log(value) / math.log(base)


def _sigmoid(value: Value) -> float:
    return 1 / (1 + math.exp(-value)) if value >= 0 else math.exp(value) / (1 + math.exp(value))


_OPERATIONS: Mapping[str, Any] = {
    "+": lambda left, right: left + right,
    "-": lambda left, right: left - right,
    "*": lambda left, right: left * right,
    "/": lambda left, right: left / right,
    "%": lambda left, right: left - right * _divided_down(left, right),
    "//": _divided_down,
    "^": _power,
    "floor": lambda value: Fraction(math.floor(value)),
    "ceil": lambda value: Fraction(math.ceil(value)),
    "trunc": lambda value: Fraction(math.trunc(value)),
    "abs": abs,
    "max": max,
    "min": min,
    "relu": lambda value: max(value, Fraction(0)),
    "sqrt": math.sqrt,
    "exp": math.exp,
    "log": _log,
    "log2": math.log2,
    "log10": math.log10,
    "tanh": math.tanh,
    "sigmoid": _sigmoid,
}


def close(left: Value, right: Value) -> bool:
    """Return whether two values are the same: exactly for fractions, to nine digits for floats."""
    if isinstance(left, Fraction) and isinstance(right, Fraction):
        return left == right
    try:
        return math.isclose(left, right, rel_tol=_RTOL, abs_tol=_ATOL)
    except OverflowError:
        return False


def same(left: Term, right: Term, at: Sequence[Point]) -> bool:
    """Return whether two formulas are the same.

    Polynomials are compared by their coefficients, which is a proof. All others have to agree at every point where one
    of them has a value. Raises UndefinedError if ``right``, the reference, has a value at fewer than half of them.
    """
    by_algebra = _same_polynomial(left, right)
    if by_algebra is not None:
        return by_algebra
    truth = values_at(right, at)
    if 2 * sum(value is not None for value in truth) < len(at):
        raise UndefinedError("the reference's formula has no value at most points")
    return all(
        (one is None) == (other is None) and (one is None or other is None or close(one, other))
        for one, other in zip(values_at(left, at), truth, strict=True)
    )


def values_at(term: Term, at: Sequence[Point]) -> list[Value | None]:
    """Return the value at each point, None where there is none."""
    found: list[Value | None] = []
    for point in at:
        try:
            found.append(evaluate(term, point))
        except UndefinedError:
            found.append(None)
    return found


def constant_factor(left: Term, right: Term, at: Sequence[Point]) -> bool:
    """Return whether ``left`` is ``right`` times one and the same number, other than 0 and 1."""
    pairs = zip(values_at(left, at), values_at(right, at), strict=True)
    try:
        factors = [one / other for one, other in pairs if one is not None and other]
    except (OverflowError, ZeroDivisionError):
        return False
    return len(factors) > 1 and factors[0] != 0 and all(close(one, other) for one, other in pairwise(factors))


def _same_polynomial(left: Term, right: Term) -> bool | None:
    """Return whether two polynomials are the same; None if one is none, or has too many terms to be written out."""
    if any(one.index for term in (left, right) for one in names(term)):
        return None
    degrees = [_degree(term) for term in (left, right)]
    if None in degrees:
        return None
    variables = len({one.name for term in (left, right) for one in names(term)})
    if math.comb(max(filter(None, degrees), default=0) + variables, variables) > _MAX_POLYNOMIAL_TERMS:
        return None
    sympy: Any = importlib.import_module("sympy")  # takes half a second, and few verdicts need it

    return bool(sympy.expand(_symbolic(left, sympy) - _symbolic(right, sympy)) == 0)


def _degree(term: Term) -> int | None:
    """Return the degree of a polynomial, at most; None for anything else, or above the limit."""
    degree: int | None = None
    match term:
        case Number():
            degree = 0
        case Name() if term.name not in CONSTANTS:
            degree = 1
        case Call(function="/", arguments=(above, Number(divisor))) if divisor:
            degree = _degree(above)
        case Call(function="^", arguments=(base, Number(exponent))) if exponent.denominator == 1 and exponent >= 0:
            below = _degree(base)
            # A power of a power of numbers alone has no end.
            known = below is not None and exponent <= _MAX_DEGREE and not (below == 0 and isinstance(base, Call))
            degree = below * int(exponent) if known and below is not None else None
        case Call(function="+" | "-" | "*"):
            parts = [_degree(argument) for argument in term.arguments]
            whole = [part for part in parts if part is not None]
            degree = None if len(whole) < len(parts) else sum(whole) if term.function == "*" else max(whole)
    return degree if degree is not None and degree <= _MAX_DEGREE else None


def _symbolic(term: Term, sympy: Any) -> Any:
    """Return a polynomial as a SymPy expression, made of its own objects and never of text."""
    match term:
        case Number():
            return sympy.Rational(term.value.numerator, term.value.denominator)
        case Name():
            return sympy.Symbol(term.name)
        case Call():
            parts = [_symbolic(argument, sympy) for argument in term.arguments]
            return (parts[0] ** parts[1]) if term.function == "^" else _OPERATIONS[term.function](*parts)
