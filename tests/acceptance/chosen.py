"""Which rungs a test run is about, and the name of their column in the table."""

from __future__ import annotations

import os

from grader.sandbox import available_rungs

_ONLY = os.environ.get("GRADE_ACCEPTANCE_RUNGS", "").split(",")

#: The rungs that this machine has, or those named in ``GRADE_ACCEPTANCE_RUNGS``.
RUNGS = [rung.name for rung in available_rungs() if rung.available and (_ONLY == [""] or rung.name in _ONLY)]
#: The column's name, from the rung's.
COLUMN = os.environ.get("GRADE_ACCEPTANCE_COLUMN", "{rung}")
