"""Loading a reference: an author's module becomes a checked graph, or a list of all its problems."""

from __future__ import annotations

import ast
import hashlib
import inspect
import os
import sys
import textwrap
import traceback
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from difflib import get_close_matches
from graphlib import CycleError, TopologicalSorter
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path
from types import CodeType, ModuleType
from typing import cast

from grader.errors import CourseError, Problem
from grader.reference.authoring import Mark, collecting
from grader.reference.graph import Cases, Definition, Misconception, Property, Quantity, Reference, Trial

_PLAIN = inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY


def load(path: Path) -> Reference:
    """Return what is written in the module at ``path``.

    Raises CourseError with every problem found: a module that does not import, a name defined twice, a parameter
    that names nothing, a cycle, a misconception of something unknown or one that needs its own target, cases, a
    property or a trial of an unknown function.
    """
    marks, sha256 = _run_module(path)
    reference = Reference(path, sha256, {}, {})
    problems = [problem for mark in marks for problem in _add(reference, mark, path)]
    problems += _graph_problems(path, reference)
    if problems:
        raise CourseError(problems)
    return reference


def _add(reference: Reference, mark: Mark, path: Path) -> list[Problem]:  # noqa: PLR0911 - one for each problem
    """Add what is marked to ``reference``, whose mappings are still open; return what is wrong with it."""
    definition = mark.function
    if not inspect.isfunction(inspect.unwrap(definition)) and not (
        inspect.isclass(definition) and mark.role in {"function", "misconception"}
    ):
        return [Problem(str(path), f"{definition!r} is marked as a {mark.role}, but is no function")]
    name, line = definition.__name__, mark.line
    place = f"{path}:{line}"
    if any(name in names for names in _all_names(reference)):
        return [Problem(place, f"`{name}` is defined twice; give one of them another name")]
    if name == "seed":
        return [Problem(place, "`seed` is what a given calls the student's seed; give this another name")]
    title = (inspect.getdoc(definition) or "").split("\n", 1)[0]
    open_nodes = cast("dict[str, Quantity]", reference.nodes)
    match mark.role:
        case "function":
            cast("dict[str, Definition]", reference.definitions)[name] = Definition(name, title, definition, line)
            return []
        case "cases":
            drawn = Cases(name, mark.target, definition, _needs(mark), line)
            cast("dict[str, Cases]", reference.cases)[name] = drawn
        case "property":
            found = Property(name, mark.target, mark.message, definition, line)
            cast("dict[str, Property]", reference.properties)[name] = found
            return [Problem(place, message) for message in _property_problems(mark)]
        case "trial":
            tried = Trial(name, mark.target, definition, _own_source(definition), line)
            cast("dict[str, Trial]", reference.trials)[name] = tried
            return []
        case "misconception":
            where = mark.also_loses, line, mark.shows_in
            wrong = Misconception(name, mark.target, mark.message, definition, _needs(mark), *where)
            cast("dict[str, Misconception]", reference.misconceptions)[name] = wrong
            if mark.target in reference.definitions:
                return [] if mark.message.strip() else [Problem(place, _no_sentence(name))]
        case _:
            open_nodes[name] = Quantity(name, title, definition, _needs(mark), mark.role == "given", line)
    return [Problem(place, message) for message in _signature_problems(mark)]


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
    os.environ.setdefault("KERAS_BACKEND", "torch")  # as where students' code runs
    with collecting() as marks:
        try:
            exec(compile(source, str(path), "exec"), module.__dict__)  # noqa: S102 - the author's own, trusted code
        except Exception as error:
            raise CourseError([_import_problem(path, error)]) from error
        finally:
            sys.modules.pop(name, None)
    lines = {} if all(_code_of(mark) for mark in marks) else _class_lines(source)
    marks = [replace(mark, line=_line(mark, lines)) for mark in marks]
    return marks, hashlib.sha256(source).hexdigest()


def _code_of(mark: Mark) -> CodeType | None:
    return getattr(inspect.unwrap(mark.function), "__code__", None)


def _line(mark: Mark, class_lines: Mapping[str, int]) -> int:
    code = _code_of(mark)
    return code.co_firstlineno if code else class_lines.get(getattr(mark.function, "__name__", ""), 1)


def _class_lines(source: bytes) -> dict[str, int]:
    """Return the line in which each class begins: unlike a function, a class does not know it."""
    return {node.name: node.lineno for node in ast.walk(ast.parse(source)) if isinstance(node, ast.ClassDef)}


def _import_problem(path: Path, error: Exception) -> Problem:
    line: int | None = None
    if isinstance(error, SyntaxError):
        line = error.lineno
    else:
        lines = [f.lineno for f in traceback.extract_tb(error.__traceback__) if f.filename == str(path)]
        line = lines[-1] if lines else None
    place = f"{path}:{line}" if line else str(path)
    return Problem(place, f"does not import: {type(error).__name__}: {error}")


def _needs(mark: Mark) -> tuple[str, ...]:
    return () if inspect.isclass(mark.function) else tuple(inspect.signature(mark.function).parameters)


def _all_names(reference: Reference) -> tuple[Mapping[str, object], ...]:
    functions = (reference.definitions, reference.cases, reference.properties, reference.trials)
    return (reference.nodes, reference.misconceptions, *functions)


def _no_sentence(name: str) -> str:
    return f"misconception `{name}` has no sentence for the student"


def _property_problems(mark: Mark) -> Iterator[str]:
    name, count = mark.function.__name__, len(inspect.signature(mark.function).parameters)
    if count != 2:
        yield f"property `{name}` takes {count} parameters; expected two: the inputs and the result"
    if not mark.message.strip():
        yield f"property `{name}` has no sentence for the student"


def _own_source(function: Callable[..., object]) -> str:
    """Return the source of a function without its decorators."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(inspect.unwrap(function))))
    (definition,) = tree.body
    cast("ast.FunctionDef", definition).decorator_list = []
    return ast.unparse(tree)


def _signature_problems(mark: Mark) -> list[str]:
    found = []
    for parameter in inspect.signature(mark.function).parameters.values():
        if parameter.kind not in _PLAIN:
            found.append(f"`{mark.function.__name__}` takes `{parameter}`; name each quantity that it needs instead")
        elif parameter.default is not parameter.empty:
            found.append(f"`{mark.function.__name__}` has a default for `{parameter.name}`; values come from the graph")
    if mark.role == "misconception" and not mark.message.strip():
        found.append(_no_sentence(mark.function.__name__))
    return found


def _graph_problems(path: Path, reference: Reference) -> list[Problem]:
    problems = []
    nodes = reference.nodes
    for node in nodes.values():
        known = {name for name, other in nodes.items() if other.is_given or not node.is_given}
        for need in node.needs:
            if need not in known and not (need == "seed" and node.is_given):
                kind = "given" if node.is_given else "given or quantity"
                problems.append(Problem(f"{path}:{node.line}", _unknown(node.name, need, kind, known)))
    cycle = _cycle(nodes)
    if cycle:
        problems.append(Problem(f"{path}:{nodes[cycle[0]].line}", "a cycle of needs: " + " → ".join(cycle)))
    problems += _wrong_problems(path, reference, cyclic=bool(cycle))
    return [*problems, *_cases_problems(path, reference), *_target_problems(path, reference)]


def _wrong_problems(path: Path, reference: Reference, *, cyclic: bool) -> Iterator[Problem]:
    nodes = reference.nodes
    for wrong in reference.misconceptions.values():
        place = f"{path}:{wrong.line}"
        targets = set(reference.quantities) | set(reference.definitions)
        if wrong.target in reference.definitions:
            continue
        if wrong.target not in targets:
            yield Problem(place, _unknown(wrong.id, wrong.target, "quantity", targets))
        for need in wrong.needs:
            if need not in nodes:
                yield Problem(place, _unknown(wrong.id, need, "given or quantity", set(nodes)))
        if not cyclic and wrong.target in reference.ancestors(wrong.needs):
            yield Problem(place, f"misconception `{wrong.id}` needs `{wrong.target}`, which it replaces")


def _cases_problems(path: Path, reference: Reference) -> Iterator[Problem]:
    for drawn in reference.cases.values():
        place = f"{path}:{drawn.line}"
        known = {*reference.definitions, *reference.trials}
        if drawn.target not in known:
            yield Problem(place, _unknown(drawn.name, drawn.target, "function", known))
        for need in drawn.needs:
            if need not in reference.nodes and need != "rng":
                yield Problem(place, _unknown(drawn.name, need, "given or quantity", {*reference.nodes, "rng"}))


def _target_problems(path: Path, reference: Reference) -> Iterator[Problem]:
    known = set(reference.definitions)
    marked: list[Property | Trial] = [*reference.properties.values(), *reference.trials.values()]
    for one in marked:
        if one.target not in known:
            yield Problem(f"{path}:{one.line}", _unknown(one.name, one.target, "function", known))


def _unknown(name: str, need: str, kind: str, known: set[str]) -> str:
    near = get_close_matches(need, known, n=1)
    hint = f"; did you mean `{near[0]}`?" if near else ""
    return f"`{name}` refers to `{need}`, which is no {kind}{hint}"


def _cycle(nodes: Mapping[str, Quantity]) -> list[str]:
    graph = {name: [need for need in node.needs if need in nodes] for name, node in nodes.items()}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return [str(name) for name in reversed(error.args[1])]
    return []
