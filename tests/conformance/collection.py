"""All cases, in one list."""

from __future__ import annotations

from . import cases_errors, cases_language, cases_magics, cases_rich, cases_text
from .casework import Case

CASES: tuple[Case, ...] = tuple(
    case for module in (cases_text, cases_rich, cases_errors, cases_magics, cases_language) for case in module.cases()
)
