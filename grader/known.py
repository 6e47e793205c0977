"""Hand-ins of known marks, made from the reference: all values right, or one mistake made."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterable, Mapping
from copy import copy
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import Any, cast

from grader.checks import JudgingKind
from grader.course import Exercise
from grader.reference import Evaluation, Misconception
from grader.starters import literal

_DECORATORS = {"given", "quantity", "function", "misconception", "cases", "property_of", "trial"}


def computed(exercise: Exercise, values: Evaluation) -> Mapping[str, bytes]:
    """Return a hand-in, a module if the exercise takes one, that binds what is asked for to its value in ``values``."""
    source = "import numpy as np\n\n" + _assignments(exercise, values)
    file = next((one for one in exercise.files if one.endswith(".py")), exercise.files[0])
    content = source if file.endswith(".py") else json.dumps(_notebook([source]))
    return {file: content.encode()}


def mistaken(exercise: Exercise, wrong: Misconception, truth: Evaluation) -> Mapping[str, bytes]:
    """Return a hand-in in which one mistake was made, and all that follows from it was done right.

    It is the first solution with what differs bound anew at its end, or values alone where there is no solution.
    """
    if wrong.target in exercise.reference.definitions:
        return _extended(exercise, _override(exercise.reference.path, wrong))
    values = Evaluation(exercise.reference, truth.seed, {wrong.target: truth.mistaken(wrong)})
    if all(cast("JudgingKind", check.kind).hands_in(check.options) for check in exercise.rubric.checks):
        return computed(exercise, values)
    return _extended(exercise, "import numpy as np\n\n" + _assignments(exercise, values))


def _assignments(exercise: Exercise, values: Evaluation) -> str:
    checks = exercise.rubric.checks
    asked = dict.fromkeys(name for check in checks for name in cast("JudgingKind", check.kind).hands_in(check.options))
    return "".join(f"{name} = {literal(values.value(name))}\n" for name in asked)


def _extended(exercise: Exercise, code: str) -> Mapping[str, bytes]:
    """Return the files of the first solution that is run, with ``code`` at its end."""
    solution = next(one for one in exercise.solutions if PurePosixPath(one.name).suffix in {".py", ".ipynb"})
    files = {name: path.read_bytes() for name, path in solution.files.items()}
    if solution.name.endswith(".py"):
        return {**files, solution.name: files[solution.name] + f"\n\n{code}".encode()}
    notebook = json.loads(files[solution.name])
    notebook["cells"] += _notebook([code])["cells"]
    return {**files, solution.name: json.dumps(notebook).encode()}


def _notebook(sources: Iterable[str]) -> dict[str, Any]:
    cells: list[dict[str, Any]] = [
        {
            "cell_type": "code",
            "id": f"made-{index}",
            "metadata": {},
            "execution_count": None,
            "outputs": [],
            "source": source,
        }
        for index, source in enumerate(sources)
    ]
    return {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}


def _override(path: Path, wrong: Misconception) -> str:
    """Return source that binds the target to the wrong version, with what the reference's module defines for itself."""
    module = _stripped(path.read_bytes())
    found = module.defined.get(wrong.id)
    if found is None:
        return f"{module.own}\n"
    renamed = copy(found)
    renamed.name = wrong.target
    # The wrong version last: it may use whatever stands below it in the reference.
    return "\n\n".join(filter(None, (module.own, ast.unparse(renamed)))) + "\n"


@dataclass(frozen=True, slots=True)
class _Module:
    """A reference's module without types and marks: the source of what it has for itself, and all that it defines."""

    own: str
    defined: Mapping[str, ast.FunctionDef | ast.ClassDef]


@lru_cache(maxsize=2)  # one wrong version after the other is taken from the same module
def _stripped(source: bytes) -> _Module:
    tree = _without_annotations(ast.parse(source))
    own: list[ast.stmt] = []
    defined: dict[str, ast.FunctionDef | ast.ClassDef] = {}
    for statement in tree.body:
        if isinstance(statement, ast.FunctionDef | ast.ClassDef):
            defined[statement.name] = statement
            marks = [one for one in statement.decorator_list if _is_ours(one)]
            statement.decorator_list = [one for one in statement.decorator_list if one not in marks]
            if marks:
                continue
        elif isinstance(statement, ast.Expr) or (
            isinstance(statement, ast.ImportFrom) and (statement.module or "").split(".")[0] in {"grader", "__future__"}
        ):
            continue
        own.append(statement)
    return _Module(ast.unparse(ast.Module(own, [])), defined)


def _without_annotations(tree: ast.Module) -> ast.Module:
    """Return ``tree`` with functions that say nothing about types: those of our package are not there."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            node.returns = None
        elif isinstance(node, ast.arg):
            node.annotation = None
    return tree


def _is_ours(decorator: ast.expr) -> bool:
    call = decorator.func if isinstance(decorator, ast.Call) else decorator
    return isinstance(call, ast.Name) and call.id in _DECORATORS
