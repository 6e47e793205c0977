"""Graded in one line: a student's source, run and probed in this process by the code that does it in a sandbox."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from execution_helpers import QUICK, module_job
from judging_helpers import MACHINE, course_files, rubric, write

from grader.checks import KINDS, judge_exercise, probes
from grader.course import Exercise, load_course
from grader.execution import execute
from grader.execution.handed_in import HANDED_IN, handed_in
from grader.model import CheckResult, Job, Observation, Probe, Run, Stop
from grader.reference import Evaluation, Reference
from grader.sandbox import Sandbox
from grader.sandbox.inside import observe
from grader.sandbox.wire import encode, read_observation

HEAD = "from grader import Steps, cases, function, property_of, trial\n"
# Against hanging only. Importing torch, and what it imports at the first step of an optimizer, is within the limit.
LIMIT_SECONDS = 120.0


def make_exercise(root: Path, reference: str, *checks: str, files: Mapping[str, str] | None = None) -> Exercise:
    """Return an exercise whose reference may use all decorators; ``files`` lie beside it."""
    written = {**course_files(HEAD + reference, rubric(*checks)), **(files or {})}
    (exercise,) = load_course(write(root, written), KINDS).exercises()
    return exercise


# Kept as in a batch: the caches of kinds hang on it, and what an author's networks compute is worked out once.
@lru_cache(maxsize=4)
def _truth(reference: Reference, hidden: int) -> Evaluation:
    return Evaluation(reference, None, hidden=hidden)


def grade(exercise: Exercise, source: str, hidden: int = 0) -> dict[str, CheckResult]:
    """Return the results by check for a student's module ``source``; ``hidden`` is the seed of hidden inputs."""
    truth = _truth(exercise.reference, hidden)
    job = replace(module_job(source), probes=probes(exercise, truth))
    namespace: dict[str, Any] = {"__name__": "work"}
    exec(source, namespace)  # noqa: S102 - written in the tests
    seen = tuple(_observed(job, probe, namespace) for probe in job.probes)
    return judged(exercise, truth, Run(Stop.FINISHED, 0.1, "selfcheck", MACHINE, observations=seen))


def _observed(job: Job, probe: Probe, namespace: dict[str, Any]) -> Observation:
    if probe.kind in HANDED_IN:
        return Observation(probe, handed_in(job, probe))
    arguments, blob = encode(probe.arguments)
    request = {"kind": probe.kind, "name": probe.name, "nonce": "n", "arguments": arguments}
    header, answer = observe.answer(namespace, {**request, "max_bytes": 10**7, "seconds": LIMIT_SECONDS}, blob)
    fields = json.loads(header)
    assert fields.pop("nonce") == "n"
    return read_observation(probe, fields, answer)


def grade_in(exercise: Exercise, job: Job, sandbox: Sandbox, **limits: Any) -> dict[str, CheckResult]:
    """Return the results by check of a whole run in ``sandbox``."""
    truth = _truth(exercise.reference, 0)
    run = execute(replace(job, probes=probes(exercise, truth), limits=replace(QUICK, **limits)), sandbox)
    return judged(exercise, truth, run)


def judged(exercise: Exercise, truth: Evaluation, run: Run) -> dict[str, CheckResult]:
    return {result.id: result for result in judge_exercise(exercise, truth, run)}
