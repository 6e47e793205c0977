"""Which column of a table is for what, and how numbers are written in it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from math import isclose

from grader.errors import UsageError
from grader.exporters.sheet import Sheet

_NUMBER = re.compile(r"[+-]?\d+(?:[.,]\d+)?")


def find_columns(
    sheet: Sheet, known: Mapping[str, tuple[str, ...]], named: Mapping[str, str], required: Iterable[str]
) -> dict[str, int]:
    """Return the place of each column by what it is for.

    ``known`` are the spellings of headers, lower case; ``named`` overrides them. Raises UsageError when a required one
    is missing or renamed, when one that is named is not there, and when two could be meant: all of them at once.
    """
    headers = [" ".join(cell.value.split()) for cell in sheet.header.cells]
    found: dict[str, int] = {}
    unknown = sorted(named.keys() - known.keys())
    faults = [
        f"--column {role}=…: there is no such column to name; these can be: {', '.join(known)}" for role in unknown
    ]
    for role, spellings in known.items():
        wanted = (named[role].casefold(),) if role in named else spellings
        places = [place for place, header in enumerate(headers) if header.casefold() in wanted]
        if len(places) > 1:
            faults.append(f"has {len(places)} columns that could be {role!r} ({_listed(headers, places)})")
        elif places:
            found[role] = places[0]
        elif role in named or role in required:
            what = f"{named[role]!r}" if role in named else f"for {role!r} (such as {spellings[0]!r})"
            faults.append(f"has no column {what}; name it with --column {role}=HEADER")
    if faults:
        listed = ", ".join(headers[:14])
        raise UsageError("\n".join(f"{sheet.path}: {fault}" for fault in faults) + f"\nits columns are: {listed}")
    return found


def _listed(headers: list[str], places: list[int]) -> str:
    return ", ".join(f"column {place + 1} {headers[place]!r}" for place in places)


def find_decimal(sheet: Sheet, values: Iterable[str], asked: str | None) -> str:
    """Return what stands before decimals, as ``values`` have it. Raises UsageError where they have both."""
    used = {mark for value in values if _NUMBER.fullmatch(value.strip()) for mark in ".," if mark in value}
    if asked:
        return asked
    if len(used) > 1:
        raise UsageError(f"{sheet.path}: has decimal points and decimal commas; say which with --decimal")
    return used.pop() if used else ("," if sheet.separator == ";" else ".")


def number_in(text: str) -> float | None:
    """Return the number in a cell, with a decimal point or comma; None where there is none."""
    return float(text.strip().replace(",", ".")) if _NUMBER.fullmatch(text.strip()) else None


def spell(value: float, decimal: str, present: str) -> str:
    """Return ``value`` with two to five decimals; the ``present`` text where that says the same."""
    now = number_in(present)
    if now is not None and isclose(now, value, rel_tol=0.0, abs_tol=5e-6):
        return present
    whole, _, digits = f"{value:.5f}".partition(".")
    return whole + decimal + digits[:2] + digits[2:].rstrip("0")
