"""Reading a rubric: criteria, points and checks, against the kinds of check and the reference."""

from __future__ import annotations

import re
from collections.abc import Mapping
from difflib import get_close_matches
from math import fsum, isclose
from pathlib import Path
from typing import Any

from grader.course.kinds import CheckOptions, CreditOptions, Kind
from grader.course.schema import CriterionFile, RubricFile
from grader.course.types import Check, Criterion, Rubric
from grader.errors import CourseError, Problem
from grader.reference import Reference
from grader.yamlfile import Location, YamlFile, read_yaml, validated


def load_rubric(path: Path, kinds: Mapping[str, Kind], reference: Reference | None) -> Rubric:
    """Return the rubric at ``path``.

    Without a ``reference`` (it did not load) what refers to it goes unchecked. Raises CourseError with every problem:
    unknown keys and kinds, points that do not add up, checks of names that the reference does not define, two checks
    or criteria with one id.
    """
    file = read_yaml(path)
    rubric = validated(RubricFile, file)
    if isinstance(rubric, list):
        raise CourseError(rubric)
    defaults, problems = _read_defaults(file, rubric, kinds)
    criteria = []
    for index, entry in enumerate(rubric.criteria):
        place: Location = ("criteria", index)
        checks = []
        for position, data in enumerate(entry.checks):
            check = _read_check(file, (*place, "checks", position), data, defaults, kinds)
            if isinstance(check, Check):
                checks.append(check)
                found = check.kind.problems(check.options, reference) if reference else []
                if isinstance(check.options, CreditOptions):
                    found = [*found, *check.options.credit_problems()]
                problems += [file.problem((*place, "checks", position), message) for message in found]
            else:
                problems += check
        problems += _points_problems(file, place, entry, checks)
        identifier = entry.id or re.sub(r"[^a-z0-9]+", "_", entry.title.lower()).strip("_") or f"criterion_{index + 1}"
        criteria.append(Criterion(identifier, entry.title, entry.points, tuple(checks)))
    problems += _repeated(file, criteria)
    if problems:
        raise CourseError(problems)
    return Rubric(rubric.title, tuple(criteria), file.sha256)


def _read_defaults(
    file: YamlFile, rubric: RubricFile, kinds: Mapping[str, Kind]
) -> tuple[dict[str, dict[str, Any]], list[Problem]]:
    """Return the usable defaults of each kind, and what is wrong with the others, said once and where they stand."""
    usable: dict[str, dict[str, Any]] = {}
    problems: list[Problem] = []
    for name, options in rubric.defaults.items():
        if name not in kinds:
            problems.append(file.problem(("defaults", name), _unknown_kind(name, kinds)))
            continue
        usable[name] = {}
        for key, value in options.items():
            # One key alone lacks others, which the checks will have; only what is wrong with the key itself counts.
            found = validated(kinds[name].options, file, {key: value}, ("defaults", name))
            wrong = (
                [one for one in found if not one.message.endswith(": is missing")] if isinstance(found, list) else []
            )
            problems += wrong
            if not wrong:
                usable[name][key] = value
    return usable, problems


def _read_check(
    file: YamlFile,
    place: Location,
    data: Mapping[str, Any],
    defaults: Mapping[str, Mapping[str, Any]],
    kinds: Mapping[str, Kind],
) -> Check | list[Problem]:
    found = {key: kinds[key] for key in data if key in kinds}
    # An option of one kind may have the name of another kind, as `runs` of a curve.
    options_of = {key: set(kind.options.model_fields) - {kind.name} for key, kind in found.items()}
    named = [key for key in found if not any(key in options_of[other] for other in found if other != key)]
    if len(named) != 1:
        if named:
            return [file.problem(place, f"names two kinds of check ({', '.join(named)}); make two checks of it")]
        words = [str(key) for key in data if key not in CheckOptions.model_fields]
        first = next((word for word in words if get_close_matches(word, kinds, n=1)), next(iter(words), ""))
        return [file.problem(place, f"names no kind of check; {_unknown_kind(first, kinds)}")]
    kind = kinds[named[0]]
    options = validated(kind.options, file, {**defaults.get(kind.name, {}), **data}, place)
    if isinstance(options, list):
        return options
    return Check(options.id or options.subject, kind, options, options.points)


def _unknown_kind(name: str, kinds: Mapping[str, Kind]) -> str:
    near = get_close_matches(name, kinds, n=1)
    hint = f"did you mean `{near[0]}`?" if near else f"known kinds: {', '.join(sorted(kinds))}"
    return f"unknown kind `{name}`; {hint}" if name else hint


def _points_problems(file: YamlFile, place: Location, entry: CriterionFile, checks: list[Check]) -> list[Problem]:
    total = fsum(check.points for check in checks)
    if len(checks) < len(entry.checks) or isclose(total, entry.points, abs_tol=1e-9):
        return []
    message = f"the criterion is worth {entry.points:g} points, but its checks add up to {total:g}; make them agree"
    return [file.problem((*place, "points"), message)]


def _repeated(file: YamlFile, criteria: list[Criterion]) -> list[Problem]:
    problems = []
    seen: set[str] = set()
    for index, criterion in enumerate(criteria):
        if criterion.id in {other.id for other in criteria[:index]}:
            message = f"a second criterion with id `{criterion.id}`; give it another `id`"
            problems.append(file.problem(("criteria", index), message))
        for position, check in enumerate(criterion.checks):
            if check.id in seen:
                place: Location = ("criteria", index, "checks", position)
                problems.append(file.problem(place, f"a second check with id `{check.id}`; give it another `id`"))
            seen.add(check.id)
    return problems
