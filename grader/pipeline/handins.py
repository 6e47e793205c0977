"""Which file of a submission is the hand-in to an exercise."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from pathlib import PurePosixPath

from grader.course import Assignment, Exercise
from grader.course.loading import RUN_SUFFIXES
from grader.errors import Problem
from grader.model import SourceFile, Submission

#: What browsers, LMS and file managers add to a name: "x (1)", "x-1", "x - Copy", "x_final".
_CLUTTER = re.compile(r"([ _-]*(\(\d+\)|copy|kopie|copia|final|submission))+$|[-_ ]\d{1,2}$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Choice:
    """Files that could be the hand-in, the best first; or the problem that keeps a person from knowing.

    With neither, nothing was handed in. ``beside`` are notebooks or modules in their folders that no exercise asks for.
    """

    files: tuple[SourceFile, ...] = ()
    problem: Problem | None = None
    beside: tuple[SourceFile, ...] = ()


def choose(submission: Submission, assignment: Assignment, exercise: Exercise, named: str = "") -> Choice:
    """Return which files of ``submission`` answer ``exercise``: the one ``named``, where a person has said which.

    Otherwise names as the exercise asks come first, in its order; then names that differ by case, separators or what
    tools append, unless another exercise asks for them; then names with the exercise's in them, "losses_anna.py";
    then, where the exercise is the assignment's only one, the only file of a fitting type. Two files that fit equally
    well are a problem for a person, unless they are copies; what a bundle brings with it beside the exercises is
    nobody's hand-in.
    """
    if named:
        return Choice(tuple(file for file in submission.files if file.name == named))
    if not submission.files:
        return Choice()
    asked = [other.files for other in assignment.exercises if other is not exercise]
    others = {tidy(name) for names in (*asked, *assignment.others.values()) for name in names}
    own = _own(submission.files)
    groups = next(filter(any, _ways(exercise, others, own)), [])
    doubtful = next((group for group in groups if len(group) > 1), None)
    if doubtful:
        return _ambiguous(submission, exercise, doubtful)
    chosen = tuple(file for group in groups for file in group)
    if chosen:
        return Choice(chosen, beside=tuple(_beside(exercise, chosen, others, own)))
    names = ", ".join(file.name for file in submission.files[:5])
    message = f"no hand-in to {exercise.id}: found {names}; expected {' or '.join(exercise.files)}"
    return Choice(problem=Problem(submission.source, message))


def _ways(exercise: Exercise, others: AbstractSet[str], own: Sequence[SourceFile]) -> Iterator[list[list[SourceFile]]]:
    """Yield one way after another to tell the hand-in: groups of files that fit equally well, the best group first."""
    free = [file for file in own if tidy(file.name) not in others]
    exact = [[file for file in own if PurePosixPath(file.name).name == name] for name in exercise.files]
    near = [[file for file in free if fits(file.name, name)] for name in exercise.files]
    yield [_different(one or other) for one, other in zip(exact, near, strict=True)]
    known = {*map(tidy, exercise.files), *others}
    yield [_different([file for file in free if longest(file.name, known) == tidy(name)]) for name in exercise.files]
    for name in [] if others else exercise.files:
        suffix = PurePosixPath(name).suffix
        yield [_different([file for file in own if file.name.lower().endswith(suffix)])]


def _beside(
    exercise: Exercise, chosen: Sequence[SourceFile], others: AbstractSet[str], own: Sequence[SourceFile]
) -> Iterator[SourceFile]:
    """Yield what lies in the folders of the chosen files and would be run, too; other kinds lie there by right."""
    alike = tuple(
        suffix for suffix in (PurePosixPath(name).suffix for name in exercise.files) if suffix in RUN_SUFFIXES
    )
    folders = {PurePosixPath(file.name).parent for file in chosen}
    for file in own:
        is_near = PurePosixPath(file.name).parent in folders and file not in chosen
        if is_near and tidy(file.name) not in others and file.name.lower().endswith(alike):
            yield file


def _own(files: Sequence[SourceFile]) -> list[SourceFile]:
    """Return the files without those that make a bundle a course: somebody handed in the whole of it."""
    courses = {PurePosixPath(file.name).parent for file in files if PurePosixPath(file.name).name == "course.yaml"}
    brought = {course / name for course in courses for name in ("reference", "rubrics")}
    return [file for file in files if brought.isdisjoint(PurePosixPath(file.name).parents)]


def _different(files: list[SourceFile]) -> list[SourceFile]:
    """Return the first of those that have the same contents: a file and a copy of it, in an archive perhaps."""
    return list({file.sha256 or file.name: file for file in reversed(files)}.values())[::-1]


def fits(name: str, asked: str) -> bool:
    """Return whether a file's name is the one asked for, but for case, separators and what tools append."""
    return tidy(asked) in {tidy(name), tidy(name, _CLUTTER)}


def tidy(name: str, clutter: re.Pattern[str] | None = None) -> str:
    """Return a file's name without folder, case and kind of separator; without ``clutter``, if given."""
    path = PurePosixPath(name)
    stem = clutter.sub("", path.stem) if clutter else path.stem
    return re.sub(r"[\s_-]+", "_", stem).casefold() + path.suffix.lower()


def longest(name: str, asked: AbstractSet[str]) -> str:
    """Return the longest of the tidy names that stands in a file's name, as words or as all of it; empty if none."""
    path = PurePosixPath(tidy(name))
    words = f"_{re.sub(r'[^a-z0-9]+', '_', path.stem)}_"

    def stands_in(one: PurePosixPath) -> bool:
        is_whole = one.stem.replace("_", "") == words.replace("_", "")
        return one.suffix == path.suffix and (f"_{one.stem}_" in words or is_whole)

    return max((one for one in asked if stands_in(PurePosixPath(one))), key=len, default="")


def _ambiguous(submission: Submission, exercise: Exercise, files: list[SourceFile]) -> Choice:
    names = ", ".join(file.name for file in files)
    number = {2: "two", 3: "three"}.get(len(files), str(len(files)))
    kind = "notebooks" if files[0].name.endswith(".ipynb") else "modules"
    message = f"{number} {kind} could be meant for {exercise.id}: {names}; keep the one that counts"
    return Choice(problem=Problem(submission.source, message))
