"""What can be observed of a hand-in without running it: its source, written cells and files."""

from __future__ import annotations

import ast
import json
import re
from pathlib import PurePosixPath

from grader.model import Array, Failure, Job, Plain, Probe
from grader.parsing import syntax_tree

#: Kinds of probe that are answered here and never enter a sandbox.
HANDED_IN = frozenset({"source", "cells", "file", "files"})
_MAX_TEXT_CHARS = 1024**2


def handed_in(job: Job, probe: Probe) -> Plain | Failure:
    """Return what ``probe`` asks for.

    - ``source``: the code as one text; a notebook's code cells joined, magics and shell commands left out.
    - ``cells``: the text of Markdown and raw cells by their tags, as ``{tag: text}``.
    - ``file``: the bytes of the file ``probe.name`` (its name alone, or its path) as an array of uint8.
    - ``files``: the names of all files and their sizes in bytes, as ``{name: size}``, the hand-in itself included.
    """
    match probe.kind:
        case "source":
            return _capped(probe, code(job))
        case "cells":
            return _cells(job)
        case "file":
            return _file(job, probe.name)
        case "files":
            return _sizes(job)
    raise ValueError(f"{probe.kind!r} is not observed in what was handed in")


def _sizes(job: Job) -> dict[str, Plain]:
    run = {} if job.form == "files" else {job.name: len(job.source.encode("utf-8", "replace"))}
    return {**run, **{name: len(data) for name, data in job.files}}


def code(job: Job) -> str:
    """Return a module's text, or a notebook's code cells joined by empty lines, without lines that are no Python."""
    if job.form != "notebook":
        return job.source
    cells = [cell["source"] for cell in json.loads(job.source)["cells"] if cell["cell_type"] == "code"]
    return "\n\n".join(_python(source) for source in cells)


def _python(source: str) -> str:
    """Return a cell without what is no Python: magics, shell commands, and a cell that cannot have run."""
    if source.lstrip().startswith("%%"):
        first, _, source = source.lstrip().partition("\n")
        if first.split()[0] not in {"%%time", "%%timeit", "%%capture", "%%prun"}:
            return ""
    plain = re.sub(r"^([ \t]*)(?:[%!?].*|[\w.%*]+\?\??[ \t]*)$", r"\1pass", source, flags=re.MULTILINE)
    plain = re.sub(r"^([ \t]*[\w, \t]+=[ \t]*)[%!].*$", r"\1None", plain, flags=re.MULTILINE)
    return plain if _is_python(plain) else re.sub("^", "# ", plain, flags=re.MULTILINE)


def _is_python(source: str) -> bool:
    """Return whether a cell can be parsed. One that cannot never ran, and must not hide the others."""
    try:
        syntax_tree(source, ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True


def _capped(probe: Probe, text: str) -> str | Failure:
    return text if len(text) <= _MAX_TEXT_CHARS else Failure("too_large", f"{probe.kind} of {len(text)} characters")


def _cells(job: Job) -> dict[str, Plain]:
    found: dict[str, Plain] = {}
    if job.form == "notebook":
        for cell in json.loads(job.source)["cells"]:
            tags = cell["metadata"].get("tags")
            if cell["cell_type"] != "code" and isinstance(tags, list):
                found |= {tag: cell["source"][:_MAX_TEXT_CHARS] for tag in tags if isinstance(tag, str)}
    return found


def _file(job: Job, name: str) -> Plain | Failure:
    exact = [data for path, data in job.files if path == name]
    named = exact or [data for path, data in job.files if PurePosixPath(path).name.casefold() == name.casefold()]
    if len(named) != 1:
        places = ", ".join(path for path, _ in job.files if PurePosixPath(path).name.casefold() == name.casefold())
        return Failure("missing", f"there are {len(named)} files of that name: {places}" if named else "no such file")
    (data,) = named
    if len(data) > job.limits.value_bytes:
        return Failure("too_large", f"{name} has {len(data)} bytes; at most {job.limits.value_bytes} are read")
    return Array("uint8", (len(data),), data, "file")
