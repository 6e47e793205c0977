"""What is observed of a hand-in besides its variables: calls on hidden inputs, and what was handed in itself."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from execution_helpers import QUICK, module_job, notebook_job

from grader.execution import execute
from grader.execution.handed_in import handed_in
from grader.model import Array, Failure, Job, Plain, Probe, Run, Stop, fingerprint
from grader.sandbox import SelfCheck, dump_observations, load_observations

ONE: Plain = Array.from_numpy(np.array([1.0, -2.0]))
CASES: Plain = {"cases": [{"args": [ONE]}, {"args": [3]}]}


def seen(source: str, *probes: Probe) -> Run:
    return execute(replace(module_job(source), probes=probes), SelfCheck())


def of_call(source: str, name: str, arguments: Plain = CASES) -> Plain | Failure:
    (one,) = seen(source, Probe("call", name, arguments)).observations
    return one.value


def test_a_function_is_called_on_each_case() -> None:
    found = of_call("def double(x):\n    return 2 * x\n", "double")
    assert found == [
        {"value": Array.from_numpy(np.array([2.0, -4.0])), "changed": False},
        {"value": 6, "changed": False},
    ]


def test_a_function_that_changes_its_input_is_told_of() -> None:
    found = of_call("def clear(x):\n    x[0] = 0\n    return x\n", "clear", {"cases": [{"args": [ONE]}]})
    assert found == [{"value": Array.from_numpy(np.array([0.0, -2.0])), "changed": True}]


def test_one_case_that_raises_leaves_the_others() -> None:
    found = of_call("def size(x):\n    return len(x)\n", "size")
    assert found == [
        {"value": 2, "changed": False},
        {"raised": "TypeError", "message": "object of type 'int' has no len() (line 2)"},
    ]


def test_leaving_python_in_a_function_is_its_result() -> None:
    assert of_call("def f(x):\n    raise SystemExit(0)\n", "f", {"cases": [{"args": [1]}]}) == [
        {"raised": "SystemExit", "message": "0 (line 2)"}
    ]


def test_steps_on_an_instance() -> None:
    source = (
        "class Sum:\n    def __init__(self, a):\n        self.a = a\n"
        "    def add(self, b):\n        self.a += b\n        return self.a\n"
    )
    steps: Plain = [{"call": "add", "args": [2]}, {"set": "a", "value": 10}, {"call": "add", "args": [1]}, {"get": "a"}]
    assert of_call(source, "Sum", {"cases": [{"args": [1], "steps": steps}]}) == [
        {"value": [3, 11, 11], "changed": False}
    ]


def test_a_tensor_arrives_as_a_tensor() -> None:
    source = "def kind(x):\n    return type(x).__name__\n"
    tensor: Plain = Array.from_numpy(np.zeros(2, np.float32), "torch tensor")
    scalar: Plain = Array.from_numpy(np.asarray(1.5), "numpy scalar")
    cases: Plain = {"cases": [{"args": [tensor]}, {"args": [scalar]}, {"args": [{"a": [1, None, True, 1.5, "t"]}]}]}
    found = of_call(source, "kind", cases)
    assert found == [{"value": name, "changed": False} for name in ("Tensor", "float64", "dict")]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("gone", "there is no variable 'gone'"),
        ("x", "'x' is no function, but of type int"),
        ("x.gone", "'x' has no attribute 'gone'"),
    ],
)
def test_what_cannot_be_called_is_missing(name: str, message: str) -> None:
    assert of_call("x = 1\n", name) == Failure("missing", message)


def test_an_endless_function_costs_its_own_check_and_no_other() -> None:
    source = "def f(x):\n    while True:\n        pass\ny = 2\n"
    job = replace(module_job(source), probes=(Probe("call", "f", CASES), Probe("value", "y")))
    run = execute(replace(job, limits=replace(QUICK, timeout_seconds=1.0)), SelfCheck())
    first, second = run.observations
    assert isinstance(first.value, Failure)
    assert "took longer than" in first.value.message
    assert second.value == 2
    assert run.stop is Stop.FINISHED


def test_what_is_printed_while_being_called_is_not_shown() -> None:
    source = "print('before')\ndef f(x):\n    print('hidden', x)\n    return x\n"
    run = seen(source, Probe("call", "f", CASES))
    assert run.log == "before\n"


def test_what_was_handed_in() -> None:
    job = replace(module_job("x = 1\n", files={"data/history.json": b"{}", "a.bin": b"\0\1"}), probes=())
    assert handed_in(job, Probe("source", "")) == "x = 1\n"
    assert handed_in(job, Probe("files", "")) == {"work.py": 6, "data/history.json": 2, "a.bin": 2}
    assert handed_in(job, Probe("file", "History.json")) == Array("uint8", (2,), b"{}", "file")
    assert handed_in(job, Probe("file", "gone")) == Failure("missing", "no such file")
    assert handed_in(job, Probe("cells", "")) == {}
    small = replace(job, limits=replace(job.limits, value_bytes=1))
    assert handed_in(small, Probe("file", "a.bin")) == Failure("too_large", "a.bin has 2 bytes; at most 1 are read")
    twice = replace(job, files=(("a/x.json", b""), ("b/x.json", b"")))
    assert handed_in(twice, Probe("file", "x.json")) == Failure(
        "missing", "there are 2 files of that name: a/x.json, b/x.json"
    )
    with pytest.raises(ValueError, match="'value' is not observed in what was handed in"):
        handed_in(job, Probe("value", "x"))


def test_a_notebook_s_code_and_written_cells() -> None:
    job = notebook_job("%matplotlib inline\nx = 1\nif x:\n    !ls", "%%bash\nls", "%%time\ny = 2")
    assert handed_in(job, Probe("source", "")) == "pass\nx = 1\nif x:\n    pass\n\n\n\ny = 2"
    notebook = json.loads(job.source)
    notebook["cells"] += [
        {"cell_type": "markdown", "id": "t", "metadata": {"tags": ["discussion", 1]}, "source": "Because."},
        {"cell_type": "markdown", "id": "u", "metadata": {"tags": "odd"}, "source": "Not this."},
    ]
    assert handed_in(replace(job, source=json.dumps(notebook)), Probe("cells", "")) == {"discussion": "Because."}


def test_files_alone_are_looked_at_and_nothing_is_run() -> None:
    job = Job("files", "x.yaml", "", (("x.yaml", b"a: 1"),), (Probe("file", "x.yaml"), Probe("value", "a")), QUICK)
    run = execute(job, SelfCheck())
    assert [one.value for one in run.observations] == [
        Array("uint8", (4,), b"a: 1", "file"),
        Failure("missing", "there is no variable 'a'"),
    ]


def test_probes_with_other_inputs_are_other_probes() -> None:
    values: list[Plain] = [1, 1.0, True, "1", [1], {"1": 1}, None, ONE, Array("float64", (2,), b"\0" * 16), 1j]
    assert len({fingerprint(value) for value in values}) == len(values)
    assert Probe("call", "f", [1]) == Probe("call", "f", [1])
    assert Probe("call", "f", [1]) != Probe("call", "f", [2])


def test_a_stored_probe_is_known_again_by_its_digest() -> None:
    run = seen("def f(x):\n    return 1\n", Probe("call", "f", CASES))
    (one,) = load_observations(dump_observations(run.observations))
    assert one.probe == Probe("call", "f", CASES)
    assert one.probe.arguments is None
    assert one.value == run.observations[0].value
