"""Reading a small YAML or JSON file that was handed in, and comparing names of people."""

from __future__ import annotations

import unicodedata
from typing import Any

import yaml

from grader.checks.case import Case
from grader.model import Array, Failure, Probe

_MAX_BYTES = 64 * 1024


class UnreadableError(Exception):
    """A file cannot be used. The message is for the student."""


def read_settings(case: Case, name: str) -> dict[str, Any]:
    """Return the mapping in the handed-in YAML or JSON file ``name``. Raises UnreadableError."""
    found = case.seen(Probe("file", name))
    if isinstance(found, Failure):
        raise UnreadableError(f"`{name}` was not handed in." if found.is_absence else f"`{name}`: {found.message}.")
    data = found.data if isinstance(found, Array) else b""
    if len(data) > _MAX_BYTES:
        raise UnreadableError(f"`{name}` has {len(data)} bytes; at most {_MAX_BYTES} are expected.")
    try:
        content = yaml.load(data.decode("utf-8-sig"), Loader=_Loader)  # noqa: S506 - it is a safe loader
    except yaml.MarkedYAMLError as error:
        place = f", line {error.problem_mark.line + 1}" if error.problem_mark else ""
        raise UnreadableError(f"`{name}`{place}: {error.problem or 'is not YAML'}.") from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise UnreadableError(f"`{name}` is not YAML in UTF-8 ({type(error).__name__}).") from None
    if not isinstance(content, dict):
        raise UnreadableError(f"`{name}` should hold keys and values, as in the file that was handed out.")
    return {str(key): value for key, value in content.items()}


class _Loader(yaml.SafeLoader):
    """Plain data, and no anchors: a few of them could stand for more than any memory holds."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        """Return the next node. Raises YAMLError for an alias."""
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError("aliases are not allowed here")
        return super().compose_node(parent, index)


def texts(value: Any) -> list[str]:
    """Return a list's items as text, or one text as a list of itself; nothing for anything else."""
    items = value if isinstance(value, list) else [value]
    return [str(item).strip() for item in items if isinstance(item, str | int | float) and str(item).strip()]


def plain_name(text: str) -> str:
    """Return a name without case, accents and punctuation: ``Müller-Lüdenscheidt`` as ``muller ludenscheidt``."""
    folded = unicodedata.normalize("NFKD", text.casefold().replace("ß", "ss"))
    letters = "".join(one if one.isalnum() else " " for one in folded if not unicodedata.combining(one))
    return " ".join(letters.split())


def is_named(name: str, text: str) -> bool:
    """Return whether every word of ``name`` stands in ``text``, in any order; umlauts may be written as ``ae``."""
    words = set(plain_name(text).split()) | set(_spelled_out(text).split())
    return all(word in words for word in plain_name(name).split()) or all(
        word in words for word in _spelled_out(name).split()
    )


def _spelled_out(text: str) -> str:
    for letter, pair in (("ä", "ae"), ("ö", "oe"), ("ü", "ue")):
        text = unicodedata.normalize("NFC", text.casefold()).replace(letter, pair)
    return plain_name(text)
