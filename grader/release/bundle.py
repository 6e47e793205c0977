"""The files of a bundle for students: a course of one assignment, without what is right."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path
from typing import Any

import yaml

from grader import __version__
from grader.checks.sealing import WORK
from grader.course import Assignment, Check, Course, Exercise
from grader.course.bundles import FORMAT, digest
from grader.course.finding import COURSE_FILE
from grader.errors import UsageError
from grader.reference import Evaluation
from grader.release.deciding import Decided, Decision, decide
from grader.release.guide import guide
from grader.release.public_reference import handed_out
from grader.release.sealer import Sealer
from grader.starters import literal, with_given

#: The untouched starters, where no hand-in is looked for.
_PRISTINE = ".starters"
_MODULES = {
    "torch": "torch",
    "keras": "keras",
    "sklearn": "scikit-learn",
    "matplotlib": "matplotlib",
    "safetensors": "safetensors",
}
#: What a kind of check needs to have in the process of the hand-in, and what the stand-in for a data set is made from.
_NEEDED_BY = {"figure": ("matplotlib",), "model": ("torch",), "cost": ("torch",), "mnist": ("scikit-learn",)}


@dataclass(frozen=True, slots=True)
class Made:
    """A bundle: its files by path, and what became of every check, by exercise."""

    files: Mapping[str, bytes]
    decisions: Mapping[str, tuple[Decision, ...]]


def make_bundle(
    course: Course, assignment: Assignment, person: str, requirement: str = "", *, work: int = WORK
) -> Made:
    """Return the bundle of ``assignment`` for ``person``, empty where everybody has the same numbers.

    ``requirement`` is the line by which pip installs this program; its name and version unless given. ``work`` is the
    logarithm to base 2 of scrypt's cost. The same course makes the same bytes each time. Raises UsageError where no
    check can be made at home, CourseError where a rubric asks for what is not possible.
    """
    seed = course.seed(assignment, person)
    files: dict[str, bytes] = {}
    decided: dict[str, Decided] = {}
    for exercise in assignment.exercises:
        truth = Evaluation(exercise.reference, seed)
        sealer = Sealer(course.title, assignment.id, exercise.id, person, work)
        decided[exercise.id] = decide(exercise, truth, sealer)
        files |= _handed_out(exercise, truth, decided[exercise.id], personal=assignment.personal)
    listed = [one for one in assignment.exercises if _checkable(decided[one.id].decisions)]
    if not listed:
        raise UsageError(
            f"assignment {assignment.id}: none of its checks can be made at home, so there is nothing to release; "
            "hand out the task as it is, or set `self_check` in a rubric"
        )
    for exercise in listed:
        files |= _judged(exercise, decided[exercise.id])
    decisions = {name: one.decisions for name, one in decided.items()}
    files["README.md"] = guide(assignment, person, decisions).encode()
    files["requirements.txt"] = _requirements(assignment, decisions, requirement).encode()
    files[COURSE_FILE] = _course(course, assignment, person, listed, files)
    return Made(dict(sorted(files.items())), decisions)


def _checkable(decisions: Iterable[Decision]) -> bool:
    return any(one.options is not None for one in decisions)


def _handed_out(exercise: Exercise, truth: Evaluation, decided: Decided, *, personal: bool) -> dict[str, bytes]:
    """Return what students get to work on: task and starters with their own numbers; notes those that are public."""
    sources = {path.name: path.read_text(encoding="utf-8") for path in exercise.starters}
    given = handed_out(exercise.reference, truth, sources.values())
    decided.public.givens.update({name: literal(value) for name, value in given.items()})
    if personal and given:
        sources = {name: with_given(name, text, given) if _has_given(text) else text for name, text in sources.items()}
    folder = f"exercises/{exercise.assignment}/{exercise.id}"
    files = {f"{folder}/{exercise.task.name}": exercise.task.read_bytes()}
    for name, text in sources.items():
        files |= {f"{folder}/{place}{name}": text.encode() for place in ("", f"{_PRISTINE}/")}
    return files


def _has_given(source: str) -> bool:
    return bool(re.search(r'# --- given ---|"given"', source))


def _judged(exercise: Exercise, decided: Decided) -> dict[str, bytes]:
    """Return the files by which an exercise is judged at home."""
    place = f"{exercise.assignment}/{exercise.id}"
    return {
        f"exercises/{place}/exercise.yaml": _yaml(_settings(exercise, decided.decisions)),
        f"reference/{place}.py": decided.public.source(exercise.id).encode(),
        f"rubrics/{place}.yaml": _yaml(_rubric(exercise, decided.decisions)),
    }


def _settings(exercise: Exercise, decisions: Iterable[Decision]) -> dict[str, Any]:
    kept = {one.check.id for one in decisions if one.options is not None}
    limits = exercise.limits
    return {
        "title": exercise.title,
        "files": list(exercise.files),
        "starters": [f"{_PRISTINE}/{path.name}" for path in exercise.starters],
        "also": list(exercise.also),
        "floor": [name for name in exercise.floor if name in kept],
        "data": {one.name: {"train": one.train, "test": one.test} for one in exercise.data},
        "task": exercise.task.name,
        "timeout_seconds": limits.timeout_seconds,
        "memory_mb": limits.memory_bytes // 1024**2,
        "preload": _preload(exercise, decisions),
    }


def _preload(exercise: Exercise, decisions: Iterable[Decision]) -> list[str]:
    """Return what is imported ahead, without what only checks need that are not made at home."""
    imported = {word for path in exercise.starters for word in _imported(path)}
    for one in decisions:
        if one.options is not None:
            imported |= {name.partition(".")[0] for name in getattr(one.check.kind, "preload", ())}
    return [name for name in exercise.limits.preload if name.partition(".")[0] in imported]


def _imported(starter: Path) -> list[str]:
    """Return the modules that a starter imports, a notebook's cells in JSON as well."""
    return re.findall(r"^\W*(?:import|from)\s+(\w+)", starter.read_text(encoding="utf-8"), flags=re.MULTILINE)


def _rubric(exercise: Exercise, decisions: Iterable[Decision]) -> dict[str, Any]:
    by_id = {one.check.id: one for one in decisions}
    criteria = []
    for criterion in exercise.rubric.criteria:
        found = [one for one in (by_id[check.id] for check in criterion.checks) if one.options is not None]
        if found:
            checks = [{**(one.options or {}), "points": one.points, **_hints(one.check)} for one in found]
            points = round(sum(one.points for one in found), 6)
            criteria.append({"id": criterion.id, "title": criterion.title, "points": points, "checks": checks})
    return {"title": exercise.rubric.title, "criteria": criteria}


def _hints(check: Check) -> dict[str, Any]:
    """Return the hints of a check, which are in a bundle as they are."""
    options = check.options
    return {"hints": list(options.hints), "after": options.after} if options.hints else {}


def _course(
    course: Course, assignment: Assignment, person: str, listed: Iterable[Exercise], files: Mapping[str, bytes]
) -> bytes:
    """Return course.yaml, with a hash of each file by which is judged. The course's key is not in it."""
    about: dict[str, Any] = {"title": assignment.title, "exercises": [exercise.id for exercise in listed]}
    if assignment.deadline:
        about["deadline"] = assignment.deadline.isoformat()
    judged = {name: digest(content) for name, content in sorted(files.items()) if _is_judged_by(name)}
    bundle = {"format": FORMAT, "grader": __version__, "person": person, "files": judged}
    return _yaml({"title": course.title, "bundle": bundle, "assignments": {assignment.id: about}})


def _is_judged_by(name: str) -> bool:
    return name.startswith(("reference/", "rubrics/")) or Path(name).name == "exercise.yaml"


def _requirements(assignment: Assignment, decisions: Mapping[str, tuple[Decision, ...]], requirement: str) -> str:
    """Return requirements.txt: this program, and the libraries that hand-ins, starters or the checks at home use.

    What hand-ins use is what an exercise imports ahead for them.
    """
    needed: set[str] = set()
    for exercise in assignment.exercises:
        words = [name.partition(".")[0] for name in exercise.limits.preload]
        for path in exercise.starters:
            words += _imported(path)
        needed |= {_MODULES[word] for word in words if word in _MODULES}
        kinds = {one.check.kind.name for one in decisions[exercise.id] if one.options is not None}
        needed |= {name for kind in kinds for name in _NEEDED_BY.get(kind, ())}
        needed |= {name for one in exercise.data for name in _NEEDED_BY.get(one.name, ())}
    lines = [requirement or f"grader=={__version__}", *(_specified(name) for name in sorted(needed))]
    return "\n".join(lines) + "\n"


def _specified(package: str) -> str:
    """Return what this program asks for of a package that it needs in some courses only."""
    try:
        told = requires("grader") or []
    except PackageNotFoundError:
        told = []
    names = [one.partition(";")[0].strip() for one in told]
    return next((one for one in names if re.match(rf"{re.escape(package)}\b(?!-)", one)), package)


def _yaml(data: Mapping[str, Any]) -> bytes:
    return yaml.safe_dump(data, sort_keys=False, allow_unicode=True, width=100).encode()
