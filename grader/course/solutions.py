"""Right and known-wrong hand-ins that belong to an exercise, as files of the course."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path

from grader.course.schema import WrongFile
from grader.course.types import Rubric, Solution, WrongSolution
from grader.errors import CourseError, Problem
from grader.reference import Reference
from grader.yamlfile import read_yaml, validated

#: What systems leave in folders.
_LITTER = ("__pycache__", ".ipynb_checkpoints", ".DS_Store")


def load_solutions(folder: Path, exercise: str, taken: Sequence[str]) -> tuple[Solution, ...]:
    """Return the right hand-ins: one for each of the names ``taken`` that is there.

    They are files in ``folder``, or in a folder named after the exercise, where further files belong to each of them.
    """
    own = folder / exercise
    beside = {name: path for name, path in files_below(own).items() if name not in taken}
    places = {name: path for name in taken for path in (folder / name, own / name) if path.is_file()}
    return tuple(Solution(name, {name: path, **beside}) for name, path in places.items())


def files_below(folder: Path) -> dict[str, Path]:
    """Return the files below ``folder`` by their path in it, sorted; none where it is not there."""
    paths = (path for path in sorted(folder.rglob("*")) if path.is_file() and not set(path.parts) & set(_LITTER))
    return {path.relative_to(folder).as_posix(): path for path in paths}


def load_wrong(
    folder: Path,
    taken: Sequence[str],
    solutions: Sequence[Solution],
    reference: Reference,
    rubric: Rubric,
) -> tuple[WrongSolution, ...]:
    """Return the known-wrong hand-ins listed in wrong.yaml; none where there is no such folder.

    An entry names a file, handed in under the name in ``taken`` that has its suffix, or a folder of files. Files that
    it does not bring are those of the first solution. Raises CourseError with every problem.
    """
    if not folder.is_dir():
        return ()
    file = read_yaml(folder / "wrong.yaml")
    if not isinstance(file.data, dict):
        raise CourseError([file.problem((), "should be a mapping from the name of each file here to what it loses")])
    problems: list[Problem] = []
    found = []
    checks = {check.id for check in rubric.checks}
    named_by_checks = {name for check in rubric.checks for name in check.options.mistakes}
    for name, data in ((str(key), one) for key, one in file.data.items()):
        entry = validated(WrongFile, file, data, (name,))
        if isinstance(entry, list):
            problems += entry
            continue
        path = folder / name
        if not path.exists():
            problems.append(file.problem((name,), f"no file {path}; write it or remove the entry"))
        elif path.is_file() and taken and not name.endswith(tuple(Path(one).suffix for one in taken)):
            problems.append(file.problem((name,), f"cannot be handed in: the exercise takes {' or '.join(taken)}"))
        for word, known, names in (
            ("loses", checks, entry.loses),
            ("names", {*reference.misconceptions, *named_by_checks}, entry.names),
            ("without", {one for solution in solutions for one in solution.files}, entry.without),
        ):
            problems += [file.problem((name, word), _unknown(one, known)) for one in names if one not in known]
        files = _laid_over(path, taken, solutions, entry.without)
        found.append(WrongSolution(path, entry.title, frozenset(entry.loses), frozenset(entry.names), files))
    if problems:
        raise CourseError(problems)
    return tuple(found)


def _laid_over(
    path: Path, taken: Sequence[str], solutions: Sequence[Solution], without: Sequence[str]
) -> Mapping[str, Path]:
    own = {_handed_in_as(path, taken): path} if path.is_file() else files_below(path)
    base: dict[str, Path] = dict(solutions[0].files) if solutions else {}
    if any(name in taken for name in own):
        base = {name: one for name, one in base.items() if name not in taken}
    return {name: one for name, one in {**base, **own}.items() if name not in without}


def _handed_in_as(path: Path, taken: Sequence[str]) -> str:
    return next((name for name in taken if name.endswith(path.suffix)), path.name)


def _unknown(name: str, known: set[str]) -> str:
    near = get_close_matches(name, known, n=1)
    hint = f"; did you mean `{near[0]}`?" if near else f"; known: {', '.join(sorted(known))}"
    return f"unknown `{name}`{hint}"
