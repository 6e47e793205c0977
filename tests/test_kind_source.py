"""The kind ``source``: what must be used and what must not, found by the syntax tree."""

from __future__ import annotations

from pathlib import Path

import pytest
from execution_helpers import module_job, notebook_job
from observing_helpers import grade, grade_in, make_exercise

from grader.checks.syntax import parse, parse_spec
from grader.errors import CourseError
from grader.execution.handed_in import code
from grader.model import CheckResult, Status
from grader.sandbox import SelfCheck


def found(source: str, construct: str | float, within: str | None = None, *, imports: bool = True) -> bool:
    parsed = parse(source, within)
    assert parsed is not None
    return any(next(parsed.uses(spec, imports=imports), None) for spec in parse_spec(construct))


def one(results: dict[str, CheckResult]) -> CheckResult:
    (result,) = results.values()
    return result


@pytest.mark.parametrize(
    "source",
    [
        "import torch\ntorch.autograd.grad(a, b)",
        "import torch as t\nt.autograd.grad(a, b)",
        "import torch.autograd\n",
        "import torch.autograd as ag\nag.grad(a, b)",
        "from torch import autograd\n",
        "from torch import autograd as ag\nag.grad(a, b)",
        "from torch.autograd import grad\n",
        "from torch.autograd import *\n",
        "from numpy import *\nfrom torch import *\nautograd.grad(a, b)",
        "import torch\ng = torch.autograd\ng.grad(a, b)",
        "import torch\nt = torch\nu = t\nu.autograd.grad(a, b)",
        "import torch\ngetattr(torch, 'autograd').grad(a, b)",
        "import importlib\nimportlib.import_module('torch.autograd').grad(a, b)",
        "__import__('torch').autograd.grad(a, b)",
        "def f():\n    import torch\n    return torch.autograd",
    ],
)
def test_a_name_is_found_however_it_is_imported(source: str) -> None:
    assert found(source, "torch.autograd")


@pytest.mark.parametrize(
    "source",
    [
        "import torch\ntorch.nn.Linear(1, 1)",
        "import torch\ntorch.autograde",
        "x.autograd",
        "'torch.autograd'",
        "# torch.autograd",
        "import autograd",
        "from .torch import autograd",
        "autograd = 1\nprint(autograd)",
    ],
)
def test_another_name_is_not(source: str) -> None:
    assert not found(source, "torch.autograd")


@pytest.mark.parametrize(
    ("construct", "used", "unused"),
    [
        (".backward()", "loss.backward()", "loss.backward"),
        (".backward()", "f(x).sum().backward(retain_graph=True)", "backward()"),
        (".grad", "w.grad", "grad"),
        ("for", "for i in x: pass", "[i for i in x]"),
        ("while", "while x: pass", "for i in x: pass"),
        ("comprehension", "sum(i for i in x)", "for i in x: pass"),
        ("if", "a if b else c", "a and b"),
        ("with", "with a: pass", "a"),
        ("try", "try:\n    a\nexcept E:\n    b", "a"),
        ("lambda", "f = lambda: 1", "def f(): return 1"),
        ("recursion", "def f(n):\n    return f(n - 1)", "def f(n):\n    return g(n - 1)"),
        (
            "recursion",
            "class A:\n    def f(self):\n        return self.f()",
            "class A:\n    def f(self):\n        b.f()",
        ),
        ("with torch.no_grad", "import torch\nwith torch.no_grad():\n    a", "import torch\ntorch.no_grad()"),
        ("torch.no_grad", "from torch import no_grad\n@no_grad()\ndef f(): pass", "with no_grad(): pass"),
        ("@", "a @ b", "a * b"),
        ("+=", "a += b", "a = a + b"),
        ("**", "a ** 2", "a * a"),
        ("'mean'", "f(reduction='mean')", "mean"),
        ("sum", "sum(x)", "from numpy import sum\nsum(x)"),
        ("numpy.sum", "from numpy import sum\nsum(x)", "sum(x)"),
        ("numpy.sum | sum", "sum(x)", "max(x)"),
        (0.1307, "Normalize((0.1307,), (0.3081,))", "0.13"),
        (0.1307, "mean = 1307e-4", "'0.1307'"),
        (3, "x = 3.0", "x = True"),
    ],
)
def test_constructs(construct: str | float, used: str, unused: str) -> None:
    assert found(used, construct)
    assert not found(unused, construct)


def test_within_a_function_and_what_it_calls() -> None:
    source = """
def a(x):
    return helper(x)
def helper(x):
    for i in x: pass
def b(x):
    while x: pass
class Net:
    def forward(self, x):
        return x @ x
    def other(self):
        lambda: 0
def a(x):
    return helper(x) + 1
"""
    assert [found(source, word, "a") for word in ("for", "while", "+")] == [True, False, True]
    assert [found(source, word, "Net.forward") for word in ("@", "lambda")] == [True, False]
    assert found(source, "lambda", "Net")
    assert parse(source, "c") is None
    assert parse(source, "Net.backward") is None


def test_the_last_definition_counts() -> None:
    source = "def f(x):\n    for i in x: pass\ndef f(x):\n    return x\n"
    assert not found(source, "for", "f")


def test_an_import_is_forbidden_and_is_no_use(tmp_path: Path) -> None:
    exercise = make_exercise(tmp_path / "r", "", "source: by_torch, requires: [torch.autograd]")
    assert one(grade(exercise, "from torch import autograd\n")).message == (
        "`torch.autograd` is not used, and is asked for."
    )
    assert one(grade(exercise, "from torch import autograd\nautograd.grad\n")).status is Status.PASSED
    forbidding = make_exercise(tmp_path / "f", "", "source: by_hand, forbids: [torch.autograd, .backward()]")
    result = one(grade(forbidding, "from torch import autograd\n"))
    assert result.message == ("`torch.autograd` is used in line 1 (`from torch import autograd`), and must not be.")
    assert one(grade(forbidding, "x = 1\n")).status is Status.PASSED


def test_everything_is_told_at_once(tmp_path: Path) -> None:
    check = "source: style, within: f, requires: [numpy.dot | '@', for], forbids: [while, 0.1307]"
    result = one(grade(make_exercise(tmp_path, "", check), "def f(n=0.1307):\n    while False: pass\n"))
    assert result.message.splitlines() == [
        "`numpy.dot` or `'@'` is not used in `f`, and is asked for.",
        "`for` is not used in `f`, and is asked for.",
        "`while` is used in line 2 (`while False: pass`), and must not be.",
        "`0.1307` is used in line 1 (`def f(n=0.1307):`), and must not be.",
    ]


def test_a_sentence_of_the_author_s(tmp_path: Path) -> None:
    exercise = make_exercise(tmp_path, "", "source: style, forbids: [for], message: Use NumPy.")
    result = one(grade(exercise, "for i in []: pass\n"))
    assert (result.message, "`for` is used in line 1" in result.evidence) == ("Use NumPy.", True)


def test_a_function_that_is_not_there(tmp_path: Path) -> None:
    exercise = make_exercise(tmp_path, "", "source: style, within: f, forbids: [for]")
    assert one(grade(exercise, "x = 1\n")).message == "`f` is not defined in the source."


@pytest.mark.parametrize("source", ["x = 1\ndef f(:\n", "x = '\0'\n"])
def test_what_cannot_be_parsed(tmp_path: Path, source: str) -> None:
    exercise = make_exercise(tmp_path, "", "source: style, forbids: [for]")
    result = one(grade_in(exercise, module_job(source), SelfCheck()))
    assert result.status is Status.FAILED
    assert result.message.startswith("The source is no valid Python: ")
    if "def" in source:
        assert "in line 2 (`def f(:`)." in result.message


def test_a_notebook_and_its_broken_cells(tmp_path: Path) -> None:
    exercise = make_exercise(tmp_path, "", "source: style, within: f, requires: [for]")
    cells = [
        "%matplotlib inline\nfiles = !ls\nf?",
        "def broken(:",
        "await g()",
        "def f(x):\n    for i in x: pass",
        "%%time\n!ls",
    ]
    assert one(grade_in(exercise, notebook_job(*cells), SelfCheck())).status is Status.PASSED
    assert code(notebook_job(*cells)).split("\n\n")[:2] == ["pass\nfiles = None\npass", "# def broken(:"]


def test_a_source_that_is_too_large(tmp_path: Path) -> None:
    exercise = make_exercise(tmp_path, "", "source: style, forbids: [for]")
    result = one(grade(exercise, f"x = '{'a' * 1024**2}'\n"))
    assert result.message.startswith("The source cannot be read: source of ")


@pytest.mark.parametrize(
    ("check", "message"),
    [
        ("source: s", "source: neither `requires` nor `forbids` anything"),
        ("source: s, forbids: ['a b']", "`a b` is no construct: a dotted name, .method(), .attribute, for, while"),
        ("source: s, requires: ['.1()']", "`.1()` is no construct"),
        ("source: 's s', forbids: [for]", "should match pattern"),
    ],
)
def test_what_an_author_got_wrong(tmp_path: Path, check: str, message: str) -> None:
    with pytest.raises(CourseError) as caught:
        make_exercise(tmp_path, "", check)
    assert message in str(caught.value)
