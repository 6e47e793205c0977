"""Reading an author's YAML: every problem at once, each with file, line, key and the nearest known key."""

from __future__ import annotations

import hashlib
import types
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from difflib import get_close_matches
from pathlib import Path
from typing import Any, TypeVar, Union, get_args, get_origin

import yaml
from pydantic import BaseModel, ValidationError

from grader.errors import CourseError, Problem

Location = tuple[int | str, ...]
Model = TypeVar("Model", bound=BaseModel)
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True, slots=True)
class YamlFile:
    """A parsed file: its data, the line of every key and item, and the hash of its bytes."""

    path: Path
    data: Any
    lines: Mapping[Location, int]
    sha256: str

    def problem(self, location: Location, message: str) -> Problem:
        """Return a Problem at ``location``, a path of keys and indices; the nearest known line is named."""
        near = location
        while near and near not in self.lines:
            near = near[:-1]
        key = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in location).lstrip(".")
        line = self.lines.get(near, 1)
        return Problem(f"{self.path}:{line}", f"{key}: {message}" if key else message)


def read_yaml(path: Path) -> YamlFile:
    """Return the parsed file. Raises CourseError when it cannot be read, is no YAML, or repeats a key."""
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise CourseError([Problem(str(path), f"cannot be read ({error.strerror}); write this file")]) from None
    lines: dict[Location, int] = {}
    repeated: list[Problem] = []
    try:
        loader = _Loader(raw)
        root = loader.get_single_node()
        if root is not None:
            _walk(root, (), lines, repeated, path)
        data = None if root is None else loader.construct_document(root)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        place = f"{path}:{mark.line + 1}" if mark else str(path)
        raise CourseError([Problem(place, f"is not YAML: {error.problem}")]) from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise CourseError([Problem(str(path), f"is not YAML: {error}")]) from None
    if repeated:
        raise CourseError(repeated)
    return YamlFile(path, data, lines, hashlib.sha256(raw).hexdigest())


def _walk(node: yaml.Node, location: Location, lines: dict[Location, int], repeated: list[Problem], path: Path) -> None:
    lines.setdefault(location, node.start_mark.line + 1)
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            place = (*location, str(key.value))
            if place in lines:
                first = lines[place]
                message = f"key `{key.value}` stands here a second time (first in line {first}); keep one"
                repeated.append(Problem(f"{path}:{key.start_mark.line + 1}", message))
            lines[place] = key.start_mark.line + 1
            _walk(value, place, lines, repeated, path)
    elif isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            _walk(item, (*location, index), lines, repeated, path)


def validated(model: type[Model], file: YamlFile, data: Any = None, at: Location = ()) -> Model | list[Problem]:
    """Return ``data`` (default: the whole file) as ``model``, or the problems found; ``at`` is where data stands."""
    data = file.data if data is None and not at else data
    if not isinstance(data, Mapping):
        return [file.problem(at, f"should be a mapping of keys to values, found {_kind(data)}")]
    try:
        return model.model_validate(data)
    except ValidationError as error:
        return [_problem(model, file, at, detail) for detail in error.errors(include_url=False)]


def _problem(model: type[BaseModel], file: YamlFile, at: Location, detail: Any) -> Problem:
    location: Location = tuple(part for part in detail["loc"] if part != "[key]")
    place = (*at, *location)
    if detail["type"] == "extra_forbidden":
        known = _known_keys(model, location[:-1])
        near = get_close_matches(str(location[-1]), known, n=1)
        hint = f"did you mean `{near[0]}`?" if near else f"known here: {', '.join(sorted(known))}"
        return file.problem(place, f"unknown key; {hint}")
    if detail["type"] == "missing":
        return file.problem(place, "is missing")
    message = str(detail["msg"]).removeprefix("Value error, ").removeprefix("Input ")
    found = detail["input"]
    if isinstance(found, bool) and detail["type"] == "string_type":
        message += " (YAML reads yes, no, on and off as true and false: put the word in quotes)"
    hint = (
        "; write the time zone behind it, as in 2025-11-12T09:00:00+01:00" if detail["type"] == "timezone_aware" else ""
    )
    return file.problem(place, f"{message}, found {_kind(found)}{hint}")


def _kind(value: Any) -> str:
    if isinstance(value, Mapping):
        return "a mapping"
    if isinstance(value, list):
        return "a list"
    if isinstance(value, date):
        return str(value)
    return "nothing" if value is None else repr(value)


def _known_keys(model: type[BaseModel], location: Location) -> set[str]:
    current: Any = model
    for part in location:
        current = _inner(current, part)
    models = [one for one in _options(current) if isinstance(one, type) and issubclass(one, BaseModel)]
    return {field.alias or name for one in models for name, field in one.model_fields.items()}


def _options(annotation: Any) -> list[Any]:
    """Return the members of a union, without None; the annotation itself if it is none."""
    members = get_args(annotation) if get_origin(annotation) in {Union, types.UnionType} else (annotation,)
    return [member for member in members if member is not type(None)]


def _inner(annotation: Any, part: int | str) -> Any:
    for option in _options(annotation):
        if isinstance(option, type) and issubclass(option, BaseModel):
            field = option.model_fields.get(str(part))
            if field is not None:
                return field.annotation
        elif get_args(option):
            return get_args(option)[-1] if isinstance(part, str) else get_args(option)[0]
    return None
