"""Checks that a bundle makes in the open, since they need no secret: what is left of each, and the inputs they take."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, cast

from grader.checks.cost import CostOptions
from grader.checks.gradient import GradientOptions
from grader.checks.model import ModelOptions
from grader.course import Check
from grader.reference import Evaluation
from grader.release.public_reference import NOTHING, Public, drawn_alike, parameters, written_out


class NotReleasableError(ValueError):
    """Why a check cannot be made at home, for the author."""


def opened(check: Check, truth: Evaluation, public: Public) -> dict[str, Any]:
    """Return the options of the open check, after adding what it needs to ``public``.

    ``truth`` draws the inputs, which become public: its hidden seed must be nobody's. Raises NotReleasableError.
    """
    make = _OPENED.get(check.kind.name)
    if make is None:
        raise NotReleasableError(f"a check of the kind `{check.kind.name}` holds what is right")
    try:
        return make(check, truth, public)
    except ValueError as error:
        raise NotReleasableError(str(error)) from error


def _plainly(check: Check, _truth: Evaluation, _public: Public) -> dict[str, Any]:
    return _kept(check)


def _files(check: Check, _truth: Evaluation, _public: Public) -> dict[str, Any]:
    return _kept(check, "deadline", "time_zone")  # when a file was saved is not when it is handed in


def _declaration(check: Check, _truth: Evaluation, _public: Public) -> dict[str, Any]:
    return {**_kept(check), "alone": True}


def _kept(check: Check, *left_out: str) -> dict[str, Any]:
    """Return the options of a check but for its points, and those that are ``left_out``."""
    without = {"points", "self_check", *left_out}
    options = check.options.model_dump(mode="json", exclude_defaults=True, exclude=without)
    return {**options, "id": check.id}


def _gradient(check: Check, truth: Evaluation, public: Public) -> dict[str, Any]:
    options = cast("GradientOptions", check.options)
    reference = truth.reference
    names = [
        name
        for name, one in reference.cases.items()
        if one.target == options.gradient and options.cases in {None, name}
    ]
    functions = {name: parameters(reference, name) for name in (options.gradient, options.of)}
    public.cases.update({name: (options.gradient, written_out(drawn_inputs(name, truth))) for name in names})
    public.functions.update(functions)
    return {**_kept(check, "credit", "follow_through"), "own": True}


def drawn_inputs(name: str, truth: Evaluation) -> tuple[Any, ...]:
    """Return the inputs that the cases ``name`` draw at random. Raises ValueError where they are always the same."""
    if "rng" not in truth.reference.cases[name].needs:
        raise ValueError("its inputs are the same for everybody, and would then be known")
    return inputs_of(name, truth)


def inputs_of(name: str, truth: Evaluation) -> tuple[Any, ...]:
    """Return the inputs that the cases ``name`` draw. Raises ValueError where answers go into them."""
    secret = set(truth.reference.cases[name].needs) & set(truth.reference.quantities)
    if secret:
        raise ValueError(f"its inputs are made from answers ({', '.join(sorted(secret))})")
    return truth.cases(name)


def _model(check: Check, truth: Evaluation, public: Public) -> dict[str, Any]:
    options = cast("ModelOptions", check.options)
    if options.aspect in {"layers", "parameters", "function"} and not options.properties:
        raise ValueError(f"its {options.aspect} are judged by what is right")
    if options.aspect == "shapes" and options.shape is None:
        raise ValueError("its shapes are judged by the reference's")
    cases = truth.reference.cases
    name = options.cases or next(name for name, one in cases.items() if one.target == options.right)
    public.cases[name] = NOTHING, drawn_alike(inputs_of(name, truth))
    public.functions[NOTHING] = ()
    secret = ("credit", "accept", "function", "layers", "parameters", "reveal", "cases", "same_function")
    kept = {**_kept(check, *secret), "cases": name, "same_function": False, "reveal": False}
    return {**kept, "aspect": "output"} if options.aspect in {"layers", "parameters", "function"} else kept


def _cost(check: Check, _truth: Evaluation, _public: Public) -> dict[str, Any]:
    options = cast("CostOptions", check.options)
    if options.function:
        raise ValueError("it is judged by the reference's network")
    return _kept(check, "credit")


_OPENED: Mapping[str, Callable[[Check, Evaluation, Public], dict[str, Any]]] = {
    **dict.fromkeys(("source", "runs", "curve", "figure"), _plainly),
    "files": _files,
    "declaration": _declaration,
    "gradient": _gradient,
    "model": _model,
    "cost": _cost,
}
