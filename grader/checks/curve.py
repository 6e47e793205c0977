"""The kind ``curve``: a training history, by its length, range, trend, clock, and what else it has to agree with."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise
from statistics import median
from typing import Any, Literal, cast

from pydantic import BaseModel, ConfigDict, Field

from grader.checks.case import Case, StandsAlone, Verdict, verdict
from grader.checks.charts import MOST_LINES, chart_of
from grader.checks.history import HistoryError, TrainingRun, as_fraction, runs_in
from grader.checks.refusals import raised
from grader.course import CheckOptions
from grader.model import Array, Chart, Failure, Plain, Probe
from grader.reference import Evaluation, Reference

Entry = str | float | tuple[str | float, ...]


#: Calls a function by the names of its parameters, in the process that ran the hand-in.
_MAX_TOLD_CHARS = 200
_BY_NAME = "def named(function, arguments):\n    return function(**arguments)\n"


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Variety(_Part):
    """At least so many runs that differ in ``distinct``, ``including`` some; ``each`` with a variety of its own."""

    distinct: str
    at_least: int = Field(default=1, ge=1)
    including: tuple[str, ...] = ()
    each: Variety | None = None


class Replay(_Part):
    """A call of the student's training function whose first values the history must repeat, within ``atol``."""

    call: str
    arguments: dict[str, bool | int | float | str] = Field(default_factory=dict)
    values: int = Field(default=1, ge=1)
    atol: float = Field(default=0.05, gt=0)


class CurveOptions(CheckOptions):
    """Judges a training history that was handed in as JSON or stands in a variable.

    - ``curve``: a name for the check.
    - ``file``: the JSON file, ``{"runs": [{"model", "optimizer", "epochs": [...], "test_accuracy": [...]}, ...]}``.
    - ``variable``: what holds the same, or one list of numbers, in place of ``file``.
    - ``run``: which run is meant, as in ``{model: CNN, device: [gpu, cuda]}``. Of several that fit the best counts.
    - ``tell``: entries of that run that the message repeats, as in ``[device]``, where it matters how it was measured.
    - ``quantity``: the list that is judged.
    - ``length``: how many values there have to be.
    - ``pro_rata``: fewer values earn their share; without it they earn nothing.
    - ``range``: from where to where the values may go. Per cent are understood where it is ``[0, 1]``.
    - ``increasing``: a list of the run that must rise from value to value, as in ``seconds``.
    - ``trend``: ``rising`` or ``falling``: the end lies clearly above (below) the start, compared with the noise.
    - ``at_least``: what the end must reach; it is the median of the last fifth.
    - ``at_most``: what the end must not exceed.
    - ``agrees_with``: a variable of the hand-in with the value recomputed, as from saved weights, or a key of the run;
      the end, the last or the best value must agree with it.
    - ``atol``: how closely.
    - ``runs``: which variety of runs there has to be, as in ``{distinct: optimizer, at_least: 3, including: [SGD,
      Adam], each: {distinct: learning_rate, at_least: 2}}``.
    - ``replay``: ``{call, arguments, values, atol}``: the student's own training function, called with these named
      arguments (few steps, a fixed seed), must return the first ``values`` of the history, as a number, a list, or a
      mapping that holds ``quantity``.

    What is not a history at all (not finite, lists of different lengths, outside the range) earns nothing. Otherwise
    the share of the length is multiplied with the share of the other demands that are met; with ``runs``, these shares
    are added up over the runs that are needed.

    A history is what the student says happened: weaker evidence. A replay tells one that the code could have made from
    an invented one, where training is a function with arguments, repeats within ``atol`` and is quick for a few steps.
    It says nothing about later values, and cannot be used where training ran elsewhere with other code or data.
    """

    curve: str
    file: str = ""
    variable: str = ""
    run: dict[str, Entry] = Field(default_factory=dict)
    tell: tuple[str, ...] = ()
    quantity: str = "test_accuracy"
    length: int | None = Field(default=None, ge=1)
    pro_rata: bool = False
    range: tuple[float, float] | None = None
    increasing: str = ""
    trend: Literal["rising", "falling"] | None = None
    at_least: float | None = None
    at_most: float | None = None
    agrees_with: str = ""
    atol: float = Field(default=0.005, ge=0)
    runs: Variety | None = None
    replay: Replay | None = None

    @property
    def subject(self) -> str:
        """The name of the check."""
        return self.curve

    @property
    def source(self) -> Probe:
        """What is observed: the file or the variable."""
        return Probe("value", self.variable) if self.variable else Probe("file", self.file)


@dataclass(frozen=True, slots=True)
class Finding:
    """What one history earns, and why not more."""

    fraction: float
    lines: tuple[str, ...]


class CurveKind(StandsAlone):
    """Judges the history of one run, or the variety of several."""

    name = "curve"
    options: type[CheckOptions] = CurveOptions

    def probes(self, options: CheckOptions, truth: Evaluation) -> tuple[Probe, ...]:
        """Return what is observed: the history, the value to agree with, and the replay."""
        del truth
        checked = cast("CurveOptions", options)
        more = [Probe("value", checked.agrees_with)] if checked.agrees_with else []
        return (checked.source, *more, *([_replay(checked.replay)] if checked.replay else []))

    def problems(self, options: CheckOptions, reference: Reference) -> list[str]:
        """Return what is wrong with the options."""
        del reference
        checked = cast("CurveOptions", options)
        found = []
        if bool(checked.file) == bool(checked.variable):
            found.append("curve: needs either `file` or `variable`, to say where the history is")
        if checked.range and checked.range[0] >= checked.range[1]:
            found.append("range: the first number should be below the second")
        if checked.pro_rata and checked.length is None:
            found.append("pro_rata: needs a `length`")
        return found

    def judge(self, options: CheckOptions, case: Case) -> Verdict:
        """Return the verdict on the run that does best among those meant."""
        checked = cast("CurveOptions", options)
        seen = case.seen(checked.source)
        name = checked.variable or checked.file
        if seen is None or (isinstance(seen, Failure) and seen.kind != "too_large"):
            what = f"There is no `{name}`" if seen is None or seen.kind == "missing" else f"`{name}` cannot be read"
            detail = f": {seen.message}" if isinstance(seen, Failure) and seen.message else ""
            hint = f"\n{case.reason}" if checked.variable and case.reason else ""
            return verdict("curve", checked, 0.0, f"{what}{detail}.{hint}")
        try:
            runs = runs_in(name, seen)
            finding = _found(checked, case, runs)
        except HistoryError as error:
            return verdict("curve", checked, 0.0, f"`{name}`: {str(error).removeprefix(f'`{name}` ')}.")
        told = verdict("curve", checked, finding.fraction, "\n".join(finding.lines))
        return replace(told, result=replace(told.result, chart=_chart(checked, runs)))


CURVE = CurveKind()


def _found(options: CurveOptions, case: Case, runs: Sequence[TrainingRun]) -> Finding:
    """Return what the runs earn. Raises HistoryError where none is of the sort that is meant."""
    meant = [run for run in runs if run.fits(options.run)]
    if not meant:
        wanted = ", ".join(f"{key} {_words(one)}" for key, one in options.run.items())
        raise HistoryError(f"none of its {len(runs)} runs is with {wanted}")
    if options.runs:
        return _distinct(options.runs, meant, partial(_one, options, case))
    return max((_one(options, case, run) for run in meant), key=lambda one: one.fraction)


def _chart(options: CurveOptions, runs: Sequence[TrainingRun]) -> Chart | None:
    """Return the histories that are meant as they were handed in; None where none holds numbers."""
    key, drawn = options.quantity, {}
    for run in [run for run in runs if run.fits(options.run)][:MOST_LINES]:
        entry = f": {_told(run.of(options.runs.distinct))}" if options.runs else ""
        with suppress(HistoryError):
            drawn[f"{run.place}{entry}"] = run.numbers(key if run.of(key) is not None or "" not in run.values else "")
    return chart_of(key, drawn)


def _told(entry: Any) -> str:
    return "nothing is said" if entry is None else " ".join(str(entry).split())[:_MAX_TOLD_CHARS].rstrip(".")


def _words(entry: Any) -> str:
    return " or ".join(map(str, entry)) if isinstance(entry, list | tuple) else str(entry)


def _one(options: CurveOptions, case: Case, run: TrainingRun) -> Finding:
    """Return what the history of one run earns."""
    try:
        values, lines = _values(options, run)
    except HistoryError as error:
        return Finding(0.0, (f"Not a usable history: {error}.",))
    lines += [f"`{key}` of {run.place}: {_told(run.of(key))}." for key in options.tell]
    share = 1.0
    if options.length and len(values) < options.length:
        share = len(values) / options.length if options.pro_rata else 0.0
        lines.append(f"There are {len(values)} values; {options.length} are asked for.")
    demands = list(_demands(options, case, run, values))
    lines += [complaint for complaint in demands if complaint]
    met = sum(not complaint for complaint in demands) / len(demands) if demands else 1.0
    return Finding(share * met, tuple(lines))


def _values(options: CurveOptions, run: TrainingRun) -> tuple[list[float], list[str]]:
    """Return the values that are judged, and hints. Raises HistoryError for what is no history at all."""
    key = options.quantity if run.of(options.quantity) is not None or "" not in run.values else ""
    values, lines = run.numbers(key), []
    if not values:
        raise HistoryError(f"`{options.quantity}` of {run.place} is empty")
    others = [options.increasing] if options.increasing else []
    for other in ["epochs", *others] if isinstance(run.of("epochs"), list) else others:
        count = len(run.numbers(other))
        if count != len(values):
            said = f"`{other}` of {run.place} has {count} values, but `{options.quantity}` has {len(values)}"
            raise HistoryError(said)
    if options.range:
        low, high = options.range
        if options.range == (0.0, 1.0):
            values, was_percent = as_fraction(values)
            lines += ["Understood as per cent; fractions between 0 and 1 were asked for."] if was_percent else []
        bad = next((one for one in values if not low <= one <= high), None)
        if bad is not None:
            raise HistoryError(f"{bad:g} lies outside {low:g} to {high:g}")
    return values, lines


def _demands(options: CurveOptions, case: Case, run: TrainingRun, values: Sequence[float]) -> Iterator[str]:
    """Yield for each demand a complaint, empty where it is met."""
    end = median(values[-max(1, len(values) // 5) :])
    if options.increasing:
        clock = run.numbers(options.increasing)
        falls = next((index for index, (one, other) in enumerate(pairwise(clock)) if other <= one), None)
        yield "" if falls is None else f"`{options.increasing}` does not rise at value {falls + 2}."
    if options.trend:
        sign = 1 if options.trend == "rising" else -1
        clear = sign * (end - values[0]) > _noise(values)
        yield "" if clear else f"`{options.quantity}` is not clearly {options.trend}."
    if options.at_least is not None:
        yield "" if end >= options.at_least else f"`{options.quantity}` ends at {end:.4g}, which is too low."
    if options.at_most is not None:
        yield "" if end <= options.at_most else f"`{options.quantity}` ends at {end:.4g}, which is too high."
    if options.agrees_with:
        yield _agreement(options, case, run, values)
    if options.replay:
        yield _replayed(options, options.replay, case, values)


def _noise(values: Sequence[float]) -> float:
    """Return what a difference has to exceed to be clear: three times the usual step; less where there are few."""
    steps = [abs(other - one) for one, other in pairwise(values)]
    return min(3.0, len(values) / 2.2) * 1.05 * median(steps) if steps else float("inf")


def _agreement(options: CurveOptions, case: Case, run: TrainingRun, values: Sequence[float]) -> str:
    name = options.agrees_with
    seen = case.seen(Probe("value", name))
    number = _as_number(seen if not isinstance(seen, Failure) else run.of(name))
    if number is None:
        return f"There is no number `{name}` to compare the history with."
    if options.range == (0.0, 1.0):
        number = as_fraction([number])[0][0]
    ends = (values[-1], max(values), median(values[-max(1, len(values) // 5) :]))
    return (
        "" if any(abs(one - number) <= options.atol for one in ends) else f"The history does not end at your `{name}`."
    )


def _as_number(value: Any) -> float | None:
    if isinstance(value, Array):
        array = value.to_numpy()
        return float(array.ravel()[0]) if array.size == 1 and array.dtype.kind in "iuf" else None
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _replay(replay: Replay) -> Probe:
    arguments: Plain = dict(replay.arguments)
    return Probe("call", replay.call, {"cases": [{"args": [arguments]}], "trial": "named", "source": _BY_NAME})


def _replayed(options: CurveOptions, replay: Replay, case: Case, values: Sequence[float]) -> str:
    """Return a complaint unless training again gives the first values of the history."""
    seen = case.seen(_replay(replay))
    if not isinstance(seen, list) or len(seen) != 1 or not isinstance(seen[0], dict) or "value" not in seen[0]:
        reason = seen.message if isinstance(seen, Failure) else _raised(seen)
        return f"`{replay.call}` could not be run for a few steps: {reason}."
    value = seen[0]["value"]
    try:
        (run,) = runs_in(replay.call, [value] if isinstance(value, int | float) else value)
        again, _ = _values(options.model_copy(update={"increasing": ""}), run)
    except (HistoryError, ValueError):
        return f"`{replay.call}` does not return `{options.quantity}`."
    pairs = list(zip(again[: replay.values], values, strict=False))
    if len(pairs) < min(replay.values, len(values)):
        return f"`{replay.call}` returns too few values."
    if all(abs(one - other) <= replay.atol for one, other in pairs):
        return ""
    return "Training again for a few steps gives other values than the history has."


def _raised(seen: Plain | Failure) -> str:
    one = seen[0] if isinstance(seen, list) and seen else None
    if not isinstance(one, dict):
        return "it gave nothing"
    return f"it {raised(str(one.get('raised')), str(one.get('message')))}"


def _distinct(wanted: Variety, runs: Sequence[TrainingRun], judge: Callable[[TrainingRun], Finding]) -> Finding:
    """Return what a variety of runs earns: of each sort the best run counts, and so many sorts as are needed."""
    groups: dict[Any, list[TrainingRun]] = {}
    for run in runs:
        entry = run.of(wanted.distinct)
        if isinstance(entry, str | int | float):
            groups.setdefault(_entry(entry), []).append(run)
    lines: list[str] = []
    earned: list[tuple[bool, float]] = []
    for members in groups.values():
        best = max((judge(run) for run in members), key=lambda one: one.fraction)
        inner = _distinct(wanted.each, members, judge) if wanted.each else best
        named = any(member.fits({wanted.distinct: name}) for member in members for name in wanted.including)
        earned.append((named, inner.fraction))
        label = members[0].of(wanted.distinct)
        lines += [f"{wanted.distinct} {label}: {line}" for line in inner.lines]
    missing = [name for name in wanted.including if not any(run.fits({wanted.distinct: name}) for run in runs)]
    needed = max(wanted.at_least, len(wanted.including))
    others = sorted((share for named, share in earned if not named), reverse=True)
    ours = sorted((share for named, share in earned if named), reverse=True)
    counted = [*ours, *others[: max(needed - max(len(ours), len(wanted.including)), 0)]][:needed]
    if missing:
        lines.insert(0, f"There is no run with {wanted.distinct} {' or '.join(missing)}.")
    if len(groups) < needed:
        lines.insert(0, f"There are runs with {len(groups)} different {wanted.distinct}; {needed} are asked for.")
    return Finding(sum(counted) / needed, tuple(lines))


def _entry(entry: str | float) -> str | float:
    if isinstance(entry, str):
        try:
            return float(entry)
        except ValueError:
            return " ".join(entry.casefold().split())
    return float(entry)
