"""Pure judging: what was observed against what is true. No file, clock or network.

Each kind of check is one file here and one entry in :data:`KINDS`.
"""

from collections.abc import Mapping

from grader.checks.case import Case, Context, JudgingKind, Standing, Verdict
from grader.checks.declaration import DECLARATION
from grader.checks.files import FILES
from grader.checks.judging import fits, judge_exercise, probes, uses_context
from grader.checks.value import VALUE

KINDS: Mapping[str, JudgingKind] = {kind.name: kind for kind in (VALUE, DECLARATION, FILES)}

__all__ = [
    "KINDS",
    "Case",
    "Context",
    "JudgingKind",
    "Standing",
    "Verdict",
    "fits",
    "judge_exercise",
    "probes",
    "uses_context",
]
