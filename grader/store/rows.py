"""Between types and rows: JSON that takes any text, and hashes of what is kept."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from pydantic import TypeAdapter

from grader.errors import Problem
from grader.model import CheckResult, CodeError, Decision, Environment, Findings, Report, Run, Stop, Submission
from grader.sandbox import load_observations
from grader.store.records import Authored, Judgement

CHECK_RESULTS = TypeAdapter(tuple[CheckResult, ...])
REPORT = TypeAdapter(Report)
SUBMISSION = TypeAdapter(Submission)
AUTHORED = TypeAdapter(Authored)
JUDGEMENT = TypeAdapter(Judgement)
DECISION = TypeAdapter(Decision)
PROBLEMS = TypeAdapter(tuple[Problem, ...])
FINDINGS = TypeAdapter(Findings)


def to_text(adapter: TypeAdapter[Any], value: Any) -> str:
    """Return ``value`` as JSON in ASCII."""
    # Not dump_json: messages may quote a student's text, which need not be valid Unicode.
    return json.dumps(adapter.dump_python(value, mode="json"))


def from_text(adapter: TypeAdapter[Any], text: str) -> Any:
    """Return what :func:`to_text` wrote."""
    return adapter.validate_python(json.loads(text))


def sha256(*parts: str | bytes) -> str:
    """Return the hash of ``parts``, which cannot be confused with other parts of the same text."""
    digest = hashlib.sha256()
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        digest.update(len(data).to_bytes(8, "big"))
        digest.update(data)
    return digest.hexdigest()


def now() -> str:
    """Return the moment, to be stored."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def run_text(run: Run) -> str:
    """Return a run without its observations."""
    plain = dataclasses.asdict(dataclasses.replace(run, observations=()))
    return json.dumps({name: value for name, value in plain.items() if name != "observations"})


def run_from(text: str, observations: bytes) -> Run:
    """Return the run that :func:`run_text` and ``dump_observations`` wrote."""
    content = json.loads(text)
    packages = tuple((name, version) for name, version in content["environment"]["packages"])
    fields = {
        **content,
        "stop": Stop(content["stop"]),
        "environment": Environment(**{**content["environment"], "packages": packages}),
        "errors": tuple(CodeError(**error) for error in content["errors"]),
    }
    return Run(**fields, observations=load_observations(observations))


def judgements_text(judged: Iterable[Mapping[str, Any]]) -> str:
    """Return what a report's hash takes of its judgements."""
    names = ("exercise", "run", "results", "authored", "content")
    return json.dumps(sorted([one[name] or "" for name in names] for one in judged))
