"""What was found about tolerances: in a terminal, and as JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from grader.pipeline.cohort import Effect, WhatIf
from grader.pipeline.tolerances import Advice, Mistake
from grader.reports.moves import say
from grader.reports.text import count, label, plain

Json = dict[str, Any]

#: From so many columns on, the nearest mistake is named in the table.
_WIDE = 110
#: A mistake that is more tolerances away is simply far.
_FAR = 1000.0
_CAPTION = "* proposed; nearest: how many tolerances the nearest known mistake is away"


@dataclass(frozen=True, slots=True)
class Advised:
    """An exercise: what was found about each of its tolerances, and whom others would move, if that was asked."""

    exercise: str
    checks: int
    advice: tuple[Advice, ...]
    what_if: Mapping[str, WhatIf] | None

    @property
    def faulty(self) -> bool:
        """Whether a tolerance leaves out a right answer, or lets a known mistake pass."""
        return any(one.faults for one in self.advice)


def print_advice(console: Console, one: Advised) -> None:
    """Print a table with a row for each check that has a tolerance, and below it what to look at."""
    say(console, one.exercise, "bold")
    cohort = dict(one.what_if or {})
    if one.advice:
        console.print(_table(console, one.advice, cohort if one.what_if is not None else None))
    rest = one.checks - len(one.advice)
    if rest:
        say(console, f"{count(rest, 'check')} of {one.checks} not looked at: exact, or of another kind.", "dim")
    left = [advice.check for advice in one.advice if "float32" not in advice.ways]
    if left:
        say(console, plain(f"The reference cannot be computed in single precision for {', '.join(left)}."), "dim")
    for advice in one.advice:
        for warning in advice.warnings:
            say(console, plain(f"  {advice.check}: {warning}"), "red" if warning in advice.faults else "yellow")
    for check, what in cohort.items():
        _print_effects(console, check, what)


def _table(console: Console, advice: Sequence[Advice], cohort: Mapping[str, WhatIf] | None) -> Table:
    named = console.width >= _WIDE
    titles = ["atol", "rtol", "spread", "relative", "used", "atol*", "rtol*", "nearest"]
    table = Table("check", box=SIMPLE_HEAD, padding=(0, 1, 0, 0), caption=_CAPTION, caption_justify="left")
    for title in [*titles, *([] if cohort is None else ["doubled", "halved"])]:
        table.add_column(title, justify="right", no_wrap=True)
    if named:
        table.add_column("nearest mistake", no_wrap=True)
    for one in advice:
        row = [label(plain(one.check)), *(f"{value:g}" for value in (one.atol, one.rtol))]
        row += [f"{one.absolute:.1e}", f"{one.relative:.1e}", _share(one.used)]
        row += [*(f"{value:g}" for value in (one.proposed.atol, one.proposed.rtol)), _away(one.mistakes)]
        if cohort is not None:
            what = cohort.get(one.check)
            row += [_effect(what.doubled), _effect(what.halved)] if what else ["", ""]
        row += [plain(one.mistakes[0].name) if one.mistakes else "none known"] if named else []
        table.add_row(*map(Text, row), style="red" if one.faults else "")
    return table


def _share(share: float) -> str:
    return f"{100 * share:.0f} %" if share >= 0.01 or share == 0 else "<1 %"


def _away(mistakes: Sequence[Mistake]) -> str:
    if not mistakes:
        return "-"
    return f"{mistakes[0].times:.2g}" if mistakes[0].times < _FAR else "far"


def _effect(effect: Effect) -> str:
    return f"+{len(effect.passing)} -{len(effect.failing)}"


def _print_effects(console: Console, check: str, what: WhatIf) -> None:
    for word, effect in (("doubled", what.doubled), ("halved", what.halved)):
        if effect.moved:
            parts = [
                f"{verb} {_names(names)}"
                for verb, names in (("gain", effect.passing), ("lose", effect.failing))
                if names
            ]
            rest = [name for name in effect.moved if name not in {*effect.passing, *effect.failing}]
            parts += [f"come out otherwise {_names(rest)}"] if rest else []
            say(console, plain(f"  {check} {word}, of {what.judged}: {'; '.join(parts)}"))


def _names(names: Sequence[str]) -> str:
    listed = ", ".join(label(name, 60) for name in names[:5])
    return f"{listed} and {len(names) - 5} more" if len(names) > 5 else listed


def advice_json(advised: Sequence[Advised]) -> Json:
    """Return what was found as plain data that ``json.dumps`` takes; a distance of None is infinite."""
    return {"schema": 1, "exercises": [_exercise(one) for one in advised]}


def _exercise(one: Advised) -> Json:
    cohort = one.what_if
    return {
        "id": one.exercise,
        "checks": [_advice(some) for some in one.advice],
        "cohort": None if cohort is None else {check: _what_if(what) for check, what in cohort.items()},
    }


def _advice(one: Advice) -> Json:
    return {
        "id": one.check,
        "kind": one.kind,
        "atol": one.atol,
        "rtol": one.rtol,
        "samples": one.samples,
        "spread": {"absolute": _finite(one.absolute), "relative": _finite(one.relative)},
        "used": {way: _finite(used) for way, used in one.ways.items()},
        "proposed": {"atol": one.proposed.atol, "rtol": one.proposed.rtol},
        "mistakes": [_mistake(some) for some in one.mistakes],
        "at_proposed": [_mistake(some) for some in one.at_proposed],
        "faults": list(one.faults),
        "warnings": list(one.warnings),
    }


def _mistake(one: Mistake) -> Json:
    return {"name": one.name, "tolerances_away": _finite(one.times), "reached": one.reached, "unseen": one.unseen}


def _finite(value: float) -> float | None:
    return value if isfinite(value) else None


def _what_if(one: WhatIf) -> Json:
    return {"judged": one.judged, "doubled": _effect_json(one.doubled), "halved": _effect_json(one.halved)}


def _effect_json(one: Effect) -> Json:
    return {"gain": list(one.passing), "lose": list(one.failing), "moved": list(one.moved)}
