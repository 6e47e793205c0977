"""The decorators with which an author says what is true.

They only mark a function and note it down, in order, while a reference is being loaded; outside of loading the
functions stay plain functions that a test may call.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

Function = TypeVar("Function", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Mark:
    """One decorated function, as the author wrote it."""

    role: Literal["given", "quantity", "misconception", "function", "cases", "property", "trial"]
    function: Callable[..., Any]
    target: str = ""
    message: str = ""
    also_loses: tuple[str, ...] = ()
    line: int = 1
    shows_in: str = ""


_marks: ContextVar[list[Mark] | None] = ContextVar("marks", default=None)


@contextmanager
def collecting() -> Iterator[list[Mark]]:
    """Yield a list that receives every function decorated inside the block, in order."""
    marks: list[Mark] = []
    token = _marks.set(marks)
    try:
        yield marks
    finally:
        _marks.reset(token)


def _note(mark: Mark) -> None:
    marks = _marks.get()
    if marks is not None:
        marks.append(mark)


def given(function: Function) -> Function:
    """Mark ``function`` as a number that the task gives to the student; its name is the name they see.

    A parameter called ``seed`` receives the student's seed (an int), or None where the assignment does not give
    everybody numbers of their own. Other parameters name other givens.
    """
    _note(Mark("given", function))
    return function


def quantity(function: Function) -> Function:
    """Mark ``function`` as the definition of the quantity it is named after.

    Its parameters are the names of the givens and quantities that it needs. A quantity that no check asks for is
    a hidden intermediate: it is never observed, and a mistake in it is inferred from what follows.
    """
    _note(Mark("quantity", function))
    return function


def function(definition: Function) -> Function:
    """Mark a function or a class that students write under the same name; models are such, too.

    It is called with inputs that :func:`cases` draw, and never enters a process with student code.
    """
    _note(Mark("function", definition))
    return definition


def cases(target: str) -> Callable[[Function], Function]:
    """Mark a function that draws inputs for the function (or trial) ``target``.

    It yields one tuple of arguments, or one :class:`Steps`, for each case. Its parameter ``rng`` is a NumPy generator
    seeded for each submission, so that nobody can know the inputs; other parameters name givens and quantities.
    """

    def mark(draw: Function) -> Function:
        _note(Mark("cases", draw, target))
        return draw

    return mark


def property_of(target: str, message: str) -> Callable[[Function], Function]:
    """Mark a function that judges a result of the function ``target`` where several results are right.

    It is called as ``name(inputs, result)`` with the tuple of arguments (or the :class:`Steps`) and what came back, as
    numbers, NumPy arrays, text, lists and dicts, and returns whether the property holds, or as text what is wrong.
    ``message`` is what a student reads where it does not hold; a rubric lists the name under ``properties``.
    """

    def mark(function: Function) -> Function:
        _note(Mark("property", function, target, message))
        return function

    return mark


def trial(target: str) -> Callable[[Function], Function]:
    """Mark a function that tries the function or class ``target`` out where plain inputs will not do.

    It is called with ``target`` first and then with the inputs that cases of its own name draw, and returns what is
    judged. It can build what no input can be: a model, an optimizer, a loader. It is run beside student code, so it
    imports what it needs inside its own body, uses nothing else of the reference, and holds no answers.
    """

    def mark(function: Function) -> Function:
        _note(Mark("trial", function, target))
        return function

    return mark


def misconception(
    target: str,
    message: str,
    *,
    also_loses: tuple[str, ...] = (),
    shows_in: str = "",
) -> Callable[[Function], Function]:
    """Mark a function as a known wrong version of the quantity or function ``target``; its name identifies the mistake.

    ``message`` is what a student who made the mistake reads: it names the mistake and never the answer.
    ``also_loses`` names the checks, besides the first that shows the mistake, which a hand-in that makes only this
    mistake loses as well; ``grade validate`` holds the author to it. ``shows_in`` names the first check that shows the
    mistake, where that is another than the first of ``target``.
    """

    def mark(function: Function) -> Function:
        _note(Mark("misconception", function, target, message, also_loses, shows_in=shows_in))
        return function

    return mark
