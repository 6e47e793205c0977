"""Reading what was handed in, on the trusted side: bounded, and without running any of it."""

from __future__ import annotations

import io
import json
import re
import tokenize
from collections.abc import Iterable, Mapping
from typing import Any

from grader.errors import SubmissionError

MAX_SOURCE_BYTES = 32 * 1024**2
_ID = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)
_JSON_NAMES: Mapping[type, str] = {dict: "an object", list: "a list of something else", type(None): "null"}
_NOT_PYTHON = re.compile(
    r"(ir|julia|octave|matlab|sage|scala|bash|xeus-cling|javascript|sql)([-_. 0-9].*)?", re.IGNORECASE
)


def module_source(data: bytes, where: str) -> str:
    """Return a Python file as text, decoded as Python would: byte order mark, coding line, else UTF-8.

    Its syntax is not looked at: a syntax error is found when it runs. Raises SubmissionError for a file
    that is empty, too large, or not text in the encoding that it declares.
    """
    _check_size(data, where)
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
        return data.decode(encoding)
    except (SyntaxError, UnicodeDecodeError, LookupError) as error:
        raise SubmissionError(
            where,
            f"is not a Python source file ({error}); expected text in UTF-8. "
            "Save it as UTF-8 in an editor and hand it in again.",
        ) from error


def notebook_source(data: bytes, where: str) -> str:
    """Return a notebook as JSON text in format 4.5, without outputs, every cell with an id of its own.

    Raises SubmissionError for a file that is empty, too large, not JSON, not a notebook of format 3 or 4, or
    for a kernel other than Python's.
    """
    _check_size(data, where)
    try:
        return json.dumps(_normal(_parse(data, where), where))
    except RecursionError as error:
        raise SubmissionError(where, "is nested too deeply to be a notebook.") from error


def _check_size(data: bytes, where: str) -> None:
    if not data.strip():
        raise SubmissionError(where, "the file is empty. Hand in the file that holds the work.")
    if len(data) > MAX_SOURCE_BYTES:
        raise SubmissionError(
            where,
            f"has {len(data)} bytes; at most {MAX_SOURCE_BYTES} are read. "
            "Clear the outputs, move data into files of their own, and hand it in again.",
        )


def _parse(data: bytes, where: str) -> dict[str, Any]:
    try:
        content = json.loads(data.decode("utf-8-sig"))
    except json.JSONDecodeError as error:
        raise SubmissionError(
            f"{where}, line {error.lineno}, column {error.colno}",
            f"is not a notebook: {error.msg}. "
            "A notebook is a JSON file; open it in Jupyter, save it again and hand that in.",
        ) from error
    except ValueError as error:  # not UTF-8, or a number of thousands of digits
        raise SubmissionError(where, f"is not a notebook: {error}. Save it again in Jupyter.") from error
    if not isinstance(content, dict) or not isinstance(content.get("nbformat"), int):
        raise SubmissionError(
            where,
            "is JSON, but not a notebook: there is no 'nbformat'. Hand in the .ipynb file that Jupyter saves.",
        )
    return content


def _normal(content: dict[str, Any], where: str) -> dict[str, Any]:
    version = content["nbformat"]
    if version not in {3, 4}:
        raise SubmissionError(
            where, f"has notebook format {version}; 3 and 4 are read. Save it with a current Jupyter."
        )
    metadata = _mapping(content.get("metadata"))
    _check_language(metadata, where)
    try:
        cells = list(_cells_of_3(content) if version == 3 else content["cells"])
        normal = [_cell(cell) for cell in cells]
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise SubmissionError(
            where,
            f"is not a complete notebook: a cell cannot be read "
            f"({type(error).__name__}: {error}). Open it in Jupyter, save it again and hand that in.",
        ) from error
    _give_ids(normal)
    return {"nbformat": 4, "nbformat_minor": 5, "metadata": metadata, "cells": normal}


def _check_language(metadata: dict[str, Any], where: str) -> None:
    kernel = _mapping(metadata.get("kernelspec"))
    language = kernel.get("language") or _mapping(metadata.get("language_info")).get("name")
    name = str(kernel.get("name", ""))
    if language is None and _NOT_PYTHON.fullmatch(name):
        language = name
    if language is not None and "python" not in str(language).lower():
        raise SubmissionError(
            where,
            f"is a notebook for {str(language)[:40]!r}; expected Python. "
            "Choose a Python kernel in Jupyter, save and hand in again.",
        )


def _mapping(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _cells_of_3(content: dict[str, Any]) -> Iterable[dict[str, Any]]:
    """Yield format 3's cells as format 4's: ``input`` becomes ``source``, headings Markdown."""
    for sheet in content["worksheets"]:
        for cell in sheet["cells"]:
            kind = cell["cell_type"]
            source = _joined(cell.get("input" if kind == "code" else "source", ""))
            if kind == "heading":
                source = f"{'#' * int(cell.get('level', 1))} {source}"
            yield {**cell, "source": source, "cell_type": "markdown" if kind in {"heading", "html"} else kind}


def _cell(cell: dict[str, Any]) -> dict[str, Any]:
    kind = cell["cell_type"]
    if kind not in {"code", "markdown", "raw"}:
        raise ValueError(f"cell type {str(kind)[:40]!r}")
    normal = {
        "id": cell.get("id"),
        "cell_type": kind,
        "metadata": _mapping(cell.get("metadata")),
        "source": _joined(cell["source"]),
    }
    if kind == "code":
        return {**normal, "outputs": [], "execution_count": None}
    return {**normal, "attachments": cell["attachments"]} if _mapping(cell.get("attachments")) else normal


def _joined(source: object) -> str:
    match source:
        case str():
            return source
        case list() if all(isinstance(line, str) for line in source):
            return "".join(source)
    raise TypeError(f"its source is {_JSON_NAMES.get(type(source), 'no text')}; expected text or a list of lines")


def _give_ids(cells: list[dict[str, Any]]) -> None:
    """Replace ids that are missing, malformed or taken; the same notebook always gets the same ones."""
    seen: set[str] = set()
    for number, cell in enumerate(cells, start=1):
        wanted = cell["id"]
        if not isinstance(wanted, str) or not _ID.fullmatch(wanted) or wanted in seen:
            wanted = f"cell-{number}"
            while wanted in seen:
                wanted += "-x"
        cell["id"] = wanted
        seen.add(wanted)
