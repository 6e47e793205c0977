"""The kind ``figure``: a matplotlib figure, by its curves, labels and legend, and by what its data agree with."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, cast

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from grader.checks.case import Case, StandsAlone, Verdict, verdict
from grader.checks.curve import Entry
from grader.checks.history import HistoryError, TrainingRun, runs_in
from grader.checks.plots import Plot, counts_up, is_over, matching, plots_in, says, shows
from grader.course import CheckOptions
from grader.model import Failure, Probe
from grader.reference import Evaluation, Reference

_FIGURES = Probe("figures", "figures")
_SAME_ATOL = 0.002
_OPPOSITE = {"epochs": "time", "time": "epochs"}


class Agreement(BaseModel):
    """A history, in a file or a variable, whose ``quantity`` the curves have to show, over its list ``x``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    file: str = ""
    variable: str = ""
    run: dict[str, Entry] = Field(default_factory=dict)
    quantity: str = "test_accuracy"
    x: str = "any"
    atol: float = Field(default=_SAME_ATOL, ge=0)

    @property
    def source(self) -> Probe:
        """What is observed."""
        return Probe("value", self.variable) if self.variable else Probe("file", self.file)


class FigureOptions(CheckOptions):
    """Judges a figure that the hand-in draws with matplotlib when it is run.

    - ``figure``: a name for the check.
    - ``curves``: how many curves it shows, or the words that their labels have, as in ``[SGD, Adam]`` (alternatives are
      written ``GPU|cuda``). Lines, clouds of points and groups of bars are curves; lines across the whole plot are not.
    - ``x``: what it is drawn over: ``epochs``, ``time``, or words of which one stands in the label.
    - ``y``: what it shows: ``accuracy``, ``loss``, ``error``, or words of which one stands in the label or title.
    - ``labels``: both axes have a label.
    - ``legend``: it says which curve is which, by a legend or by text at the curves.
    - ``title``: it has a title.
    - ``y_range``: from where to where the data may go; per cent are understood where it is ``[0, 1]``.
    - ``agrees_with``: ``{file, variable, run, quantity, x, atol}``: the curves show this history's numbers (as
      many of its runs as curves are asked for), over its ``epochs``, ``seconds`` or another of its lists that ``x``
      names. A ``variable`` may be a list, too.
    - ``same_as``: ``epochs`` or ``time``: another plot, over that, shows the same data.
    - ``count``: how many plots there are in all.

    The fraction is the share of these demands that are met, where curves, labels and agreement may be met in part.
    Judged is the plot that meets most; a plot is one pair of axes, or all of a figure. A figure that shows no data is
    none. A figure counts as it was at the end, and also as it was before it was cleared; the latest sixty are seen.
    Images from elsewhere and other libraries are not seen. It is described in the process of the student's code, so it
    is weaker evidence, but for its agreement with what was handed in.
    """

    figure: str
    curves: int | tuple[str, ...] = 1
    x: str | tuple[str, ...] = ()
    y: str | tuple[str, ...] = ()
    labels: bool = False
    legend: bool = False
    title: bool = False
    y_range: tuple[float, float] | None = None
    agrees_with: Agreement | None = None
    same_as: Literal["epochs", "time"] | None = None
    count: int | None = Field(default=None, ge=1)

    @property
    def subject(self) -> str:
        """The name of the check."""
        return self.figure

    @property
    def wanted_curves(self) -> int:
        """How many curves are asked for."""
        return self.curves if isinstance(self.curves, int) else len(self.curves)


@dataclass(frozen=True, slots=True)
class Demand:
    """How far one demand is met, from 0 to 1, and a sentence for the student where it is not."""

    share: float
    complaint: str = ""


class FigureKind(StandsAlone):
    """Judges the one plot of a hand-in that meets most demands."""

    name = "figure"
    options: type[CheckOptions] = FigureOptions

    def probes(self, options: CheckOptions, truth: Evaluation) -> tuple[Probe, ...]:
        """Return two probes: all figures, and the history to agree with."""
        del truth
        checked = cast("FigureOptions", options)
        return (_FIGURES, *([checked.agrees_with.source] if checked.agrees_with else []))

    def problems(self, options: CheckOptions, reference: Reference) -> list[str]:
        """Return what is wrong with the options."""
        del reference
        checked = cast("FigureOptions", options)
        found = []
        if checked.agrees_with and bool(checked.agrees_with.file) == bool(checked.agrees_with.variable):
            found.append("agrees_with: needs either `file` or `variable`")
        if checked.same_as and checked.same_as in _several(checked.x):
            found.append(f"same_as: is a plot over {checked.same_as} itself")
        if isinstance(checked.curves, int) and checked.curves < 1:
            found.append("curves: should be at least 1")
        return found

    def judge(self, options: CheckOptions, case: Case) -> Verdict:
        """Return the verdict on the plot that meets most; of equals, the last that was made."""
        checked = cast("FigureOptions", options)
        seen = case.seen(_FIGURES)
        if isinstance(seen, Failure):
            return verdict("figure", checked, 0.0, f"No figure could be looked at: {seen.message or seen.kind}.")
        plots = plots_in(seen)
        if not plots:
            lines = ["No figure with data was drawn.", *([case.reason] if case.reason else [])]
            return verdict("figure", checked, 0.0, "\n".join(lines))
        judged = [(plot, list(_demands(checked, case, plot, plots))) for plot in plots]
        plot, demands = max(reversed(judged), key=lambda one: sum(demand.share for demand in one[1]))
        fraction = sum(demand.share for demand in demands) / len(demands)
        lines = [demand.complaint for demand in demands if demand.complaint]
        head = f"Judged was {plot.place}, which fits best." if lines and len(plots) > 1 else ""
        message = "\n".join(filter(None, [head, *lines]))
        return verdict("figure", checked, fraction, message, evidence=f"{plot.place} of {len(plots)} plots")


FIGURE = FigureKind()


def _demands(options: FigureOptions, case: Case, plot: Plot, plots: Sequence[Plot]) -> Iterator[Demand]:
    """Yield how far each demand is met by ``plot``."""
    yield from _appearance(options, plot)
    if options.y_range:
        low, high = options.y_range
        yield _demand(_within(plot, low, high), f"Its data leave the range from {low:g} to {high:g}.")
    if options.agrees_with:
        yield _agreement(options, options.agrees_with, case, plot)
    if options.same_as:
        yield _sameness(options.same_as, plot, plots)
    if options.count is not None:
        found = sum(not one.is_whole for one in plots)
        complaint = f"There are {found} plots; {options.count} are asked for."
        yield Demand(min(1.0, found / options.count), complaint if found < options.count else "")


def _appearance(options: FigureOptions, plot: Plot) -> Iterator[Demand]:
    """Yield the demands on curves and words."""
    more = [options.x, options.y, options.labels, options.legend, options.title, options.y_range]
    if options.curves != 1 or not any([*more, options.agrees_with, options.same_as, options.count]):
        yield _curves(options, plot)
    if options.x:
        yield _over(_several(options.x), plot)
    if options.y:
        right = any(says(f"{plot.ylabel} {plot.title}", word) for word in _several(options.y))
        yield _demand(right, f"The vertical axis does not say {' or '.join(_several(options.y))}.")
    if options.labels:
        labels = {"horizontal": plot.xlabel, "vertical": plot.ylabel}
        missing = [axis for axis, label in labels.items() if not label.strip()]
        complaint = f"The {' and the '.join(missing)} axis has no label." if missing else ""
        yield Demand(1 - len(missing) / 2, complaint)
    if options.legend:
        yield _demand(plot.named >= len(plot.curves), "It does not say which curve is which; give it a legend.")
    if options.title:
        yield _demand(bool(plot.title.strip()), "It has no title.")


def _demand(met: bool, complaint: str) -> Demand:  # noqa: FBT001 - whether it is met is what it says
    return Demand(1.0) if met else Demand(0.0, complaint)


def _several(words: str | tuple[str, ...]) -> tuple[str, ...]:
    return (words,) if isinstance(words, str) else words


def _curves(options: FigureOptions, plot: Plot) -> Demand:
    if isinstance(options.curves, int):
        found = len(plot.curves)
        complaint = f"It shows {found} curves; {options.curves} are asked for." if found < options.curves else ""
        return Demand(min(1.0, found / options.curves), complaint)
    labels = [curve.label for curve in plot.curves]
    if len(labels) == len(options.curves) == 1 and not labels[0]:
        labels = [f"{plot.title} {plot.ylabel}"]
    missing = [
        one for one in options.curves if not any(says(label, word) for label in labels for word in one.split("|"))
    ]
    complaint = f"No curve is labelled {', '.join(one.split('|')[0] for one in missing)}." if missing else ""
    return Demand(1 - len(missing) / len(options.curves), complaint)


def _over(wanted: Sequence[str], plot: Plot) -> Demand:
    """Return whether the plot is over what is wanted: by its label, and by its data where the label leaves it open."""
    label = plot.xlabel
    hits = [word for word in wanted if says(label, word)]
    against = [word for word in wanted if word in _OPPOSITE and says(label, _OPPOSITE[word])]
    if hits and not against:
        return Demand(1.0)
    if hits or not label.strip():
        by_data = "epochs" if counts_up(plot) else "time"
        return _demand(by_data in wanted, f"It is not drawn over {' or '.join(wanted)}, or does not say so.")
    found = f"It is drawn over {_OPPOSITE[against[0]]}; o" if against else "The horizontal axis says something else; o"
    return Demand(0.0, f"{found}ver {' or '.join(wanted)} is asked for.")


def _within(plot: Plot, low: float, high: float) -> bool:
    data = np.concatenate([curve.y for curve in plot.curves])
    data = data[np.isfinite(data)]
    if (low, high) == (0.0, 1.0) and data.size and 1.5 < float(data.max()) <= 100:
        data = data / 100
    return bool(data.size and low <= float(data.min()) and float(data.max()) <= high)


def _agreement(options: FigureOptions, agreement: Agreement, case: Case, plot: Plot) -> Demand:
    """Return how many of the curves that are asked for show a run of the history."""
    name = agreement.variable or agreement.file
    try:
        runs = [run for run in runs_in(name, case.seen(agreement.source)) if run.fits(agreement.run)]
        values = [_numbers(run, agreement.quantity) for run in runs]
        over = _clock(options, agreement)
        clocks = [run.numbers(over) for run in runs] if over else []
    except HistoryError as error:
        return Demand(0.0, f"It cannot be compared with `{name}`: {str(error).removeprefix(f'`{name}` ')}.")
    if not runs:
        return Demand(0.0, f"`{name}` has no run to compare it with.")
    needed = options.wanted_curves if options.curves != 1 else len(runs)
    same = matching(plot.curves, len(runs), lambda curve, index: shows(curve, values[index], agreement.atol))
    good = same
    if over:
        good = matching(
            plot.curves,
            len(runs),
            lambda curve, index: (
                shows(curve, values[index], agreement.atol) and is_over(curve, clocks[index], clock=over == "seconds")
            ),
        )
    if good >= needed:
        return Demand(1.0)
    what = f"the data of `{name}`" if good == same else f"the data of `{name}` over its `{over}`"
    return Demand(good / needed, f"{good} of {needed} curves show {what}.")


def _numbers(run: TrainingRun, quantity: str) -> list[float]:
    return run.numbers("" if "" in run.values and run.of(quantity) is None else quantity)


def _clock(options: FigureOptions, agreement: Agreement) -> str:
    """Return the list of the run over which the plot should be; empty where it may be any."""
    by_axis = {"epochs": "epochs", "time": "seconds"}.get(options.x if isinstance(options.x, str) else "", "")
    return by_axis if agreement.x == "any" else agreement.x


def _sameness(over: str, plot: Plot, plots: Sequence[Plot]) -> Demand:
    """Return how many curves stand in another plot, too, one over ``over``."""
    others = [one for one in plots if one is not plot and _over([over], one).share == 1]
    if not others:
        return Demand(0.0, f"There is no plot over {over} to compare it with.")
    hits = max(_in_common(plot, one) for one in others)
    complaint = f"{hits} of its {len(plot.curves)} curves have the same data as the plot over {over}."
    return Demand(hits / len(plot.curves), complaint if hits < len(plot.curves) else "")


def _in_common(plot: Plot, other: Plot) -> int:
    return matching(
        plot.curves, len(other.curves), lambda curve, index: shows(curve, list(other.curves[index].y), _SAME_ATOL)
    )
