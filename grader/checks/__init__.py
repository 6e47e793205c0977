"""Pure judging: what was observed against what is true. No file, clock or network.

Each kind of check is one file here and one entry in :data:`KINDS`.
"""

from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import cast

from grader.checks.case import Case, Context, JudgingKind, Standing, Verdict
from grader.checks.cohort import Cohort
from grader.checks.grouping import groups
from grader.checks.judging import fits, judge_exercise, probes, strange_givens, uses_context


class _Kinds(Mapping[str, JudgingKind]):
    """Kinds by name. A kind is imported when it is asked for: a self-check needs few, and some import much."""

    def __init__(self, *modules: str) -> None:
        self._modules = {module.removesuffix("_file"): module for module in modules}

    def __getitem__(self, name: str) -> JudgingKind:
        found = import_module(f"{__name__}.{self._modules[name]}")
        return cast("JudgingKind", getattr(found, name.upper()))

    def __iter__(self) -> Iterator[str]:
        return iter(self._modules)

    def __len__(self) -> int:
        return len(self._modules)


KINDS: Mapping[str, JudgingKind] = _Kinds(
    "value",
    "declaration",
    "files",
    "call",
    "gradient",
    "source",
    "pytest_file",
    "choice",
    "text",
    "formula",
    "curve",
    "figure",
    "model",
    "cost",
    "accuracy",
    "runs",
    "sealed",
    "sealed_call",
)

__all__ = [
    "KINDS",
    "Case",
    "Cohort",
    "Context",
    "JudgingKind",
    "Standing",
    "Verdict",
    "fits",
    "groups",
    "judge_exercise",
    "probes",
    "strange_givens",
    "uses_context",
]
