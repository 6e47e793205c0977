"""The reference of a bundle: written anew from what is public, never cut out of the author's: a cut could leak."""

from __future__ import annotations

import inspect
import keyword
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from grader.checks.crossing import to_plain
from grader.model import Array, Plain
from grader.reference import Evaluation, Reference
from grader.starters import literal

#: Inputs that are written out may take as many characters.
MOST_CHARACTERS = 200_000
#: What inputs belong to that no function of the task is drawn for.
NOTHING = "nothing"

_HEAD = '''\
"""What is public of the exercise `{exercise}`; `grade release` made this file, and the answers are not in it."""

{imports}from grader import {names}
'''


@dataclass(slots=True)
class Public:
    """What a bundle's reference holds, as Python source by name.

    ``quantities`` are the names that each is calculated from, ``functions`` the parameters of each, ``cases`` the
    target of each with the lines of its body.
    """

    givens: dict[str, str] = field(default_factory=dict)
    quantities: dict[str, Sequence[str]] = field(default_factory=dict)
    functions: dict[str, Sequence[str]] = field(default_factory=dict)
    cases: dict[str, tuple[str, Sequence[str]]] = field(default_factory=dict)

    def source(self, exercise: str) -> str:
        """Return the module."""
        parts = [f"@given\ndef {name}():\n    return {text}" for name, text in self.givens.items()]
        parts += [_stub("quantity", name, needs) for name, needs in self.quantities.items()]
        parts += [_stub("function", name, parameters) for name, parameters in self.functions.items()]
        for name, (target, lines) in self.cases.items():
            body = "\n".join(f"    {line}" for line in lines)
            parameters = "rng" if any("rng" in line for line in lines) else ""
            parts.append(f"@cases({target!r})\ndef {name}({parameters}):\n{body}")
        used = {word for word in ("cases", "function", "given", "quantity") for one in parts if f"@{word}" in one}
        imports = "import numpy as np\n\n" if any("np." in one for one in parts) else ""
        head = _HEAD.format(exercise=exercise, imports=imports, names=", ".join(sorted(used or {"given"})))
        return "\n\n".join([head, *(f"{one}\n" for one in parts)])


def _stub(role: str, name: str, parameters: Iterable[str]) -> str:
    return f"@{role}\ndef {name}({', '.join(parameters)}):\n    raise NotImplementedError"


def handed_out(reference: Reference, truth: Evaluation, starters: Iterable[str]) -> dict[str, Any]:
    """Return the givens whose names stand in the ``starters``, and that can be written out."""
    words = set(re.findall(r"[^\W\d]\w*", "\n".join(starters)))
    found = {name: truth.value(name) for name in reference.givens if name in words}
    return {name: value for name, value in found.items() if _is_writable(value)}


def parameters(reference: Reference, name: str) -> list[str]:
    """Return the parameters of a function that students write. Raises ValueError for a class."""
    function = reference.definitions[name].function
    if inspect.isclass(function):
        raise ValueError(f"`{name}` is a class")
    return [_plain(one) for one in inspect.signature(function).parameters.values()]


def _plain(one: inspect.Parameter) -> str:
    if one.kind not in {one.POSITIONAL_ONLY, one.POSITIONAL_OR_KEYWORD} or keyword.iskeyword(one.name):
        raise ValueError(f"takes `{one}`")
    return one.name


def written_out(inputs: Sequence[Any]) -> list[str]:
    """Return the body of cases that yield just these ``inputs``. Raises ValueError where they cannot be written."""
    for one in inputs:
        if not isinstance(one, tuple) or not _is_writable(one):
            raise ValueError("its inputs are more than numbers, arrays and text")
    lines = [line for one in inputs for line in f"yield {literal(one)}".split("\n")]
    if sum(map(len, lines)) > MOST_CHARACTERS:
        raise ValueError("its inputs are too large to be written into a file")
    return lines


def _is_writable(value: Any) -> bool:
    if isinstance(value, tuple | list):
        return all(map(_is_writable, value))
    if isinstance(value, np.ndarray | np.generic):
        return value.dtype.kind in "biuf"
    return value is None or isinstance(value, bool | int | float | str)


def drawn_alike(inputs: Sequence[Any]) -> list[str]:
    """Return the body of cases that draw arrays like the ``inputs``, and nothing of them but shape and type.

    Raises ValueError where they are something else.
    """
    lines = []
    for one in inputs:
        arrays = [to_plain(part) for part in one] if isinstance(one, tuple) else []
        lines.append(f"yield ({''.join(f'{_drawing(array)}, ' for array in arrays)})")
    tensors = any("torch." in line for line in lines)
    return [*(["import torch", ""] if tensors else []), *lines]


def _drawing(array: Plain) -> str:
    if not isinstance(array, Array) or array.to_numpy().dtype.kind not in "iuf":
        raise ValueError("its inputs are more than arrays of numbers")
    values = array.to_numpy()
    if values.dtype.kind == "f":
        text = f"rng.normal(size={values.shape}).astype({values.dtype.name!r})"
    else:
        most = int(values.max(initial=0)) + 1
        text = f"rng.integers({most}, size={values.shape}).astype({values.dtype.name!r})"
    return f"torch.from_numpy({text})" if array.origin == "torch tensor" else text
