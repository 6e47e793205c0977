"""What an author's files say about an exercise, in a form in which two versions can be compared."""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterator
from functools import lru_cache

from grader import __version__
from grader.course import Check, Exercise
from grader.store import Authored, AuthoredCheck


@lru_cache(maxsize=256)
def authored(exercise: Exercise) -> Authored:
    """Return what the author's files said about ``exercise`` when it was loaded."""
    reference = exercise.reference
    code = dict(_definitions(reference.path.read_bytes()))
    return Authored(
        exercise=exercise.sha256,
        reference=reference.sha256,
        rubric=exercise.rubric.sha256,
        grader=__version__,
        checks=tuple(
            _check(check, criterion.id) for criterion in exercise.rubric.criteria for check in criterion.checks
        ),
        definitions={name: code for name, code in code.items() if name not in reference.misconceptions},
        misconceptions={name: code.get(name, "") for name in reference.misconceptions},
    )


def _check(check: Check, criterion: str) -> AuthoredCheck:
    unjudged = {"points", "id", "self_check", "hints", "after"}
    options = check.options.model_dump(mode="json", exclude=unjudged)
    return AuthoredCheck(check.id, check.kind.name, criterion, check.points, options)


def _definitions(source: bytes) -> Iterator[tuple[str, str]]:
    """Yield each name that a module defines at its top, with a hash of the code; comments and layout do not count."""
    unnamed = hashlib.sha256()
    for statement in ast.parse(source).body:
        code = ast.dump(statement).encode()
        match statement:
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                yield name, hashlib.sha256(code).hexdigest()
            case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)):
                yield name, hashlib.sha256(code).hexdigest()
            case _:
                unnamed.update(code)
    yield "", unnamed.hexdigest()
