"""Pure judging: what was observed against what is true. No file, clock or network.

Each kind of check is one file here and one entry in :data:`KINDS`.
"""

from collections.abc import Mapping

from grader.checks.accuracy import ACCURACY
from grader.checks.call import CALL
from grader.checks.case import Case, Context, JudgingKind, Standing, Verdict
from grader.checks.choice import CHOICE
from grader.checks.cohort import Cohort
from grader.checks.cost import COST
from grader.checks.curve import CURVE
from grader.checks.declaration import DECLARATION
from grader.checks.figure import FIGURE
from grader.checks.files import FILES
from grader.checks.formula import FORMULA
from grader.checks.gradient import GRADIENT
from grader.checks.grouping import groups
from grader.checks.judging import fits, judge_exercise, probes, strange_givens, uses_context
from grader.checks.model import MODEL
from grader.checks.pytest_file import PYTEST
from grader.checks.runs import RUNS
from grader.checks.sealed import SEALED
from grader.checks.sealed_call import SEALED_CALL
from grader.checks.source import SOURCE
from grader.checks.text import TEXT
from grader.checks.value import VALUE

KINDS: Mapping[str, JudgingKind] = {
    kind.name: kind
    for kind in (
        VALUE,
        DECLARATION,
        FILES,
        CALL,
        GRADIENT,
        SOURCE,
        PYTEST,
        CHOICE,
        TEXT,
        FORMULA,
        CURVE,
        FIGURE,
        MODEL,
        COST,
        ACCURACY,
        RUNS,
        SEALED,
        SEALED_CALL,
    )
}

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
