"""The outcomes of a test run as Markdown, where ``GRADE_ACCEPTANCE_TABLE`` names a file for it."""

from __future__ import annotations

import fcntl
import json
import os
import platform
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

VARIABLE = "GRADE_ACCEPTANCE_TABLE"
CONTROL = "unconfined"
_HEADING = """\
# The acceptance suite: attacks, and what came of them

Written by the test run itself; not edited by hand. To write it anew:

```
{command}
```

| | |
|---|---|
| date | {date} |
| system | {system} |
| kernel | {kernel} |
| Python | {python} |
| run by | {user} |

A row is one attack, from `tests/acceptance`. *held* means: it won nothing, its neighbours and the job after it computed
what they should, the host is as it was, no process and no file was left; what follows is how its run ended. *not run*
names the gap of a rung (`gaps.py`). *unconfined* is the control: the same attack without a sandbox, and what it won
there, so that no row holds for nothing.
"""
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


def write(command: str) -> None:
    """Write the table of all outcomes kept so far, if one is asked for. ``command`` is what was run."""
    wanted = os.environ.get(VARIABLE)
    if wanted and Path(f"{wanted}.json").exists():
        kept = json.loads(Path(f"{wanted}.json").read_text(encoding="utf-8"))
        Path(wanted).write_text(f"{heading(command)}\n{markdown(kept)}", encoding="utf-8")


def heading(command: str) -> str:
    """Return what the table says of itself: where it comes from, and what its words mean."""
    return _HEADING.format(
        command=command,
        date=datetime.now(UTC).date().isoformat(),
        kernel=f"{platform.system()} {platform.release()}, {platform.machine()}",
        system=_system(),
        python=f"{platform.python_version()}",
        user="root" if os.geteuid() == 0 else "an ordinary user",
    )


def _system() -> str:
    try:
        return platform.freedesktop_os_release().get("PRETTY_NAME", "unknown")
    except OSError:
        return "unknown"


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
