"""The outcomes of a test run as Markdown, where ``GRADE_ACCEPTANCE_TABLE`` names a file for it."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterable
from pathlib import Path

VARIABLE = "GRADE_ACCEPTANCE_TABLE"
CONTROL = "unconfined"
_RUNGS = ("ns+cgroup", "ns", "ns, ordinary user", "fresh", "container", "landlock", "selfcheck")


def note(case_id: str, column: str, outcome: str) -> None:
    """Keep one outcome, if a table is asked for. Several processes may do so at once.

    The outcomes lie beside the table as JSON, so that parts of the suite can be run by themselves.
    """
    wanted = os.environ.get(VARIABLE)
    if not wanted:
        return
    with Path(f"{wanted}.json").open("a+", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.seek(0)
        kept: dict[str, dict[str, str]] = json.loads(file.read() or "{}")
        kept.setdefault(case_id, {})[column] = outcome
        file.truncate(0)
        file.write(json.dumps(kept, indent=1, ensure_ascii=False))
        file.flush()
        Path(wanted).write_text(markdown(kept), encoding="utf-8")


def markdown(kept: dict[str, dict[str, str]]) -> str:
    """Return the table: a row for each case in order of its group, a column for each rung, the control last."""
    seen = {column for row in kept.values() for column in row}
    columns = [*(rung for rung in _RUNGS if rung in seen), *sorted(seen - {*_RUNGS, CONTROL}), CONTROL]
    rows = [["case", *columns], ["---"] * (len(columns) + 1)]
    rows += [[case_id, *(kept[case_id].get(column, "") for column in columns)] for case_id in sorted(kept, key=_place)]
    return "\n".join(map(_row, rows)) + "\n"


def _place(case_id: str) -> str:
    return case_id.partition(":")[0]


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cell.replace('|', chr(92) + '|').replace(chr(10), ' ') for cell in cells)} |"
