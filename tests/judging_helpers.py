"""Small exercises on disk, and runs that hold given values, for the tests of judging and authoring."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from grader.checks import KINDS, Context, judge_exercise
from grader.course import Course, Exercise, load_course
from grader.model import Array, CheckResult, Environment, Failure, Observation, Plain, Probe, Run, Stop
from grader.reference import Evaluation

HEAD = "import numpy as np\nfrom grader import given, misconception, quantity\n"
NO_CONTEXT = Context()
MACHINE = Environment("3.11", "test machine", ())


def write(root: Path, files: Mapping[str, str]) -> Path:
    """Write ``files`` by path below ``root``, their common indentation taken away."""
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text).lstrip("\n"), encoding="utf-8")
    return root


def course_files(reference: str, rubric: str, *, name: str = "ex", **more: str) -> dict[str, str]:
    """Return the files of a course with the exercise sheet/``name``; ``more`` are texts by file of the exercise."""
    return {
        "course.yaml": f"title: T\nassignments:\n  sheet:\n    title: S\n    exercises: [{name}]\n",
        f"exercises/sheet/{name}/exercise.yaml": f"title: E\nfiles: [{name}.py]\nstarters: []\n",
        f"exercises/sheet/{name}/task.md": "Do it.\n",
        f"reference/sheet/{name}.py": HEAD + textwrap.dedent(reference),
        f"rubrics/sheet/{name}.yaml": rubric,
        **more,
    }


def rubric(*checks: str) -> str:
    """Return a rubric with one criterion; each check is written like ``value: z, atol: 0.1`` and worth one point."""
    lines = [f"      - {{points: 1, {check}}}" for check in checks]
    return "\n".join(
        ["title: R", "criteria:", "  - title: All", f"    points: {len(checks)}", "    checks:", *lines, ""]
    )


def make_course(root: Path, reference: str, *checks: str) -> Course:
    return load_course(write(root, course_files(reference, rubric(*checks))), KINDS)


def make_exercise(root: Path, reference: str, *checks: str) -> Exercise:
    (exercise,) = make_course(root, reference, *checks).exercises()
    return exercise


def plain(value: Any) -> Plain | Failure:
    """Return ``value`` as it would come out of a sandbox."""
    if isinstance(value, np.ndarray | np.generic):
        return Array.from_numpy(np.asarray(value), "ndarray" if isinstance(value, np.ndarray) else "numpy scalar")
    if isinstance(value, bytes):
        return Array("uint8", (len(value),), value, "file")
    if isinstance(value, list):
        return [plain(one) for one in value]  # type: ignore[misc]
    if isinstance(value, dict):
        return {key: plain(one) for key, one in value.items()}  # type: ignore[misc]
    return value  # type: ignore[no-any-return]


def run_with(values: Mapping[str, Any], stop: Stop = Stop.FINISHED, **more: Any) -> Run:
    seen = tuple(Observation(Probe("value", name), plain(value)) for name, value in values.items())
    return Run(stop, 0.1, "selfcheck", MACHINE, observations=seen, **more)


def judge_seen(
    exercise: Exercise, seen: Mapping[Probe, Any], context: Context = NO_CONTEXT, hidden: int = 0
) -> dict[str, CheckResult]:
    """Return the results by check of a run in which each probe found what ``seen`` says."""
    found = tuple(Observation(probe, plain(value)) for probe, value in seen.items())
    run = Run(Stop.FINISHED, 0.1, "selfcheck", MACHINE, observations=found)
    truth = Evaluation(exercise.reference, None, hidden=hidden)
    return {result.id: result for result in judge_exercise(exercise, truth, run, context)}


def judge(exercise: Exercise, values: Mapping[str, Any], **more: Any) -> dict[str, CheckResult]:
    """Return the results by check of a run that leaves ``values`` behind."""
    truth = Evaluation(exercise.reference, more.pop("seed", None))
    return {result.id: result for result in judge_exercise(exercise, truth, run_with(values, **more))}


def lost(results: Mapping[str, CheckResult]) -> list[str]:
    """Return the ids of the checks that earn less than everything."""
    return [name for name, result in results.items() if result.fraction < 1]
