"""The documentation of the kinds of check, made from the docstrings of their options."""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping

from pydantic_core import PydanticUndefined

from grader.course import CheckOptions, Kind

_OPTION = re.compile(r"^- ``(\w+)``", re.MULTILINE)


def page(kind: Kind) -> str:
    """Return the page on one kind, in Markdown: what it judges, its options with their defaults, and its limits."""
    text = inspect.getdoc(kind.options) or ""
    fields = kind.options.model_fields
    names = [*_OPTION.findall(text)]
    defaults = "\n".join(
        f"| `{name}` | {_default(fields[name])} |" for name in [*names, "id", "points", "self_check"] if name in fields
    )
    body = _OPTION.sub(r"- `\1`", text).replace("``", "`")
    return (
        f"# The check `{kind.name}`\n\n{body}\n\n"
        "Every check takes `points` (what it is worth; 0 only reports), `id` (its name, where the subject's will not "
        "do) and `self_check` (what `grade release` makes of it: `sealed`, `properties`, `open`, `after_deadline` or "
        "`never`) as well.\n\n"
        f"| option | default |\n|---|---|\n{defaults}\n"
    )


def index(kinds: Mapping[str, Kind]) -> str:
    """Return the page that lists the kinds, each with the first sentence of its own page."""
    lines = [f"| [`{name}`]({name}.md) | {_first_sentence(kind.options)} |" for name, kind in sorted(kinds.items())]
    return "# Kinds of check\n\n| kind | judges |\n|---|---|\n" + "\n".join(lines) + "\n"


def undocumented(kind: Kind) -> list[str]:
    """Return the options of a kind that its page does not explain."""
    explained = set(_OPTION.findall(inspect.getdoc(kind.options) or ""))
    return sorted(set(kind.options.model_fields) - explained - set(CheckOptions.model_fields))


def _first_sentence(options: type[CheckOptions]) -> str:
    text = " ".join((inspect.getdoc(options) or "").split("\n\n")[0].split()).replace("``", "`")
    return text.removeprefix("Judges ").removeprefix("judges ")


def _default(field: object) -> str:
    value = getattr(field, "default", PydanticUndefined)
    factory = getattr(field, "default_factory", None)
    if factory is not None:
        value = factory()
    if value is PydanticUndefined:
        return "required"
    return "none" if value is None or value in ("", [], {}, ()) else f"`{value}`"
