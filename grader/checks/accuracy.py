"""The kind ``accuracy``: how well something classifies examples whose labels only the grader knows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, cast

import numpy as np
from pydantic import Field, model_validator

from grader.checks.calling import Sent, call_probe, outcomes
from grader.checks.case import Case, StandsAlone, Verdict, unknown, verdict
from grader.checks.crossing import to_plain
from grader.checks.describing import read
from grader.checks.predictions import Accuracy, Classes, UnusableError, accuracy_of, classes, read_share, shift_of
from grader.checks.refusals import clean, raised, why_no_model
from grader.course import CheckOptions, CreditOptions
from grader.model import Failure, Plain, Probe
from grader.reference import Evaluation, Misconception, Reference

#: A misconception is named where at least this share of the predictions is its own.
_ALIKE = 0.99


class AccuracyOptions(CreditOptions):
    """Judges how many examples are classified rightly, by labels that never enter the student's process.

    - ``accuracy``: a name for what is judged; where neither ``predict`` nor ``network`` is given, of the student's
      variable that holds predictions.
    - ``data``: cases that yield ``(inputs, labels)``, or more inputs and the labels last; or a quantity that is such a
      tuple, or the labels alone. Only inputs are sent.
    - ``predict``: the student's function or method that is called with the inputs, as in ``svm.predict``.
    - ``network``: the student's torch module or Keras model as the code that was handed in left it, or with ``weights``
      a class or function that makes one. It is put into eval mode and run on the inputs.
    - ``weights``: the name of a .safetensors file that is loaded into ``network``, a torch module, first.
    - ``arguments``: what to construct ``network`` with.
    - ``prepare``: a trial of the reference, by which the student's function that it tries, such as a loader, makes the
      inputs of ``network``: whichever way it scales them, the network was trained with that.
    - ``bands``: which fraction is earned from which accuracy on, as ``[[0.9, 1.0], [0.7, 0.5]]``; or a quantity of the
      reference that is such a list, where bands differ from data set to data set.
    - ``z``: how many standard deviations of doubt count for the student.
    - ``shifted``: share of the fraction that is earned where all classes are counted from another number than they
      should be (1 to 12 in place of 0 to 11); it is named in any case.
    - ``claim``: in place of ``bands``: the name under which the student reports the accuracy, as ``0.97`` or ``97``. It
      is right within the interval of the recomputed one and ``claim_tolerance``. From where the classes are counted
      does not matter to it.
    - ``claim_tolerance``: as a share; 0.005 is half a point.
    - ``modest``: a claim that is too low is right as well: where other examples than the student's own are used to see
      whether it promises too much.
    - ``credit``: share earned in spite of a named misconception, as ``{name: fraction}``.

    Predictions may be class numbers, or scores of the classes (logits, probabilities, one-hot), whose largest counts.

    A band is reached when the upper end of Wilson's interval of the accuracy reaches it. So chance, in which examples
    were drawn, costs nobody a band: whose true accuracy lies at a band misses it in about one case in forty with the
    usual ``z``, and ``z: 0`` compares the plain accuracy. Whoever is better never gets less.

    Weights are read from .safetensors files only: pickles (.pt, .pth) run code when they are opened. What predicts is
    not looked at: a table of the examples, where these can be known, would do. Draw inputs that cannot.
    """

    accuracy: str
    data: str
    predict: str | None = None
    weights: str | None = None
    network: str | None = None
    arguments: list[Any] = Field(default_factory=list)
    prepare: str | None = None
    bands: list[tuple[float, float]] | str = Field(default_factory=list)
    z: float = Field(default=1.96, ge=0, le=5)
    shifted: float = Field(default=0.0, ge=0, le=1)
    claim: str | None = None
    claim_tolerance: float = Field(default=0.005, ge=0, le=1)
    modest: bool = False

    @model_validator(mode="before")
    @classmethod
    def _identified(cls, data: Any) -> Any:
        if isinstance(data, dict) and data.get("claim") and data.get("accuracy") and not data.get("id"):
            return {**data, "id": data["claim"]}
        return data

    @property
    def subject(self) -> str:
        """The name of what is judged."""
        return self.accuracy

    @property
    def source(self) -> str:
        """Where predictions come from, in words for a student."""
        return f"`{self.predict or self.network or self.accuracy}`"


class AccuracyKind(StandsAlone):
    """Judges predictions by the share that is right, or a claim by that share."""

    name = "accuracy"
    options: type[CheckOptions] = AccuracyOptions

    def probes(self, options: CheckOptions, truth: Evaluation) -> tuple[Probe, ...]:
        """Return the probe for the predictions, and the one for the claim."""
        checked = cast("AccuracyOptions", options)
        claim = (Probe("value", checked.claim),) if checked.claim else ()
        return (_probe(checked, truth, [inputs for inputs, _ in _data(checked, truth)]), *claim)

    def problems(self, options: CheckOptions, reference: Reference) -> list[str]:
        """Return what is wrong with the options."""
        return list(_problems(cast("AccuracyOptions", options), reference))

    def judge(self, options: CheckOptions, case: Case) -> Verdict:
        """Return the verdict. Raises what drawing the data raises."""
        checked = cast("AccuracyOptions", options)
        data = _data(checked, case.truth)
        labels = np.concatenate([one for _, one in data])
        try:
            predicted = _predicted(checked, case, data)
        except UnusableError as error:
            return verdict(self.name, options, 0.0, str(error))
        if checked.claim:
            # Who counts classes from 1 counts them so in the labels, too; that costs where the classes are judged.
            found = accuracy_of(predicted - shift_of(predicted, labels), labels, checked.z)
            return _judge_claim(checked, case.seen(Probe("value", checked.claim)), found, case.reason)
        return _judge_bands(checked, case.truth, data, predicted, accuracy_of(predicted, labels, checked.z))


ACCURACY = AccuracyKind()


def _problems(options: AccuracyOptions, reference: Reference) -> Iterator[str]:
    known = {*reference.cases, *reference.nodes}
    if options.data not in known:
        yield unknown("data", options.data, "cases or quantity", reference, known)
    for name in options.credit:
        if name not in reference.misconceptions:
            yield unknown("credit", name, "misconception", reference, reference.misconceptions)
    if options.prepare and options.prepare not in reference.trials:
        yield unknown("prepare", options.prepare, "trial", reference, reference.trials)
    if isinstance(options.bands, str) and options.bands not in reference.nodes:
        yield unknown("bands", options.bands, "quantity", reference, reference.nodes)
    bands = [] if isinstance(options.bands, str) else options.bands
    shares = [number for band in bands for number in band]
    ladder = [fraction for _, fraction in sorted(bands)]
    weights = options.weights or ".safetensors"
    rules = {
        "bands: give either `bands` or `claim`; make two checks to judge both": bool(options.bands)
        != bool(options.claim),
        "predict: give either `predict` or `network`": not (options.predict and options.network),
        "weights: `network` is missing, the model that they belong to": bool(options.network) or not options.weights,
        "prepare: `network` is missing, whose inputs it makes": bool(options.network) or not options.prepare,
        f"weights: {weights} should end in .safetensors; nothing else is read": weights.endswith(".safetensors"),
        "bands: accuracies and fractions should lie between 0 and 1": all(0 <= one <= 1 for one in shares),
        "bands: a higher accuracy earns less; turn the fractions round": ladder == sorted(ladder),
    }
    yield from (message for message, holds in rules.items() if not holds)


# Data and predictions


def _data(options: AccuracyOptions, truth: Evaluation) -> list[tuple[tuple[Any, ...], Classes]]:
    """Return inputs and labels, one pair for each case."""
    if options.data in truth.reference.cases:
        drawn = list(truth.cases(options.data))
    else:
        value = truth.value(options.data)
        drawn = [value if isinstance(value, tuple) else (value,)]
    if not drawn:
        raise ValueError(f"the cases `{options.data}` draw nothing")
    return [(tuple(one[:-1]), _labels(options.data, one[-1])) for one in drawn]


def _labels(name: str, value: Any) -> Classes:
    labels = np.asarray(value.detach() if hasattr(value, "detach") else value)
    if labels.ndim != 1 or labels.dtype.kind not in "biu" or len(labels) == 0:
        raise TypeError(f"`{name}` should yield labels as a row of integers; found {labels.shape} of {labels.dtype}")
    return labels.astype(np.int64)


def _probe(options: AccuracyOptions, truth: Evaluation, inputs: Sequence[tuple[Any, ...]]) -> Probe:
    if options.predict:
        return call_probe(options.predict, [Sent(args=to_plain(one)) for one in inputs])
    if options.network:
        arguments = {
            "arguments": to_plain(options.arguments),
            "cases": to_plain([list(one) for one in inputs]),
            "weights": options.weights,
        }
        if options.prepare:
            trial = truth.reference.trials[options.prepare]
            arguments["prepare"] = {"name": trial.target, "trial": trial.name, "source": trial.source}
        return Probe("model", options.network, arguments)
    return Probe("value", options.accuracy)


def _predicted(options: AccuracyOptions, case: Case, data: Sequence[tuple[tuple[Any, ...], Classes]]) -> Classes:
    """Return one class for each example. Raises UnusableError."""
    found = case.seen(_probe(options, case.truth, [inputs for inputs, _ in data]))
    if options.predict:
        results = _from_calls(options, found, len(data), case.reason)
        name = f"What {options.source} gives"
    elif options.network:
        results = _from_model(options, found, len(data), case.reason)
        name = f"What {options.source} gives"
    else:
        results = [_from_value(options, found, case.reason)]
        data = [((), np.concatenate([labels for _, labels in data]))]
        name = options.source
    return np.concatenate([classes(name, one, labels) for one, (_, labels) in zip(results, data, strict=True)])


def _from_calls(options: AccuracyOptions, found: Plain | Failure, count: int, reason: str) -> list[Plain]:
    results = outcomes(cast("str", options.predict), found, count)
    if isinstance(results, str):
        raise UnusableError("\n".join(filter(None, (results, reason if isinstance(found, Failure) else ""))))
    stopped = next((one for one in results if one.raised), None)
    if stopped:
        raise UnusableError(f"{options.source} {raised(stopped.raised, stopped.message)}.")
    return [one.value for one in results]


def _from_model(options: AccuracyOptions, found: Plain | Failure, count: int, reason: str) -> list[Plain]:
    problem = why_no_model(cast("str", options.network), options.arguments, found)
    if problem:
        raise UnusableError("\n".join(filter(None, (problem, reason if isinstance(found, Failure) else ""))))
    try:
        model = read(cast("Mapping[str, Any]", found), count)
    except ValueError:
        raise UnusableError(f"Looking at {options.source} gave no valid answer.") from None
    if model.stopped:
        raise UnusableError(f"{options.source} {raised(model.stopped.error, model.stopped.message)}.")
    return list(cast("Mapping[str, Any]", found)["outputs"])


def _from_value(options: AccuracyOptions, found: Plain | Failure, reason: str) -> Plain:
    if not isinstance(found, Failure):
        return found
    words = {
        "missing": "is not defined at the end of the run",
        "too_large": "is too large to look at",
        "not_run": f"was never reached: {found.message or 'the run ended before'}",
    }
    message = f"{options.source} {words.get(found.kind, f'cannot be read: {clean(found.message)}')}."
    raise UnusableError(f"{message}\n{reason}" if reason and found.kind in {"missing", "not_run"} else message)


# Judging


def _judge_bands(
    options: AccuracyOptions,
    truth: Evaluation,
    data: Sequence[tuple[tuple[Any, ...], Classes]],
    predicted: Classes,
    found: Accuracy,
) -> Verdict:
    judged = partial(verdict, "accuracy", options)
    bands = truth.value(options.bands) if isinstance(options.bands, str) else options.bands
    fraction = reached(bands, found)
    message = f"Accuracy {found}."
    if fraction >= 1:
        return judged(1.0, message)
    labels = np.concatenate([one for _, one in data])
    named = _misconception(options, truth, data, predicted)
    if named:
        fraction = max(fraction, options.credit.get(named.id, 0.0))
        return judged(fraction, named.message, evidence=message, misconception=named.id)
    shift = shift_of(predicted, labels)
    if shift:
        there = accuracy_of(predicted - shift, labels, options.z)
        fraction = max(fraction, options.shifted * reached(bands, there))
        what = (
            f"Your classes are counted from one too {'high' if shift > 0 else 'low'}: shifted by one, the accuracy is "
        )
        return judged(fraction, f"{what}{there}; as they are, it is {found.share:.3f}.", evidence=message)
    if len(labels) > 1 and len(set(predicted.tolist())) == 1 < len(set(labels.tolist())):
        message += f" All examples are given one and the same class, {predicted[0]}."
    steps = sorted(share for share, earned in bands if earned > fraction)
    return judged(fraction, f"{message} The next step is at {steps[0]:g}." if steps else message)


def reached(bands: Sequence[tuple[float, float]], found: Accuracy) -> float:
    """Return the largest fraction whose band the upper end of the interval reaches; 0 below all."""
    return max((fraction for share, fraction in bands if found.high >= share), default=0.0)


def _judge_claim(options: AccuracyOptions, seen: Plain | Failure, found: Accuracy, reason: str) -> Verdict:
    judged = partial(verdict, "accuracy", options)
    if isinstance(seen, Failure) or seen is None:
        message = f"`{options.claim}` is not there: report the accuracy under this name."
        return judged(0.0, f"{message}\n{reason}" if reason else message)
    claimed = read_share(seen)
    if claimed is None:
        return judged(0.0, f"`{options.claim}` should be an accuracy between 0 and 1, or in percent.")
    slack = options.claim_tolerance
    if (options.modest or found.low - slack <= claimed) and claimed <= found.high + slack:
        return judged(1.0)
    message = f"You report {claimed:.3f}; recomputed, the accuracy is {found}."
    if claimed > found.high:
        message += " Was it measured on examples that were used for training?"
    return judged(0.0, message)


def _misconception(
    options: AccuracyOptions,
    truth: Evaluation,
    data: Sequence[tuple[tuple[Any, ...], Classes]],
    predicted: Classes,
) -> Misconception | None:
    """Return the known mistake that makes the same predictions, called with the same inputs."""
    for wrong in truth.reference.misconceptions.values():
        if wrong.target not in {options.predict, options.accuracy}:
            continue
        try:
            own = _predicted_by(wrong.function, data)
        except Exception:  # noqa: BLE001, S112 - a wrong version may fail in any way; then it is not what was found
            continue
        if float(np.mean(own == predicted)) >= _ALIKE:
            return wrong
    return None


def _predicted_by(function: Callable[..., Any], data: Sequence[tuple[tuple[Any, ...], Classes]]) -> Classes:
    return np.concatenate([classes("it", to_plain(function(*inputs)), labels) for inputs, labels in data])
