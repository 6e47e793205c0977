"""What a bundle tells the student who opens it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from grader.course import Assignment
from grader.release.deciding import Decision

_WORDS = {
    "sealed": "right or wrong, and which known mistake it is",
    "open": "in full",
    "properties": "the form alone; whether it is right is told after handing in",
    "after_deadline": "after handing in",
}

_TEXT = """\
# {title}

{whose}Work on the files in `exercises/{assignment}/`, each beside its `task.md`, and keep their names. To check
yourself, with Python 3.11 or newer:

```sh
python3 -m venv .venv && .venv/bin/python -m pip install -r requirements.txt
.venv/bin/grade check exercises/{assignment}/{first}
```

Name the folder of any exercise, or your file in it; without a name, everything is checked.
On Windows it is `py -m venv .venv`, and `.venv\\Scripts\\` in place of `.venv/bin/`. Nothing is sent anywhere.
{data}
The right answers are not in here. An answer is turned into a key, which opens a sealed message if the answer is right,
or wrong in a way that is known. A wrong answer that may follow from an earlier one is not judged before that is right.
Points at home are those of the checks that can be made here, and no promise: what counts is what is handed in.

| exercise | check | what is checked here |
|---|---|---|
{rows}
"""

_DATA = """
Data sets come with the program. A check has them; for your own runs, write them beside the file that reads them:

```sh
{commands}```
"""


def guide(assignment: Assignment, person: str, decisions: Mapping[str, Iterable[Decision]]) -> str:
    """Return the bundle's README."""
    named = [(exercise, one) for exercise, found in decisions.items() for one in found if one.how != "never"]
    rows = [f"| {exercise} | `{one.check.id}` | {_told(one)} |" for exercise, one in named]
    return _TEXT.format(
        title=assignment.title,
        assignment=assignment.id,
        first=_example(decisions),
        whose=f"These are the numbers of {person}; others have other ones.\n\n" if person else "",
        data=_data(assignment),
        rows="\n".join(rows),
    )


def _example(decisions: Mapping[str, Iterable[Decision]]) -> str:
    """Return the first exercise that can earn points at home, else the first of which anything is checked."""
    checked = {name: {one.how for one in found if one.options} for name, found in decisions.items()}
    earning = [name for name, ways in checked.items() if ways - {"properties"}]
    return next(iter([*earning, *(name for name, ways in checked.items() if ways)]))


def _data(assignment: Assignment) -> str:
    """Return how to get the data sets that exercises read, each below its file's own folder."""
    needs = {one.id: " ".join(need.name for need in one.data) for one in assignment.exercises if one.data}
    lines = [f".venv/bin/grade data exercises/{assignment.id}/{name}/data {sets}\n" for name, sets in needs.items()]
    return _DATA.format(commands="".join(lines)) if lines else ""


def _told(decision: Decision) -> str:
    """Return what is checked at home; of a model that is judged by what is right, only how it runs."""
    if decision.how == "open" and decision.check.kind.name == "model":
        return "that it runs, and its shapes; whether it is the right one is told after handing in"
    return _WORDS[decision.how]
