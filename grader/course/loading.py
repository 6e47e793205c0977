"""Loading a course: all files are read, and everything that is wrong with any of them is reported at once."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from datetime import datetime
from difflib import get_close_matches
from pathlib import Path, PurePosixPath
from zoneinfo import ZoneInfo

from grader.course.bundles import damages, read_bundle
from grader.course.finding import COURSE_FILE
from grader.course.kinds import Kind
from grader.course.lateness import Extension, read_extensions
from grader.course.rubrics import load_rubric
from grader.course.schema import AssignmentFile, CourseFile, ExerciseFile
from grader.course.solutions import load_solutions, load_wrong
from grader.course.types import Assignment, Course, DataNeed, Exercise, Rubric, Solution, WrongSolution
from grader.errors import CourseError, Problem, UsageError
from grader.model import Limits
from grader.reference import Reference
from grader.reference import load as load_reference
from grader.yamlfile import YamlFile, read_yaml, validated

#: Hand-ins that are run; others are only looked at.
RUN_SUFFIXES = (".ipynb", ".py")
HAND_IN_SUFFIXES = (*RUN_SUFFIXES, ".json", ".yaml", ".md", ".txt", ".pdf")


def load_course(root: Path, kinds: Mapping[str, Kind], wanted: Collection[str] | None = None) -> Course:
    """Return the course in the folder ``root``, whose checks are of the given ``kinds``.

    Of exercises that are not ``wanted`` (each as ``sheet3`` or ``sheet3/gradient_step``; None: all) neither reference
    nor rubric is read, and no problem is found. Raises CourseError with every problem of every file that is read, each
    with file, line and key; UsageError for a bundle for students that another version made.
    """
    file = read_yaml(root / COURSE_FILE)
    course = validated(CourseFile, file)
    if isinstance(course, list):
        raise CourseError(course)
    bundle = read_bundle(root, course.bundle) if course.bundle else None
    problems: list[Problem] = []
    assignments: dict[str, Assignment] = {}
    for name, entry in course.assignments.items():
        if entry.personal and not course.key:
            message = "personal numbers need a `key` at the top of this file; write any word there and keep it"
            problems.append(file.problem(("assignments", name, "personal"), message))
        chosen = [one for one in entry.exercises if wanted is None or {name, f"{name}/{one}"} & set(wanted)]
        exercises = _load_exercises(root, file, name, entry, chosen, kinds, problems)
        assignments[name] = Assignment(
            id=name,
            title=entry.title,
            personal=entry.personal,
            deadline=entry.deadline,
            exercises=exercises,
            late=course.late if entry.late is None else entry.late,
            extensions=_extensions(root, file, name, entry, problems),
            max_group=entry.max_group or course.max_group,
            roster=root / (entry.roster or course.roster) if entry.roster or course.roster else None,
            zone=ZoneInfo(course.time_zone) if course.time_zone else None,
            others={one: _files(root, name, one) for one in entry.exercises if chosen and one not in chosen},
        )
    if problems:
        raise CourseError(damages(problems) if bundle else problems)
    return Course(root, course.title, course.key, assignments, bundle)


def outline(root: Path) -> dict[str, dict[str, tuple[str, ...]]]:
    """Return the names that the files of each exercise may have, by assignment and exercise: quick to read.

    An exercise whose settings cannot be read has none. Raises CourseError for problems of course.yaml.
    """
    course = validated(CourseFile, read_yaml(root / COURSE_FILE))
    if isinstance(course, list):
        raise CourseError(course)
    return {
        name: {one: _files(root, name, one) for one in entry.exercises} for name, entry in course.assignments.items()
    }


def _files(root: Path, assignment: str, name: str) -> tuple[str, ...]:
    try:
        found = read_yaml(root / "exercises" / assignment / name / "exercise.yaml").data["files"]
    except (CourseError, KeyError, TypeError):  # whoever wants this exercise is told
        return ()
    return tuple(map(str, found)) if isinstance(found, list) else ()


def _load_exercises(
    root: Path,
    file: YamlFile,
    assignment: str,
    entry: AssignmentFile,
    chosen: Collection[str],
    kinds: Mapping[str, Kind],
    problems: list[Problem],
) -> tuple[Exercise, ...]:
    loaded = []
    for index, name in enumerate(entry.exercises):
        if name not in chosen:
            continue
        place = ("assignments", assignment, "exercises", index)
        if name in entry.exercises[:index]:
            problems.append(file.problem(place, f"exercise `{name}` is listed twice; keep one"))
            continue
        if not (root / "exercises" / assignment / name).is_dir():
            problems.append(file.problem(place, _no_folder(root / "exercises" / assignment, name)))
            continue
        try:
            loaded.append(_load_exercise(root, assignment, name, kinds))
        except CourseError as error:
            problems.extend(error.problems)
    return tuple(loaded)


def _extensions(
    root: Path, file: YamlFile, assignment: str, entry: AssignmentFile, problems: list[Problem]
) -> tuple[Extension, ...]:
    """Return who has a later deadline, by course.yaml and by the file that it names."""
    place = ("assignments", assignment, "extensions")
    found = [Extension(who, until) for who, until in entry.extensions.items()]
    if found and entry.deadline is None:
        problems.append(file.problem(place, "there is no `deadline` to extend; write it"))
    problems += [
        file.problem((*place, one.who), f"{one.until} is before the deadline; an extension should be later")
        for one in found
        if entry.deadline and isinstance(one.until, datetime) and one.until < entry.deadline
    ]
    if entry.extensions_file:
        try:
            more, wrong = read_extensions(root / entry.extensions_file, assignment)
        except UsageError as error:
            problems.append(file.problem((*place[:2], "extensions_file"), str(error)))
        else:
            found += more
            problems += wrong
    return tuple(found)


def _no_folder(parent: Path, name: str) -> str:
    there = [path.name for path in parent.iterdir() if path.is_dir()] if parent.is_dir() else []
    near = get_close_matches(name, there, n=1)
    hint = f"did you mean `{near[0]}`?" if near else "make it with `grade new exercise`"
    return f"no folder {parent / name}; {hint}"


def _load_exercise(root: Path, assignment: str, name: str, kinds: Mapping[str, Kind]) -> Exercise:
    """Return one exercise. Raises CourseError with the problems of all its files."""
    folder = root / "exercises" / assignment / name
    problems: list[Problem] = []
    settings = reference = rubric = None
    file: YamlFile | None = None
    try:
        file = read_yaml(folder / "exercise.yaml")
        settings = _collect(validated(ExerciseFile, file), problems)
        if settings:
            problems += _file_problems(file, folder, settings)
    except CourseError as error:
        problems.extend(error.problems)
    try:
        reference = load_reference(root / "reference" / assignment / f"{name}.py")
    except CourseError as error:
        problems.extend(error.problems)
    solutions: tuple[Solution, ...] = ()
    wrong: tuple[WrongSolution, ...] = ()
    try:
        rubric = load_rubric(root / "rubrics" / assignment / f"{name}.yaml", kinds, reference)
        if reference:
            problems += _lost_problems(reference, rubric)
            if file and settings:
                problems += _floor_problems(file, settings, rubric)
            taken = tuple(settings.files) if settings else ()
            solutions = load_solutions(root / "reference" / assignment / "solutions", name, taken)
            wrong = load_wrong(root / "reference" / assignment / "wrong" / name, taken, solutions, reference, rubric)
    except CourseError as error:
        problems.extend(error.problems)
    if problems or file is None or settings is None or reference is None or rubric is None:
        raise CourseError(problems)
    task = folder / settings.task
    return Exercise(
        id=name,
        assignment=assignment,
        title=settings.title,
        folder=folder,
        files=tuple(settings.files),
        starters=tuple(folder / starter for starter in settings.starters),
        task=task,
        items={name: tuple(checks) for name, checks in settings.items.items()},
        limits=Limits(
            timeout_seconds=settings.timeout_seconds,
            memory_bytes=settings.memory_mb * 1024**2,
            preload=_preload(settings, rubric),
        ),
        reference=reference,
        rubric=rubric,
        also=tuple(settings.also),
        floor=tuple(settings.floor),
        data=tuple(DataNeed(name, one.train, one.test) for name, one in settings.data.items()),
        solutions=solutions,
        wrong=wrong,
        sha256=hashlib.sha256(file.sha256.encode() + task.read_bytes()).hexdigest(),
    )


def _preload(settings: ExerciseFile, rubric: Rubric) -> tuple[str, ...]:
    """Return what a warm process imports: what the author says, and what kinds of check need that look at a hand-in."""
    needed = [name for check in rubric.checks for name in getattr(check.kind, "preload", ())]
    return tuple(dict.fromkeys([*settings.preload, *needed]))


def _collect(result: ExerciseFile | list[Problem], problems: list[Problem]) -> ExerciseFile | None:
    if isinstance(result, list):
        problems.extend(result)
        return None
    return result


def _file_problems(file: YamlFile, folder: Path, settings: ExerciseFile) -> list[Problem]:
    problems = []
    for index, name in enumerate(settings.files):
        if not name.endswith(HAND_IN_SUFFIXES) or "/" in name or "\\" in name:
            message = f"{name!r} should be the plain name of a notebook (.ipynb), a module (.py) or a file to look at"
            problems.append(file.problem(("files", index), message))
    for index, name in enumerate(settings.starters):
        if PurePosixPath(name).name not in settings.files:
            problems.append(file.problem(("starters", index), f"{name!r} is not among `files`"))
        elif not (folder / name).is_file():
            problems.append(file.problem(("starters", index), f"no file {folder / name}; write it or remove the entry"))
    if not (folder / settings.task).is_file():
        problems.append(file.problem(("task",), f"no file {folder / settings.task}; write the task's text there"))
    return problems


def _lost_problems(reference: Reference, rubric: Rubric) -> list[Problem]:
    """Return a problem for each ``shows_in`` and each entry of ``also_loses`` that names no check."""
    known = {check.id for check in rubric.checks}
    return [
        Problem(
            f"{reference.path}:{wrong.line}",
            f"misconception `{wrong.id}` {word} `{name}`, which is no check",
        )
        for wrong in reference.misconceptions.values()
        for word, names in (("shows_in", [wrong.shows_in]), ("also_loses", wrong.also_loses))
        for name in names
        if name and name not in known
    ]


def _floor_problems(file: YamlFile, settings: ExerciseFile, rubric: Rubric) -> list[Problem]:
    """Return a problem for each entry of ``floor`` and ``items`` that names no check."""
    known = {check.id for check in rubric.checks}
    named: list[tuple[tuple[str, int | str], str]] = [
        (("floor", index), name) for index, name in enumerate(settings.floor)
    ]
    named += [(("items", item), name) for item, names in settings.items.items() for name in names]
    return [
        file.problem(place, f"`{name}` is no check of {rubric.title}; known: {', '.join(sorted(known))}")
        for place, name in named
        if name not in known
    ]
