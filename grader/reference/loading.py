"""Loading a reference: an author's module becomes a checked graph, or a list of all its problems."""

from __future__ import annotations

import hashlib
import inspect
import sys
import traceback
from collections.abc import Mapping
from difflib import get_close_matches
from graphlib import CycleError, TopologicalSorter
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path
from types import ModuleType

from grader.errors import CourseError, Problem
from grader.reference.authoring import Mark, collecting
from grader.reference.graph import Misconception, Quantity, Reference

_PLAIN = inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY


def load(path: Path) -> Reference:
    """Return the graph written in the module at ``path``.

    Raises CourseError with every problem found: a module that does not import, a name defined twice, a parameter
    that names nothing, a cycle, a misconception of an unknown quantity or one that needs its own target. A module
    that defines nothing is a problem of its own.
    """
    marks, sha256 = _run_module(path)
    problems: list[Problem] = []
    nodes: dict[str, Quantity] = {}
    misconceptions: dict[str, Misconception] = {}
    for mark in marks:
        if not inspect.isfunction(inspect.unwrap(mark.function)):
            problems.append(Problem(str(path), f"{mark.function!r} is marked as a {mark.role}, but is no function"))
            continue
        name, line = mark.function.__name__, _line(mark)
        if name in nodes or name in misconceptions:
            problems.append(Problem(f"{path}:{line}", f"`{name}` is defined twice; give one of them another name"))
        elif name == "seed":
            message = "`seed` is what a given calls the student's seed; give this another name"
            problems.append(Problem(f"{path}:{line}", message))
        elif mark.role == "misconception":
            misconceptions[name] = Misconception(
                name, mark.target, mark.message, mark.function, _needs(mark), mark.also_loses, line
            )
        else:
            title = (inspect.getdoc(mark.function) or "").split("\n", 1)[0]
            is_given = mark.role == "given"
            nodes[name] = Quantity(name, title, mark.function, _needs(mark), is_given, line)
        problems += [Problem(f"{path}:{line}", message) for message in _signature_problems(mark)]
    problems += _graph_problems(path, nodes, misconceptions)
    if not nodes:
        problems.append(Problem(str(path), "defines no @given and no @quantity"))
    if problems:
        raise CourseError(problems)
    return Reference(path, sha256, nodes, misconceptions)


def _run_module(path: Path) -> tuple[list[Mark], str]:
    try:
        source = path.read_bytes()
    except OSError as error:
        raise CourseError([Problem(str(path), f"cannot be read ({error.strerror}); every exercise needs it")]) from None
    name = f"_reference_{hashlib.sha256(str(path.resolve()).encode()).hexdigest()[:16]}"
    spec = spec_from_loader(name, loader=None, origin=str(path))
    module = module_from_spec(spec) if spec else ModuleType(name)
    module.__file__ = str(path)
    sys.modules[name] = module  # dataclasses and the like look their module up by name
    with collecting() as marks:
        try:
            exec(compile(source, str(path), "exec"), module.__dict__)  # noqa: S102 - the author's own, trusted code
        except Exception as error:
            raise CourseError([_import_problem(path, error)]) from error
        finally:
            sys.modules.pop(name, None)
    return marks, hashlib.sha256(source).hexdigest()


def _import_problem(path: Path, error: Exception) -> Problem:
    line: int | None = None
    if isinstance(error, SyntaxError):
        line = error.lineno
    else:
        lines = [f.lineno for f in traceback.extract_tb(error.__traceback__) if f.filename == str(path)]
        line = lines[-1] if lines else None
    place = f"{path}:{line}" if line else str(path)
    return Problem(place, f"does not import: {type(error).__name__}: {error}")


def _line(mark: Mark) -> int:
    return int(inspect.unwrap(mark.function).__code__.co_firstlineno)


def _needs(mark: Mark) -> tuple[str, ...]:
    return tuple(inspect.signature(mark.function).parameters)


def _signature_problems(mark: Mark) -> list[str]:
    found = []
    for parameter in inspect.signature(mark.function).parameters.values():
        if parameter.kind not in _PLAIN:
            found.append(f"`{mark.function.__name__}` takes `{parameter}`; name each quantity that it needs instead")
        elif parameter.default is not parameter.empty:
            found.append(f"`{mark.function.__name__}` has a default for `{parameter.name}`; values come from the graph")
    if mark.role == "misconception" and not mark.message.strip():
        found.append(f"misconception `{mark.function.__name__}` has no sentence for the student")
    return found


def _graph_problems(
    path: Path, nodes: Mapping[str, Quantity], misconceptions: Mapping[str, Misconception]
) -> list[Problem]:
    problems = []
    for node in nodes.values():
        known = {name for name, other in nodes.items() if other.is_given or not node.is_given}
        for need in node.needs:
            if need not in known and not (need == "seed" and node.is_given):
                kind = "given" if node.is_given else "given or quantity"
                problems.append(Problem(f"{path}:{node.line}", _unknown(node.name, need, kind, known)))
    cycle = _cycle(nodes)
    if cycle:
        problems.append(Problem(f"{path}:{nodes[cycle[0]].line}", "a cycle of needs: " + " → ".join(cycle)))
    for wrong in misconceptions.values():
        place = f"{path}:{wrong.line}"
        targets = {name for name, node in nodes.items() if not node.is_given}
        if wrong.target not in targets:
            problems.append(Problem(place, _unknown(wrong.id, wrong.target, "quantity", targets)))
        problems += [
            Problem(place, _unknown(wrong.id, need, "given or quantity", set(nodes)))
            for need in wrong.needs
            if need not in nodes
        ]
        if not cycle and wrong.target in _reach(nodes, wrong.needs):
            problems.append(Problem(place, f"misconception `{wrong.id}` needs `{wrong.target}`, which it replaces"))
    return problems


def _unknown(name: str, need: str, kind: str, known: set[str]) -> str:
    near = get_close_matches(need, known, n=1)
    hint = f"; did you mean `{near[0]}`?" if near else ""
    return f"`{name}` refers to `{need}`, which is no {kind}{hint}"


def _reach(nodes: Mapping[str, Quantity], names: tuple[str, ...]) -> frozenset[str]:
    return Reference(Path(), "", nodes, {}).ancestors(names)


def _cycle(nodes: Mapping[str, Quantity]) -> list[str]:
    graph = {name: [need for need in node.needs if need in nodes] for name, node in nodes.items()}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return [str(name) for name in reversed(error.args[1])]
    return []
