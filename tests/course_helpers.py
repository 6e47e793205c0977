"""Small courses, hand-ins and an engine without processes, for the tests of intake, pipeline and command line."""

from __future__ import annotations

import ast
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

import numpy as np

from grader.checks import KINDS
from grader.course import Course, load_course
from grader.model import Array, Environment, Failure, Job, Observation, Plain, Run, Stop, Submission
from grader.pipeline import Task, Workplace, prepare
from grader.reference import Evaluation
from grader.scaffold import new_course
from grader.store import Store

ROOT = Path(__file__).resolve().parents[1]
MACHINE = Environment("3.11", "test machine", (("numpy", "2"),))
RIGHT = "area = 13.5\ndouble_area = 27.0\n"
PERIMETER = "area = 15.0\ndouble_area = 30.0\n"


def make_course(root: Path) -> Course:
    """Return the scaffold's course, with its one exercise sheet1/rectangles worth 3 points."""
    new_course(root, "Test course")
    return load_course(root, KINDS)


def make_personal_course(root: Path) -> Course:
    """Return a course with the shipped exercise sheet3/gradient_step and personal numbers."""
    for part in ("exercises/sheet3/gradient_step", "reference/sheet3", "rubrics/sheet3"):
        shutil.copytree(ROOT / part, root / part, ignore=shutil.ignore_patterns("__pycache__"))
    settings = "{title: S, personal: true, exercises: [gradient_step]}"
    text = f"title: T\nkey: word\nassignments:\n  sheet3: {settings}\n"
    (root / "course.yaml").write_text(text, encoding="utf-8")
    return load_course(root, KINDS)


def hand_in(root: Path, files: Mapping[str, str | bytes]) -> Path:
    """Write ``files``, by path below ``root``; a path that ends in ``/`` becomes an empty folder."""
    for name, content in files.items():
        path = root / name
        if name.endswith("/"):
            path.mkdir(parents=True)
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    return root


def source_of(values: Mapping[str, object]) -> str:
    """Return a module of literals that the fake engine reads."""
    return "".join(f"{name} = {np.asarray(value).tolist()!r}\n" for name, value in values.items())


class FakeEngine:
    """Reads ``name = literal`` lines instead of running them; notes what it was asked to run."""

    def __init__(self, stop: Callable[[Job], Stop] = lambda _: Stop.FINISHED, interrupt_after: int = -1) -> None:
        self.ran: list[str] = []
        self.closed = 0
        self._stop = stop
        self._interrupt_after = interrupt_after

    def run(self, jobs: Iterable[tuple[str, Job]]) -> Iterator[tuple[str, Run]]:
        try:
            for key, job in jobs:
                if len(self.ran) == self._interrupt_after:
                    raise KeyboardInterrupt
                self.ran.append(job.source)
                yield key, fake_run(job, self._stop(job))
        finally:
            self.closed += 1


def fake_run(job: Job, stop: Stop = Stop.FINISHED) -> Run:
    values = {}
    if stop is Stop.FINISHED and job.form == "module":
        for statement in ast.parse(job.source).body:
            if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name):
                values[statement.targets[0].id] = _plain(ast.literal_eval(statement.value))
    observations = tuple(Observation(one, values.get(one.name, Failure("missing"))) for one in job.probes)
    detail = "" if stop is Stop.FINISHED else f"it was {stop}"
    return Run(stop, 0.5, "selfcheck", MACHINE, detail, observations=observations)


def _plain(value: object) -> Plain:
    return Array.from_numpy(np.array(value)) if isinstance(value, list) else value  # type: ignore[return-value]


def place(store: Store, engine: FakeEngine | None = None, environment: Environment = MACHINE) -> Workplace:
    return Workplace(engine or FakeEngine(), "selfcheck", environment, store)


def prepared(course: Course, submission: Submission, named: str = "") -> Task:
    """Return the task of the first exercise of the submission's assignment."""
    assignment = course.assignments[submission.assignment]
    exercise = assignment.exercises[0]
    truth = Evaluation(exercise.reference, course.seed(assignment, submission.id))
    return prepare(submission, assignment, exercise, truth, named)
