"""The executed notebook: what a sandbox answers is taken only in the one form that was agreed, and capped."""

from __future__ import annotations

import json
from typing import Any

import pytest
from execution_helpers import notebook_text

from grader.errors import ProtocolError
from grader.execution.executed import ExecutedNotebook

PRINTED = {"output_type": "stream", "name": "stdout", "text": "on\n"}
SHOWN = {"output_type": "display_data", "data": {"text/plain": "1", "application/json": {"a": [1]}}, "metadata": {}}
RESULT = {"output_type": "execute_result", "data": {}, "metadata": {"a": 1}, "execution_count": 1}
RAISED = {"output_type": "error", "ename": "E", "evalue": "", "traceback": ["a", "\ud800"]}


def executed(*sources: str, begun: int = 2, max_bytes: int = 10_000) -> ExecutedNotebook:
    notebook = ExecutedNotebook(notebook_text(*sources), max_bytes)
    for number, index in list(notebook.cells())[:begun]:
        notebook.begin(number, index)
    return notebook


def blob(*pairs: Any) -> bytes:
    return json.dumps(pairs).encode()


def test_cells_that_are_run_are_those_with_code() -> None:
    notebook = executed("a", " \n", "b", "c")
    assert list(notebook.cells()) == [(1, 0), (2, 2), (3, 3)]
    assert [cell["execution_count"] for cell in json.loads(notebook.text())["cells"]] == [1, None, 2, None]


def test_outputs_are_put_in_and_replaced() -> None:
    notebook = executed("a", "b")
    notebook.take(blob([0, [PRINTED, SHOWN]]))
    notebook.take(blob([0, [PRINTED]], [1, [RESULT, RAISED]]))
    assert [cell["outputs"] for cell in json.loads(notebook.text())["cells"]] == [[PRINTED], [RESULT, RAISED]]
    assert [cell["source"] for cell in json.loads(notebook.text())["cells"]] == ["a", "b"]
    assert (notebook.log(100), notebook.log(1)) == ("on\n", "o")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", r"not JSON \(JSONDecodeError\)"),
        (b"\xff", r"not JSON \(UnicodeDecodeError\)"),
        (b"[" * 100_000, r"not JSON \(RecursionError\)"),
        (b"[" + b"9" * 5000 + b"]", r"not JSON \(ValueError\)"),
        (b"{}", "a list of pairs expected"),
        (b"[[0]]", "a list of pairs expected"),
        (b"[{}]", "a list of pairs expected"),
        (blob([0, []], [2, []]), "for a cell that was not run"),
        (blob(["0", []]), "for a cell that was not run"),
        (blob([True, []]), "for a cell that was not run"),
        (blob([0, {}]), "not what a notebook keeps"),
        (blob([0, [3]]), "not what a notebook keeps"),
        (blob([0, [{**PRINTED, "more": 1}]]), "not what a notebook keeps"),
        (blob([0, [{**PRINTED, "text": ["on"]}]]), "not what a notebook keeps"),
        (blob([0, [{**PRINTED, "name": "log"}]]), "not what a notebook keeps"),
        (blob([0, [{**SHOWN, "data": None}]]), "not what a notebook keeps"),
        (blob([0, [{**SHOWN, "transient": {}}]]), "not what a notebook keeps"),
        (blob([0, [{**RESULT, "execution_count": "1"}]]), "not what a notebook keeps"),
        (blob([0, [{**RAISED, "traceback": [1]}]]), "not what a notebook keeps"),
        (blob([0, [{**RAISED, "traceback": "a"}]]), "not what a notebook keeps"),
        (blob([0, [{"output_type": "update_display_data", "data": {}, "metadata": {}}]]), "not what a notebook keeps"),
        (b"[[0," + b"[" * 100 + b"]" * 100 + b"]]", "nested more than 64 levels deep"),
        (b"[[0,[" + b"[]," * 2_500_000 + b"[]]]]", "more than 2500000 separators"),
    ],
)
def test_anything_else_is_refused_and_nothing_is_put_in(data: bytes, message: str) -> None:
    notebook = executed("a", "b", "c")
    before = notebook.text()
    with pytest.raises(ProtocolError, match=f"outputs refused: .*{message}"):
        notebook.take(data)
    assert notebook.text() == before


def test_separators_in_text_do_not_count() -> None:
    text = ',[{\\"' * 1_000_000
    notebook = executed("a", max_bytes=10**8)
    notebook.take(blob([0, [{**PRINTED, "text": text}]]))
    assert notebook.log(10**8) == text


def test_outputs_are_capped_in_total_and_what_replaces_others_takes_their_room() -> None:
    notebook = executed("a", "b", max_bytes=1000)
    half = {**PRINTED, "text": "x" * 500}
    for _ in range(3):
        notebook.take(blob([0, [half]]))
    notebook.take(blob([1, [half]]))
    cut = {
        "output_type": "stream", "name": "stderr", "text": "[output cut here: the notebook's outputs are too large]\n",
    }  # fmt: skip
    assert [cell["outputs"] for cell in json.loads(notebook.text())["cells"]] == [[half], [cut]]
    notebook.take(blob([0, []], [1, [half]]))
    assert [cell["outputs"] for cell in json.loads(notebook.text())["cells"]] == [[], [half]]
