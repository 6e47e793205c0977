"""The kind ``source``: constructs that the code must use or must not use, by its syntax tree."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import cast

from pydantic import Field, field_validator

from grader.checks.case import Case, StandsAlone, Verdict, verdict
from grader.checks.syntax import Code, parse, parse_spec
from grader.course import CheckOptions
from grader.model import Failure, Probe
from grader.reference import Evaluation, Reference

_PROBE = Probe("source", "")
_MAX_LINE_CHARS = 80


class SourceOptions(CheckOptions):
    """Judges how the code is written: constructs that it must use, and constructs that it must not.

    - ``source``: a word for what is judged, which is the check's id.
    - ``within``: look only into this function or class (``Net`` or ``Net.forward``), and the functions of the hand-in
      that it calls by name.
    - ``requires``: constructs all of which must be there; ``a | b`` asks for one of several.
    - ``forbids``: constructs none of which may be there.
    - ``message``: a sentence for the student, in place of the list of what is missing or forbidden.

    A construct is one of: a dotted name in full, as ``torch.autograd``, which is found under every name that it is
    imported or assigned under, with all that lies below it; a method, as ``.backward()``, whatever it is called on; an
    attribute, as ``.grad``; the words ``for``, ``while``, ``if``, ``with``, ``try``, ``lambda``, ``comprehension``,
    ``recursion``; ``with torch.no_grad``; an operator, as ``@`` or ``+=``; a number, as ``0.1307``, in any spelling; a
    text in quotes, as ``"mean"``.

    This is weaker evidence: it says how something is written, never what it does, and code that hides a name (in
    ``exec`` or a text) is not seen through. A magic or a shell command of a notebook is left out.
    """

    source: str = Field(pattern=r"^[A-Za-z_][A-Za-z0-9_.-]*$")
    within: str | None = None
    requires: list[str | int | float] = Field(default_factory=list)
    forbids: list[str | int | float] = Field(default_factory=list)
    message: str = ""

    @field_validator("requires", "forbids")
    @classmethod
    def _known(cls, given: list[str | int | float]) -> list[str | int | float]:
        for one in given:
            parse_spec(one)
        return given

    @property
    def subject(self) -> str:
        """The word for what is judged."""
        return self.source


class SourceKind(StandsAlone):
    """Judges the syntax tree of the source that was handed in. Nothing is run."""

    name = "source"
    options: type[CheckOptions] = SourceOptions

    def probes(self, options: CheckOptions, truth: Evaluation) -> tuple[Probe, ...]:
        """Return the one probe: the source."""
        del options, truth
        return (_PROBE,)

    def problems(self, options: CheckOptions, reference: Reference) -> list[str]:
        """Return what is wrong with the options: nothing is asked."""
        del reference
        checked = cast("SourceOptions", options)
        return [] if checked.requires or checked.forbids else ["source: neither `requires` nor `forbids` anything"]

    def judge(self, options: CheckOptions, case: Case) -> Verdict:
        """Return the verdict."""
        checked = cast("SourceOptions", options)
        text = case.seen(_PROBE)
        if not isinstance(text, str):
            why = text.message if isinstance(text, Failure) else "there is no text"
            return verdict(self.name, options, 0.0, f"The source cannot be read: {why}.")
        try:
            code = parse(text, checked.within)
        except SyntaxError as error:
            message = f"The source is no valid Python: {error.msg} in line {error.lineno}{_quoted(text, error.lineno)}."
            return verdict(self.name, options, 0.0, message)
        if code is None:
            message = f"`{checked.within}` is not defined in the source."
            return verdict(self.name, options, 0.0, "\n".join(filter(None, [message, case.reason])))
        complaints = [*_missing(checked, code), *_forbidden(checked, code, text)]
        if not complaints:
            return verdict(self.name, options, 1.0)
        listed = "\n".join(complaints)
        return verdict(self.name, options, 0.0, checked.message or listed, evidence=listed if checked.message else "")


SOURCE = SourceKind()


def _missing(options: SourceOptions, code: Code) -> Iterator[str]:
    where = f" in `{options.within}`" if options.within else ""
    for one in options.requires:
        alternatives = parse_spec(one)
        if not any(next(code.uses(spec, imports=False), None) for spec in alternatives):
            names = " or ".join(f"`{spec.text}`" for spec in alternatives)
            yield f"{names} is not used{where}, and is asked for."


def _forbidden(options: SourceOptions, code: Code, text: str) -> Iterator[str]:
    for spec in (spec for one in options.forbids for spec in parse_spec(one)):
        node = next(code.uses(spec, imports=True), None)
        if node is not None:
            yield f"`{spec.text}` is used in line {_line(node)}{_quoted(text, _line(node))}, and must not be."


def _line(node: ast.AST) -> int:
    return int(getattr(node, "lineno", 1))


def _quoted(text: str, line: int | None) -> str:
    """Return the line itself, in brackets: a notebook's reader cannot count through its cells."""
    lines = text.splitlines()
    found = lines[line - 1].strip() if line and line <= len(lines) else ""
    shortened = re.sub("`", "'", found[:_MAX_LINE_CHARS])
    return f" (`{shortened}`)" if shortened else ""
