"""Turning a submission's files into a job for the sandbox, and giving each stage its key."""

from __future__ import annotations

import ast
import hashlib
import json
import os
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import astuple, dataclass
from functools import cache, lru_cache
from pathlib import Path, PurePosixPath
from typing import Literal

from grader import __version__
from grader.checks import Context, probes
from grader.course import Assignment, DataNeed, Exercise
from grader.data import VARIABLE, load
from grader.errors import CourseError, Problem, SubmissionError
from grader.execution import module_source, notebook_source
from grader.model import Environment, Job, Probe, SourceFile, Submission
from grader.parsing import syntax_tree
from grader.pipeline.handins import choose
from grader.reference import Evaluation
from grader.starters import without_given

_FORMS: Mapping[str, Literal["notebook", "module", "files"]] = {".ipynb": "notebook", ".py": "module"}

#: Files beside the hand-in are copied into the working folder up to this many bytes in all.
MAX_COMPANION_BYTES = 64 * 1024**2
#: Of a hand-in that is not run, as much is compared with its starter.
MAX_LOOKED_AT_BYTES = 64 * 1024
#: No usual file system takes longer names.
MAX_NAME_BYTES = 255


@dataclass(frozen=True, slots=True)
class Task:
    """One exercise of one submission. Without a ``job`` there is nothing to run, and ``problems`` or ``note`` say why.

    ``truth`` evaluates the reference for the submission's own numbers and hidden inputs. ``owed``: a person has to sort
    something out before this can be graded. ``untouched``: it is a starter that nobody worked on.
    """

    submission: Submission
    exercise: Exercise
    truth: Evaluation
    job: Job | None
    file: str = ""
    note: str = ""
    owed: bool = False
    untouched: bool = False
    problems: tuple[Problem, ...] = ()


def prepare(
    submission: Submission,
    assignment: Assignment,
    exercise: Exercise,
    truth: Evaluation,
    named: str = "",
) -> Task:
    """Return the task: the first readable file that answers the exercise (or the one ``named``), as a job.

    Raises CourseError when what the reference defines cannot be evaluated to say what to observe.
    """
    choice = choose(submission, assignment, exercise, named)
    if choice.problem:
        note = "It is not clear which file is meant; a person will look at it."
        return Task(submission, exercise, truth, None, note=note, owed=True, problems=(choice.problem,))
    if not choice.files:
        message = f"nothing was handed in for {exercise.id}; expected {' or '.join(exercise.files)}"
        problem = Problem(submission.source, message)
        return Task(submission, exercise, truth, None, note="Nothing was handed in.", problems=(problem,))
    sources: list[tuple[SourceFile, str]] = []
    problems: list[Problem] = []
    for file in choice.files:
        try:
            sources.append((file, _read(file, f"{submission.source}/{file.name}")))
        except SubmissionError as error:
            problems.append(error.problem)
    if not sources:
        note = "The file handed in cannot be read; a person will look at it."
        return Task(submission, exercise, truth, None, note=note, owed=True, problems=tuple(problems))
    starters = {_essence(path.name, path.read_text(encoding="utf-8")) for path in exercise.starters}
    worked_on = [one for one in sources if _essence(one[0].name, one[1]) not in starters]
    file, source = (worked_on or sources)[0]
    others = [other.name for other in choice.files if other is not file]
    notes = [f"Graded was {file.name}, not {', '.join(others)}."] if others else []
    if not worked_on:
        notes.append(f"No code in {file.name} was changed since it was handed out.")
        problems += [_overlooked(submission, exercise, one) for one in choice.beside]
    job = _job(submission, exercise, file, source, truth)
    note = " ".join(notes)
    return Task(submission, exercise, truth, job, file.name, note, untouched=not worked_on, problems=tuple(problems))


def _overlooked(submission: Submission, exercise: Exercise, file: SourceFile) -> Problem:
    """Return the problem that ``file`` may hold the work, and has no name by which anyone could know."""
    suffix = PurePosixPath(file.name.lower()).suffix
    name = next(one for one in exercise.files if one.endswith(suffix))
    message = f"was not looked at, and the starter beside it is untouched; if it is your work, name it {name}"
    return Problem(f"{submission.source}/{file.name}", message)


def _read(file: SourceFile, where: str) -> str:
    """Return the source of a hand-in. Raises SubmissionError when it cannot be read."""
    try:
        data = file.path.read_bytes()
    except OSError as error:
        raise SubmissionError(where, f"cannot be read ({error.strerror}); make it readable") from None
    match _FORMS.get(PurePosixPath(file.name.lower()).suffix):
        case "notebook":
            return notebook_source(data, where)
        case "module":
            return module_source(data, where)
    return data[:MAX_LOOKED_AT_BYTES].decode("utf-8", "replace")


@lru_cache(maxsize=64)  # every hand-in is compared with the starters, and prepared twice
def _essence(name: str, source: str) -> str:
    """Return a hash of a source without given numbers, comments and layout, to see whether anyone worked on it."""
    code = without_given(name, source)
    with suppress(SyntaxError, ValueError, RecursionError, MemoryError):
        code = ast.dump(syntax_tree(code))
    return hashlib.sha256(code.encode("utf-8", "surrogatepass")).hexdigest()


def _job(submission: Submission, exercise: Exercise, file: SourceFile, source: str, truth: Evaluation) -> Job:
    name = PurePosixPath(file.name).name
    suffix = PurePosixPath(name).suffix.lower()
    if not _can_be_written(PurePosixPath(name)):
        name = exercise.id + suffix
    form = _FORMS.get(suffix, "files")
    return Job(
        form=form,
        name=name,
        source="" if form == "files" else source,
        files=_with_data(_companions(submission, exercise, file), exercise.data),
        probes=_probes(exercise, truth),
        limits=exercise.limits,
        seed=(truth.seed or 0) % 2**32,
    )


def _probes(exercise: Exercise, truth: Evaluation) -> tuple[Probe, ...]:
    try:
        return probes(exercise, truth)
    except Exception as error:
        message = f"what is to be observed cannot be evaluated: {type(error).__name__}: {error}"
        raise CourseError([Problem(str(exercise.reference.path), message)]) from error


def _companions(submission: Submission, exercise: Exercise, hand_in: SourceFile) -> tuple[tuple[str, bytes], ...]:
    """Return the files that lie beside the hand-in when it is run, by path relative to it."""
    found: dict[PurePosixPath, bytes] = {}
    folders: set[PurePosixPath] = set()
    room = MAX_COMPANION_BYTES
    for file, inner in _beside(submission, exercise, hand_in):
        if file.size_bytes > room:
            continue
        # Names may have become too long, or equal, when they were made readable: that must not fail the run.
        if not _can_be_written(inner) or inner in folders or any(one in found for one in (inner, *inner.parents)):
            continue
        try:
            found[inner] = Path(file.path).read_bytes()
        except OSError:
            continue  # intake has listed it as a problem, or it is gone since; the run will miss it and say so
        room -= file.size_bytes
        folders.update(inner.parents)
    return tuple((name.as_posix(), data) for name, data in found.items())


def _beside(submission: Submission, exercise: Exercise, hand_in: SourceFile) -> list[tuple[SourceFile, PurePosixPath]]:
    """Return the files at or below the hand-in's folder, then those that belong to it, each with its path from there.

    What belongs beside it may lie elsewhere, if there is one of that name: one file may serve several exercises. To
    what is not run belongs all that was handed in, as it speaks for that; the others have their whole paths.
    """
    folder = PurePosixPath(hand_in.name).parent
    places = [(file, PurePosixPath(file.name)) for file in submission.files]
    below = [(file, path.relative_to(folder)) for file, path in places if path.is_relative_to(folder)]
    elsewhere = [(file, path) for file, path in places if not path.is_relative_to(folder)]
    if PurePosixPath(hand_in.name).suffix.lower() not in _FORMS:
        return below + elsewhere
    counts = Counter(path.name for _, path in elsewhere)
    shared = [(file, PurePosixPath(path.name)) for file, path in elsewhere if path.name in exercise.also]
    return [one for one in below if one[0] is not hand_in] + [one for one in shared if counts[one[1].name] == 1]


def _with_data(files: tuple[tuple[str, bytes], ...], data: tuple[DataNeed, ...]) -> tuple[tuple[str, bytes], ...]:
    """Return ``files`` and the data sets' own, which no file of a hand-in replaces."""
    found = dict(files) | {
        name: content for need in data for name, content in _data_files(need, os.environ.get(VARIABLE))
    }
    return tuple(found.items())


@cache
def _data_files(need: DataNeed, folder: str | None) -> tuple[tuple[str, bytes], ...]:
    """Return a data set's files: the same objects for all jobs. Raises DataError, UsageError."""
    return load(need.name, Path(folder) if folder else None, train=need.train, test=need.test).files()


def _can_be_written(path: PurePosixPath) -> bool:
    return all(len(part.encode()) <= MAX_NAME_BYTES for part in path.parts)


def run_key(job: Job, isolation: str, environment: Environment) -> str:
    """Return the hash of everything that a run's outcome depends on."""
    parts = {
        "form": job.form,
        "name": job.name,
        "source": job.source,
        "files": [[name, hashlib.sha256(data).hexdigest()] for name, data in job.files],
        "probes": [[probe.kind, probe.name, probe.digest] for probe in job.probes],
        "limits": [
            job.limits.timeout_seconds,
            job.limits.memory_bytes,
            job.limits.output_bytes,
            job.limits.value_bytes,
            job.limits.preload,
        ],
        "runner": job.runner,
        "seed": job.seed,
        "isolation": isolation,
        "environment": astuple(environment),
    }
    return _digest(parts)


def result_key(run: str, exercise: Exercise, truth: Evaluation, context: Context | None) -> str:
    """Return the hash of everything that judging the run ``run`` depends on; no ``context`` where none is looked at."""
    told = None if context is None else repr(context)
    author = [exercise.reference.sha256, exercise.rubric.sha256]
    return _digest([run, *author, truth.seed, truth.hidden, told, __version__])


def _digest(parts: object) -> str:
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()
