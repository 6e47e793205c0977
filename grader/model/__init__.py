"""Plain frozen types that every floor shares: Submission → Run → Observation → CheckResult → Score → Report."""

from grader.model.decisions import Decision, Place
from grader.model.execution import (
    CodeError,
    Environment,
    Failure,
    Job,
    Limits,
    Observation,
    Probe,
    Run,
    Stop,
    worst_stop,
)
from grader.model.results import (
    Batch,
    CheckResult,
    CheckScore,
    CriterionScore,
    ExerciseReport,
    Flag,
    Provenance,
    Report,
    Status,
    Timeline,
    points_of,
)
from grader.model.submissions import Origin, SourceFile, Submission
from grader.model.values import DTYPES, Array, Opaque, Plain, fingerprint

__all__ = [
    "DTYPES",
    "Array",
    "Batch",
    "CheckResult",
    "CheckScore",
    "CodeError",
    "CriterionScore",
    "Decision",
    "Environment",
    "ExerciseReport",
    "Failure",
    "Flag",
    "Job",
    "Limits",
    "Observation",
    "Opaque",
    "Origin",
    "Place",
    "Plain",
    "Probe",
    "Provenance",
    "Report",
    "Run",
    "SourceFile",
    "Status",
    "Stop",
    "Submission",
    "Timeline",
    "fingerprint",
    "points_of",
    "worst_stop",
]
