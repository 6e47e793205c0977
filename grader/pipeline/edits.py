"""What an author edited between two gradings, and which checks that bears on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from grader.course import Exercise
from grader.store import Authored, AuthoredCheck

What = Literal["points", "check options", "check", "reference", "misconception", "exercise", "grader"]


@dataclass(frozen=True, slots=True)
class Edit:
    """One thing that was edited in an exercise: which, and from what to what.

    ``checks`` are those whose results it may have changed; those whose points it changed, for an edit of points.
    """

    exercise: str
    what: What
    text: str
    checks: frozenset[str]


def edits(old: Authored, new: Authored, exercise: Exercise) -> tuple[Edit, ...]:
    """Return what differs between two versions of an exercise, ``exercise`` being the newer one."""
    if old == new:
        return ()
    of_checks = tuple(_check_edits(old, new, exercise))
    if old.rubric != new.rubric and not of_checks:
        of_checks = (Edit(exercise.id, "check options", "rubric: titles, comments or layout", frozenset()),)
    return (*of_checks, *_reference_edits(old, new, exercise), *_other_edits(old, new, exercise))


def _check_edits(old: Authored, new: Authored, exercise: Exercise) -> Iterator[Edit]:
    before, after = ({check.id: check for check in one.checks} for one in (old, new))
    subjects = {check.id: check.options.subject for check in exercise.rubric.checks}
    for name in dict.fromkeys([*before, *after]):
        was, now = before.get(name), after.get(name)
        reached = _reached(exercise, subjects.get(name, "")) | {name}
        if was is None or now is None:
            word = "added" if was is None else "removed"
            yield Edit(exercise.id, "check", f"check `{name}` {word}", reached)
            continue
        if was.points != now.points:
            text = f"points of `{name}`: {was.points:g} → {now.points:g}"
            yield Edit(exercise.id, "points", text, frozenset({name}))
        told = _option_changes(was, now)
        if told:
            yield Edit(exercise.id, "check options", f"options of `{name}`: {told}", reached)


def _option_changes(was: AuthoredCheck, now: AuthoredCheck) -> str:
    if was.kind != now.kind:
        return f"kind {was.kind} → {now.kind}"
    names = dict.fromkeys([*was.options, *now.options])
    changed = [name for name in names if was.options.get(name) != now.options.get(name)]
    return ", ".join(f"{name} {_shown(was.options, name)} → {_shown(now.options, name)}" for name in changed)


def _shown(options: Mapping[str, Any], name: str) -> str:
    text = str(options.get(name))
    return text if len(text) <= 40 else f"{text[:39]}…"


def _reference_edits(old: Authored, new: Authored, exercise: Exercise) -> Iterator[Edit]:
    for name, word in _differences(old.definitions, new.definitions):
        text = f"reference: `{name}` {word}" if name else f"reference: imports or other code {word}"
        yield Edit(exercise.id, "reference", text, _reached(exercise, name))
    targets = exercise.reference.misconceptions
    for name, word in _differences(old.misconceptions, new.misconceptions):
        target = targets[name].target if name in targets else ""
        yield Edit(exercise.id, "misconception", f"misconception `{name}` {word}", _reached(exercise, target))
    if old.reference != new.reference and (old.definitions, old.misconceptions) == (
        new.definitions,
        new.misconceptions,
    ):
        yield Edit(exercise.id, "reference", "reference: comments or layout", frozenset())


def _differences(old: Mapping[str, str], new: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for name in dict.fromkeys([*old, *new]):
        if old.get(name) != new.get(name):
            yield name, "added" if name not in old else "removed" if name not in new else "changed"


def _reached(exercise: Exercise, name: str) -> frozenset[str]:
    """Return the checks whose subjects need the quantity ``name``; all of them where it is no quantity."""
    reference = exercise.reference
    return frozenset(
        check.id
        for check in exercise.rubric.checks
        if name not in reference.nodes or name in reference.ancestors([check.options.subject])
    )


def _other_edits(old: Authored, new: Authored, exercise: Exercise) -> Iterator[Edit]:
    everything = frozenset(check.id for check in exercise.rubric.checks)
    if old.exercise != new.exercise:
        yield Edit(exercise.id, "exercise", "exercise.yaml or the task", frozenset())
    if old.grader != new.grader:
        yield Edit(exercise.id, "grader", f"grade itself: {old.grader} → {new.grader}", everything)
