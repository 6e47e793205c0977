"""Figures: what is kept of them at both rungs, and the kind ``figure``, aspect by aspect."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from execution_helpers import QUICK, notebook_text
from judging_helpers import judge_seen, make_course, make_exercise
from namespace_helpers import NS

from grader.errors import CourseError
from grader.execution import execute
from grader.model import Array, CheckResult, Failure, Job, Plain, Probe, Status, Stop
from grader.sandbox import Sandbox, SelfCheck
from grader.sandbox.namespaces import Namespaces

FIGURES, FILE = Probe("figures", "figures"), Probe("file", "history.json")
LIMITS = replace(QUICK, timeout_seconds=60.0)
EPOCHS = [1.0, 2.0, 3.0, 4.0]
MLP, CNN = [0.3, 0.4, 0.45, 0.5], [0.4, 0.55, 0.6, 0.65]
TIMES = {"MLP": [1.0, 2.1, 3.0, 4.2], "CNN": [5.0, 10.5, 15.0, 21.0]}
HISTORY = {
    "runs": [
        {"model": name, "epochs": [1, 2, 3, 4], "seconds": TIMES[name], "test_accuracy": values}
        for name, values in {"MLP": MLP, "CNN": CNN}.items()
    ]
}


# --- what is seen -------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def namespaces() -> Iterator[Namespaces]:
    if not NS.available:
        pytest.skip(f"isolation ns: {NS.reason}")
    with Namespaces() as opened:
        yield opened


@pytest.fixture(params=["selfcheck", "ns"])
def sandbox(request: pytest.FixtureRequest) -> Sandbox:
    opened: Sandbox = SelfCheck() if request.param == "selfcheck" else request.getfixturevalue("namespaces")
    return opened


def seen_in(job: Job, sandbox: Sandbox) -> list[dict[str, Any]]:
    run = execute(replace(job, probes=(FIGURES,), limits=job.limits), sandbox)
    assert (run.stop, run.detail, run.errors) == (Stop.FINISHED, "", ())
    found = run.observations[0].value
    assert isinstance(found, list)
    return [one for one in found if isinstance(one, dict)]


def module(source: str) -> Job:
    return Job("module", "work.py", source, (), (), LIMITS)


def notebook(*cells: str) -> Job:
    return Job("notebook", "work.ipynb", notebook_text(*cells), (), (), LIMITS)


def heights(figures: list[dict[str, Any]]) -> list[list[list[float]]]:
    """Return for each figure the heights of all its curves."""
    return [
        [curve["y"].to_numpy().tolist() for axes in figure["axes"] for curve in axes["curves"]] for figure in figures
    ]


DRAW = """
import matplotlib.pyplot as plt
plt.figure()
plt.plot([1, 2, 3], [0.1, 0.2, 0.3], label="MLP")
plt.plot([1, 2, 3], [0.2, 0.3, 0.4], label="CNN")
plt.axhline(0.1)
plt.xlabel("epoch"); plt.ylabel("test accuracy"); plt.title("Both"); plt.legend(); plt.yscale("log")
"""
CLOSE = """
plt.savefig("a.png"); plt.show(); plt.close("all")
import gc; gc.collect()
"""
MORE = """
figure, (left, right) = plt.subplots(1, 2)
left.scatter([1, 2], [3, 4]); right.bar(["a", "b"], [5, 6]); left.twinx().plot([7, 8])
plt.figure(); plt.plot([1, 2]); plt.clf(); plt.plot([3, 4])
plt.figure()
"""


@pytest.mark.parametrize("form", ["module", "notebook"])
def test_figures_are_seen_shown_or_not_and_closed_or_not(sandbox: Sandbox, form: str) -> None:
    job = module(DRAW + CLOSE + MORE) if form == "module" else notebook(DRAW, CLOSE, MORE)
    figures = seen_in(job, sandbox)
    assert heights(figures) == [
        [[0.1, 0.2, 0.3], [0.2, 0.3, 0.4]],
        [[3.0, 4.0], [5.0, 6.0], [7.0, 8.0]],
        [[1.0, 2.0]],
        [[3.0, 4.0]],
    ]
    (axes,) = figures[0]["axes"]
    texts = {key: axes[key] for key in ("title", "xlabel", "ylabel", "xscale", "yscale", "legend", "images")}
    assert texts == {
        "title": "Both", "xlabel": "epoch", "ylabel": "test accuracy", "xscale": "linear", "yscale": "log",
        "legend": ["MLP", "CNN"], "images": 0,
    }  # fmt: skip
    assert [(curve["label"], curve["style"], curve["count"]) for curve in axes["curves"]] == [
        ("MLP", "line", 3),
        ("CNN", "line", 3),
    ]
    assert [[curve["style"] for curve in axes["curves"]] for axes in figures[1]["axes"]] == [
        ["points"],
        ["bars"],
        ["line"],
    ]


def test_figures_are_seen_where_matplotlib_was_imported_before(namespaces: Namespaces) -> None:
    job = replace(notebook(DRAW, CLOSE), limits=replace(LIMITS, preload=("matplotlib",)))
    assert heights(seen_in(job, namespaces)) == [[[0.1, 0.2, 0.3], [0.2, 0.3, 0.4]]]
    assert heights(seen_in(job, namespaces)) == [[[0.1, 0.2, 0.3], [0.2, 0.3, 0.4]]]


def test_a_hand_in_without_matplotlib_has_no_figures(sandbox: Sandbox) -> None:
    assert seen_in(module("x = 1"), sandbox) == []


def test_many_figures_and_many_points_are_cut(sandbox: Sandbox) -> None:
    source = (
        "import warnings; warnings.simplefilter('ignore')\nimport numpy as np, matplotlib.pyplot as plt\n"
        "import weakref\nalive = []\n"
        "for n in range(70):\n"
        "    f = plt.figure(figsize=(1, 1)); plt.plot([n, n]); alive.append(weakref.ref(f)); plt.close(f); del f\n"
        "import gc; gc.collect()\nassert sum(one() is not None for one in alive) <= 21\n"
        "plt.plot(np.arange(10**6)); plt.plot([1, 2])\n"
    )
    figures = seen_in(module(source), sandbox)
    assert len(figures) == 60
    assert heights(figures)[:2] == [[[11.0, 11.0]], [[12.0, 12.0]]]
    curves = figures[-1]["axes"][0]["curves"]
    assert [(curve["count"], len(curve["y"].to_numpy())) for curve in curves] == [(10**6, 10_000), (2, 0)]


def test_hostile_figures_cost_only_themselves(sandbox: Sandbox) -> None:
    source = """
import matplotlib, matplotlib.pyplot as plt
from matplotlib.figure import Figure
class Bad(Figure):
    def get_suptitle(self): raise SystemExit
plt.plot([1, 2], label="x" * 10_000)
bad = plt.figure(FigureClass=Bad); bad.add_subplot().plot([5, 6])
Bad.legends = property(lambda self: 1 / 0)
class Line:
    def __getattr__(self, name): raise ValueError(name)
figure = Figure(); axes = figure.add_subplot(); axes.plot([1, 2]); axes.set_title("\\udcff<script>")
axes.get_legend = lambda: Line()
ok = plt.figure(); plt.plot([3, 4], ["a", "b"])
"""
    figures = seen_in(module(source), sandbox)
    assert heights(figures) == [[[1.0, 2.0]], [[5.0, 6.0]], [[0.0, 1.0]]]
    assert len(figures[0]["axes"][0]["curves"][0]["label"]) == 300


# --- judging ------------------------------------------------------------------------------------------------


def curve(label: str, x: list[float], y: list[float], **more: Any) -> dict[str, Any]:
    return {"label": label, "style": "line", "count": len(y), "x": np.array(x), "y": np.array(y)} | more


def axes_with(*curves: dict[str, Any], **more: Any) -> dict[str, Any]:
    usual = {"title": "", "xlabel": "Epoch", "ylabel": "Test accuracy", "legend": ["MLP", "CNN"], "texts": []}
    return usual | {"place": [0.1, 0.1, 0.8, 0.8], "curves": list(curves)} | more


def figure(*axes: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"title": "", "legend": None, "axes": list(axes)} | more


BOTH = (curve("MLP", EPOCHS, MLP), curve("CNN", EPOCHS, CNN))
OVER_TIME = (curve("MLP", TIMES["MLP"], MLP), curve("CNN", TIMES["CNN"], CNN))
GOOD = figure(axes_with(*BOTH))
TIMED = figure(axes_with(*OVER_TIME, xlabel="Training time [s]"))


def judged(tmp_path: Path, figures: list[Any] | Failure, options: str, history: Any = HISTORY) -> CheckResult:
    exercise = make_exercise(tmp_path, "", f"figure: f, {options}")
    data = history if isinstance(history, Failure) else json.dumps(history).encode()
    return judge_seen(exercise, {FIGURES: figures, FILE: data})["f"]


def verdict(result: CheckResult) -> tuple[float, str]:
    return result.fraction, result.message


def test_everything_at_once(tmp_path: Path) -> None:
    options = (
        "curves: [MLP, CNN], x: epochs, y: accuracy, labels: true, legend: true, y_range: [0, 1], "
        "agrees_with: {file: history.json}"
    )
    assert verdict(judged(tmp_path, [GOOD], options)) == (1.0, "")
    assert verdict(judged(tmp_path, [TIMED, GOOD, TIMED], options)) == (1.0, "")
    assert judged(tmp_path, [TIMED], options).fraction == pytest.approx(5 / 7)


@pytest.mark.parametrize(
    ("options", "drawn", "fraction", "message"),
    [
        ("curves: 2", axes_with(*BOTH), 1, ""),
        ("curves: 2", axes_with(BOTH[0]), 0.5, "It shows 1 curves; 2 are asked for."),
        ("curves: [MLP, CNN]", axes_with(BOTH[0], curve("", EPOCHS, CNN)), 1, ""),  # named in the legend, in order
        (
            "curves: [MLP, CNN]",
            axes_with(BOTH[0], curve("", EPOCHS, CNN), legend=None),
            0.5,
            "No curve is labelled CNN.",
        ),
        ("curves: [GPU|cuda, CPU]", axes_with(curve("cuda:0", EPOCHS, MLP), curve("cpu", EPOCHS, CNN)), 1, ""),
        ("curves: [MLP]", axes_with(curve("", EPOCHS, MLP), legend=None, title="MLP on CIFAR-10"), 1, ""),
        ("x: epochs", axes_with(*BOTH, xlabel="Epochen"), 1, ""),
        ("x: epochs", axes_with(*BOTH, xlabel=""), 1, ""),
        ("x: epochs", axes_with(*OVER_TIME, xlabel=""), 0, "It is not drawn over epochs, or does not say so."),
        ("x: epochs", axes_with(*BOTH, xlabel="Zeit in s"), 0, "It is drawn over time; over epochs is asked for."),
        ("x: time", axes_with(*OVER_TIME, xlabel="Trainingszeit / s"), 1, ""),
        ("x: time", axes_with(*OVER_TIME, xlabel="t [s]"), 1, ""),
        ("x: time", axes_with(*BOTH, xlabel="Epoch"), 0, "It is drawn over epochs; over time is asked for."),
        ("x: time", axes_with(*BOTH, xlabel="time (epochs)"), 0, "It is not drawn over time, or does not say so."),
        ("x: time", axes_with(*OVER_TIME, xlabel="time after each epoch"), 1, ""),
        ("x: [degree, Grad]", axes_with(*BOTH, xlabel="Polynomgrad"), 1, ""),
        ("x: [degree, Grad]", axes_with(*BOTH, xlabel="x"), 0, "The horizontal axis says something else; over"),
        ("y: accuracy", axes_with(*BOTH, ylabel="Genauigkeit"), 1, ""),
        ("y: accuracy", axes_with(*BOTH, ylabel="", title="Acc. of both"), 1, ""),
        ("y: accuracy", axes_with(*BOTH, ylabel="Loss"), 0, "The vertical axis does not say accuracy."),
        ("labels: true", axes_with(*BOTH), 1, ""),
        ("labels: true", axes_with(*BOTH, xlabel=" "), 0.5, "The horizontal axis has no label."),
        (
            "labels: true",
            axes_with(*BOTH, xlabel="", ylabel=""),
            0,
            "The horizontal and the vertical axis has no label.",
        ),
        ("legend: true", axes_with(*BOTH), 1, ""),
        ("legend: true", axes_with(*BOTH, legend=None, texts=["MLP", "CNN"]), 1, ""),
        (
            "legend: true",
            axes_with(*BOTH, legend=["MLP"]),
            0,
            "It does not say which curve is which; give it a legend.",
        ),
        ("title: true", axes_with(*BOTH, title="Both"), 1, ""),
        ("title: true", axes_with(*BOTH), 0, "It has no title."),
        ("y_range: [0, 1]", axes_with(curve("", EPOCHS, [30, 40, 50, 60])), 1, ""),
        (
            "y_range: [0, 1]",
            axes_with(curve("", EPOCHS, [30, 40, -50, 60])),
            0,
            "Its data leave the range from 0 to 1.",
        ),
        (
            "y_range: [0, 1]",
            axes_with(curve("", EPOCHS, [float("nan")] * 4)),
            0,
            "Its data leave the range from 0 to 1.",
        ),
        ("count: 2", axes_with(*BOTH), 0.5, "There are 1 plots; 2 are asked for."),
    ],
)
def test_one_demand(tmp_path: Path, options: str, drawn: dict[str, Any], fraction: float, message: str) -> None:
    result = judged(tmp_path, [figure(drawn)], options)
    assert result.fraction == fraction
    assert result.message.startswith(message)
    assert bool(result.message) == bool(message)


AGREES = "curves: 2, agrees_with: {file: history.json}"
NONE = "0 of 2 curves show the data of `history.json`."


@pytest.mark.parametrize(
    ("options", "drawn", "fraction", "message"),
    [
        ("", axes_with(*BOTH), 1, ""),
        ("", axes_with(*OVER_TIME), 1, ""),
        ("", axes_with(*(replaced | {"y": 100 * replaced["y"]} for replaced in BOTH)), 1, ""),
        ("", axes_with(*(curve("", [0.0, *EPOCHS], [0.1, *one["y"]]) for one in BOTH)), 1, ""),
        ("", axes_with(BOTH[0], curve("CNN", EPOCHS, [0.9, 0.9, 0.9, 0.9])), 0.75, "1 of 2 curves show the data of"),
        ("", axes_with(BOTH[0], BOTH[0]), 0.75, "1 of 2 curves show the data of"),
        ("", axes_with(curve("", EPOCHS[:3], MLP[:3]), curve("", EPOCHS[:3], CNN[:3])), 0.5, NONE),
        (", x: epochs", axes_with(*BOTH), 1, ""),
        (", x: epochs", axes_with(*(one | {"x": one["x"] - 1} for one in BOTH)), 1, ""),
        (
            ", x: epochs",
            axes_with(*OVER_TIME),
            2 / 3,
            "0 of 2 curves show the data of `history.json` over its `epochs`.",
        ),
        (", x: time", axes_with(*OVER_TIME, xlabel="time"), 1, ""),
        (", x: time", axes_with(*(one | {"x": one["x"] / 60} for one in OVER_TIME), xlabel="time in minutes"), 1, ""),
        (", x: time", axes_with(*(one | {"x": one["x"] - one["x"][0]} for one in OVER_TIME), xlabel="time"), 1, ""),
        (
            ", x: time",
            axes_with(*BOTH, xlabel="time"),
            2 / 3,
            "0 of 2 curves show the data of `history.json` over its `seconds`.",
        ),
    ],
)
def test_agreement_with_a_history(tmp_path: Path, options: str, drawn: Any, fraction: float, message: str) -> None:
    result = judged(tmp_path, [figure(drawn)], AGREES + options)
    assert result.fraction == pytest.approx(fraction)
    assert result.message.startswith(message)


def test_runs_with_the_same_accuracies_are_told_by_their_clocks(tmp_path: Path) -> None:
    """The same network on CPU and GPU: the accuracies are the same, and only the seconds differ."""
    runs = [
        {"device": name, "seconds": TIMES[model], "test_accuracy": MLP}
        for name, model in (("cpu", "CNN"), ("gpu", "MLP"))
    ]
    drawn = axes_with(curve("GPU", TIMES["MLP"], MLP), curve("CPU", TIMES["CNN"], MLP), xlabel="seconds")
    assert judged(tmp_path, [figure(drawn)], f"{AGREES}, x: time", {"runs": runs}).fraction == 1


def test_agreement_over_any_list_that_is_named(tmp_path: Path) -> None:
    options = "agrees_with: {file: history.json, quantity: tpr, x: fpr}"
    fpr, tpr = [0.0, 0.0, 0.4, 1.0], [0.0, 0.5, 0.8, 1.0]
    history = {"fpr": fpr, "tpr": tpr}
    assert judged(tmp_path, [figure(axes_with(curve("", fpr, tpr)))], options, history).fraction == 1
    result = judged(tmp_path, [figure(axes_with(curve("", EPOCHS, tpr)))], options, history)
    assert verdict(result) == (0.0, "0 of 1 curves show the data of `history.json` over its `fpr`.")
    none = judged(tmp_path, [figure(axes_with(curve("", fpr, tpr)))], options, {"tpr": tpr})
    assert verdict(none) == (0.0, "It cannot be compared with `history.json`: run 1 has no `fpr`.")


def test_a_part_of_the_history_may_be_meant(tmp_path: Path) -> None:
    options = "agrees_with: {file: history.json, run: {model: CNN}}"
    assert judged(tmp_path, [figure(axes_with(BOTH[1]))], options).fraction == 1
    assert judged(tmp_path, [figure(axes_with(BOTH[0]))], options).fraction == 0
    none = judged(tmp_path, [GOOD], "agrees_with: {file: history.json, run: {model: RNN}}")
    assert verdict(none) == (0.0, "`history.json` has no run to compare it with.")


@pytest.mark.parametrize("history", [Failure("missing", "no such file"), "x", {"runs": [{"test_accuracy": ["a"]}]}, 3])
def test_a_history_that_cannot_be_read(tmp_path: Path, history: Any) -> None:
    result = judged(tmp_path, [GOOD], "agrees_with: {file: history.json}", history)
    assert result.fraction == 0
    assert result.message.startswith("It cannot be compared with `history.json`: ")


def test_agreement_with_variables(tmp_path: Path) -> None:
    exercise = make_exercise(tmp_path, "", "figure: f, agrees_with: {variable: errors}")
    for value, fraction in ((MLP, 1), (np.array([MLP, CNN]), 1), ([0.9] * 4, 0), (None, 0), (Failure("missing"), 0)):
        result = judge_seen(exercise, {FIGURES: [GOOD], Probe("value", "errors"): value})["f"]
        assert result.fraction == fraction


def test_the_same_accuracies_in_both_plots(tmp_path: Path) -> None:
    options = "x: time, same_as: epochs"
    assert verdict(judged(tmp_path, [GOOD, TIMED], options)) == (1.0, "")
    both = figure(axes_with(*BOTH), axes_with(*OVER_TIME, xlabel="time", place=[0.5, 0.1, 0.4, 0.8]))
    assert judged(tmp_path, [both], options).fraction == 1
    alone = judged(tmp_path, [TIMED], options)
    assert verdict(alone) == (0.5, "There is no plot over epochs to compare it with.")
    other = figure(axes_with(BOTH[0], curve("CNN", EPOCHS, [0.1, 0.2, 0.3, 0.4])))
    assert judged(tmp_path, [other, TIMED], options).fraction == 0.75


def test_twins_are_one_plot_and_a_figure_of_two_is_one_too(tmp_path: Path) -> None:
    twins = figure(axes_with(BOTH[0], legend=["MLP"]), axes_with(BOTH[1], legend=["CNN"], ylabel="CNN"))
    assert verdict(judged(tmp_path, [twins], "curves: 2, legend: true, labels: true")) == (1.0, "")
    side = figure(
        axes_with(BOTH[0], legend=None, title="MLP"), axes_with(BOTH[1], legend=None, title="CNN", place=[0.5, 0, 1, 1])
    )
    assert verdict(judged(tmp_path, [side], "curves: 2, legend: true, labels: true, x: epochs, count: 2")) == (1.0, "")


@pytest.mark.parametrize(
    ("figures", "message"),
    [
        ([], "No figure with data was drawn."),
        ([figure(axes_with())], "No figure with data was drawn."),
        (["x", None, {"axes": [3]}, {"axes": [{"curves": [1, {"x": 1}]}]}], "No figure with data was drawn."),
        (Failure("not_run", "the run ended"), "No figure could be looked at: the run ended."),
        (Failure("raised", "x"), "No figure could be looked at: x."),
    ],
)
def test_no_figure(tmp_path: Path, figures: Any, message: str) -> None:
    for options in ("curves: 1", "labels: true, x: epochs, y: accuracy, legend: true"):
        result = judged(tmp_path, figures, options)
        assert result.status is Status.FAILED
    assert judged(tmp_path, figures, "curves: 1").message == message


def test_which_plot_was_judged_is_told(tmp_path: Path) -> None:
    result = judged(tmp_path, [TIMED, GOOD], "x: epochs, title: true")
    assert verdict(result) == (0.5, "Judged was figure 2, which fits best.\nIt has no title.")


def test_an_authors_mistakes(tmp_path: Path) -> None:
    with pytest.raises(CourseError) as caught:
        make_course(tmp_path, "", "figure: a, agrees_with: {}, curves: 0", "figure: b, x: time, same_as: time")
    text = str(caught.value)
    assert "agrees_with: needs either `file` or `variable`" in text
    assert "same_as: is a plot over time itself" in text
    assert "curves: should be at least 1" in text


# --- from the notebook to the verdict -----------------------------------------------------------------------

PLOT = f"""
import json, matplotlib.pyplot as plt
runs = json.load(open("history.json"))["runs"]
for x in ("epochs", "seconds"):
    for run in runs:
        plt.plot(run[x], run["test_accuracy"], label=run["model"])
    plt.xlabel("Epoch" if x == "epochs" else "Time (s)"); plt.ylabel("Test accuracy"); plt.legend(); plt.show()
    {"plt.close()"}
"""


@pytest.mark.parametrize("form", ["module", "notebook"])
def test_plots_of_a_history_are_judged_end_to_end(sandbox: Sandbox, form: str, tmp_path: Path) -> None:
    files = (("history.json", json.dumps(HISTORY).encode()),)
    probes = (FIGURES, FILE)
    job = replace(module(PLOT) if form == "module" else notebook(PLOT), files=files, probes=probes)
    seen: dict[Probe, Plain | Failure] = {one.probe: one.value for one in execute(job, sandbox).observations}
    right = make_exercise(
        tmp_path, "", "figure: f, curves: [MLP, CNN], x: time, labels: true, legend: true, same_as: epochs, "
        "agrees_with: {file: history.json}, count: 2"
    )  # fmt: skip
    assert verdict(judge_seen(right, seen)["f"]) == (1.0, "")
    changed = json.loads(json.dumps(HISTORY))
    changed["runs"][0]["test_accuracy"][2] = 0.9
    other = Array("uint8", (len(json.dumps(changed)),), json.dumps(changed).encode(), "file")
    assert judge_seen(right, {**seen, FILE: other})["f"].fraction == pytest.approx(13 / 14)
