"""The kind ``formula``: the same formula in any form, hostile text, functions, and mistakes by name."""

from __future__ import annotations

import math
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from execution_helpers import QUICK, run
from hypothesis import given, settings
from hypothesis import strategies as st
from judging_helpers import judge, judge_seen, make_course, make_exercise

from grader.checks import probes
from grader.checks.algebra import FormulaError, parse
from grader.checks.identity import POINTS, Point, UndefinedError, evaluate, points, same
from grader.course import Exercise
from grader.errors import CourseError
from grader.model import CheckResult, Failure, Job, Opaque, Probe, Status
from grader.reference import Evaluation
from grader.starters import literal

MACS = """
@quantity
def macs():
    return "L*M*N"

@misconception("macs", "A multiplication and an addition together are one MAC.")
def flops():
    return "2*L*M*N"

@misconception("macs", "Every element of the product needs M of them.")
def inner_forgotten():
    return "L*N"
"""
OPTIONS = "formula: macs, variables: [L, M, N]"
SOFTMAX = "\n@quantity\ndef p():\n    return 'exp(x_i)/sum(exp(x_j))'\n"
RELU = "\n@quantity\ndef p():\n    return 'max(0, x)'\n"
PADDING = "\n@quantity\ndef p():\n    return '(k-1)/2'\n"


def judged(tmp_path: Path, answer: Any, reference: str = MACS, options: str = OPTIONS) -> CheckResult:
    exercise = make_exercise(tmp_path, reference, options)
    name = exercise.rubric.checks[0].id
    return judge_seen(exercise, {Probe("value", name): answer})[name]


@pytest.mark.parametrize(
    "text",
    [
        "L*M*N", "L·M·N", "L \u00d7 M \u00d7 N", "LMN", "NML", "L M N", "LxMxN", "L x M x N", "N*(M*L)", "(L)(M)(N)",
        "macs = L * M * N", "MACs(L, M, N) = LMN", "$L \\cdot M \\cdot N$", "L \\times M \\times N", "1000*L*M*N/1 000",
        "L^2*M*N/L", "L**2 M N // L", "L²·M·N/L", "0.5 * 2LMN", "1.5e3*L*M*N/1500", "l*m*n", "L*M*(N-1) + L*M",
        "sum = L*M*N", "exp(log(L)+log(M)+ln(N))", "math.sqrt(L**2)*M*N",
        "\uff2c\uff2d\uff2e", "max(L, L)*abs(-M)*N", "+L*M*N",
    ],
)  # fmt: skip
def test_right_in_any_form(tmp_path: Path, text: str) -> None:
    result = judged(tmp_path, text)
    assert (result.status, result.message) == (Status.PASSED, "")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("L*M+M*N", "`macs` is not right: yours is L*M+M*N."),
        ("L*M^2*N", "`macs` is not right: yours is L*M^2*N."),
        ("7", "`macs` is not right: yours is 7."),
        (7, "`macs` is not right: yours is 7."),
        ("3LMN", "`macs` is not right: yours is 3LMN.\nIt is right but for one constant factor."),
        ("L*M*N + 1e-9", "`macs` is not right: yours is L*M*N + 1e-9."),
        ("L*M*K", "`macs` cannot be read as a formula: `K` is not known here; known are `L`, `M`, `N`."),
        ("L*M*", "`macs` cannot be read as a formula: something is missing at the end."),
        ("*L", "`macs` cannot be read as a formula: something is missing before `*`."),
        ("L*(M*N", "`macs` cannot be read as a formula: a `)` is missing at the end."),
        ("L*M)*N", "`macs` cannot be read as a formula: `)` is not expected where it stands."),
        ("2 3 L", "`macs` cannot be read as a formula: a sign is missing before `3`."),
        ("", "`macs` cannot be read as a formula: it is empty."),
        ("L = M = N", "`macs` cannot be read as a formula: an expression is expected, not an equation."),
        ("2*p = L", "`macs` cannot be read as a formula: an expression is expected, not an equation."),
        ("L; M", "`macs` cannot be read as a formula: `;` cannot be read."),
        ("log(L, M, N)", "`macs` cannot be read as a formula: a function has 3 arguments, which does not fit it."),
        (None, "`macs` is still None: not answered yet."),
        (Failure("missing"), "`macs` is not defined at the end of the run."),
        (True, "`macs` should be text, but is True or False."),
        (Opaque("Mul"), "`macs` is a Mul: write the formula as text, such as `str(...)` of it."),
    ],
)
def test_wrong_or_not_readable(tmp_path: Path, text: Any, message: str) -> None:
    result = judged(tmp_path, text)
    assert (result.status, result.fraction, result.message) == (Status.FAILED, 0.0, message)


def test_an_unknown_name_is_told_with_the_nearest(tmp_path: Path) -> None:
    padding = "\n@quantity\ndef p():\n    return 'kernel - 1'\n"
    result = judged(tmp_path, "kernal - 1", padding, "formula: p, variables: [kernel]")
    assert result.message.endswith("`kernal` is not known here; did you mean `kernel`?.")
    both = "\n@quantity\ndef p():\n    return 'n*N'\n"
    assert judged(tmp_path, "N*n", both, "formula: p, variables: [n, N]").fraction == 1
    assert judged(tmp_path, "N*N", both, "formula: p, variables: [n, N]").fraction == 0


def test_mistakes_are_named(tmp_path: Path) -> None:
    result = judged(tmp_path, "2 L M N")
    assert (result.misconception, result.fraction) == ("flops", 0.0)
    assert result.message == "A multiplication and an addition together are one MAC."
    assert judged(tmp_path, "N*L").misconception == "inner_forgotten"
    assert judged(tmp_path, "2LMN", options=f"{OPTIONS}, credit: {{flops: 0.5}}").fraction == 0.5
    assert judged(tmp_path, "2LMN", options=f"{OPTIONS}, accept: [2*L*M*N]").fraction == 1


@pytest.mark.parametrize(
    "text",
    [
        "9**9**9**9", "L**M**N**L**M", "9^(9^(9^9))", "((9**24)**24)**24*L", "(((L+M+N)**24)**24)**24", "1e9999",
        "9" * 400, "(" * 200 + "L", "(" * 200 + "L" + ")" * 200, "-" * 400 + "L", "exp " * 100 + "L", "2^" * 200 + "2",
        "__import__('os').system('id')", "L.__class__", "().__class__", "lambda: 0", "exec(L)", "L if M else N",
        "L*" * 249 + "L", "exp(exp(exp(exp(L))))", "sum_j sum_k sum_l sum_m L", "L//0", "0**-1", "(-8)**(1/3)",
        "\x00", "\udcff", "L\u202eM", "(L+M)" * 80, "log(0)", "1/(L-L)", "L % 0", "{", "}", "\\frac", "_",
        "x", "e" * 200,
    ],
)  # fmt: skip
def test_hostile_text_is_wrong_and_never_evaluated(tmp_path: Path, text: str) -> None:
    """Most of these would run for hours, or be code, were they evaluated."""
    result = judged(tmp_path, text)
    assert (result.status, result.fraction) == (Status.FAILED, 0.0)


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet="LMNxk0129.+-*/^%()[]{}_,= eE·²⌊⌋Σ∑√\\\n", max_size=60))
def test_any_text_is_a_formula_or_an_error(text: str) -> None:
    try:
        term = parse(text, "LMN", ("x",))
    except FormulaError:
        return
    for value in [evaluate_or_none(term, one) for one in points("LMN", ("x",), ASSUME, np.random.default_rng(0))[:3]]:
        assert value is None or math.isfinite(value)


ASSUME: Any = dict.fromkeys("LMNx", "positive integers")


def evaluate_or_none(term: Any, point: Point) -> float | None:
    try:
        return float(evaluate(term, point))
    except (UndefinedError, OverflowError):
        return None


@pytest.mark.parametrize(
    ("text", "fraction"),
    [
        ("exp(x)/sum(exp(x))", 1), ("e^{x_i} / \\sum_{j=1}^{K} e^{x_j}", 1), ("exp(xᵢ)/∑ⱼ exp(xⱼ)", 1),
        ("np.exp(x) / np.sum(np.exp(x))", 1), ("1/sum_j exp(x_j - x_i)", 1), ("\\frac{e^{x_i}}{\\sum_j e^{x_j}}", 1),
        ("exp(x_k - max(x)) / sum(exp(x_j - max(x)))", 1), ("exp(x[i])/sum(exp(x[j]))", 1),
        ("softmax_i = exp(x_i)/sum(exp(x_j), j)", 1),
        ("x_i/sum(x_j)", 0), ("exp(x)", 0), ("2^x_i/sum(2^x_j)", 0), ("sigmoid(x_i)", 0), ("exp(x_i)/exp(max(x))", 0),
    ],
)  # fmt: skip
def test_softmax(tmp_path: Path, text: str, fraction: float) -> None:
    result = judged(tmp_path, text, SOFTMAX, "formula: p, vectors: [x], assume: numbers")
    assert (result.fraction, "cannot" in result.message) == (fraction, False)


@pytest.mark.parametrize(
    ("text", "fraction"),
    [
        ("max(0, x)", 1),
        ("Max(x, 0)", 1),
        ("relu(x)", 1),
        ("(x + abs(x))/2", 1),
        ("(x + |x|)/2", 1),
        ("x", 0),
        ("max(x, 0.01x)", 0),
        ("abs(x)", 0),
    ],
)
def test_relu(tmp_path: Path, text: str, fraction: float) -> None:
    assert judged(tmp_path, text, RELU, "formula: p, variables: [x], assume: numbers").fraction == fraction


@pytest.mark.parametrize(
    ("assume", "text", "fraction"),
    [
        ("odd positive integers", "k//2", 1), ("odd positive integers", "⌊k/2⌋", 1),
        ("odd positive integers", "p = (k\u22121)/2", 1),
        ("odd positive integers", "k", 0), ("odd positive integers", "int(k/2)", 1), ("positive integers", "k//2", 0),
        ("positive integers", "(k-1)//2", 0), ("positive integers", "k/2 - ½", 1),
    ],
)  # fmt: skip
def test_what_the_variables_are_decides(tmp_path: Path, assume: str, text: str, fraction: float) -> None:
    options = f"formula: p, variables: [k], assume: {{k: {assume}}}"
    assert judged(tmp_path, text, PADDING, options).fraction == fraction


def test_polynomials_are_compared_by_their_coefficients() -> None:
    near = parse("L - L*(M - 1)*(M - 2)*(M - 3)/1e30", "LM")
    assert not same(near, parse("L", "LM"), [Point({"L": Fraction(1), "M": Fraction(2)})])
    assert same(parse("(L+M)**3", "LM"), parse("L^3+3L^2 M+3L M^2+M^3", "LM"), [])


def test_a_reference_without_values_is_a_fault_of_ours(tmp_path: Path) -> None:
    bad = "\n@quantity\ndef p():\n    return 'log(0*x)'\n"
    assert judged(tmp_path, "x", bad, "formula: p, variables: [x]").status is Status.ERROR


def test_points_are_hidden_and_the_same_again(tmp_path: Path) -> None:
    exercise = make_exercise(tmp_path, MACS, OPTIONS)
    first, again, other = (probes(exercise, Evaluation(exercise.reference, None, hidden=one)) for one in (1, 1, 2))
    assert first == again != other


def called(exercise: Exercise, source: str) -> CheckResult:
    """Judge what a module binds, seen as a real run sees it."""
    truth = Evaluation(exercise.reference, None)
    job = Job("module", "work.py", source, (), probes(exercise, truth), QUICK)
    seen = {one.probe: one.value for one in run(job).observations}
    (result,) = judge_seen(exercise, seen).values()
    return result


@pytest.mark.parametrize(
    ("source", "fraction", "message"),
    [
        ("macs = lambda L, M, N: L * M * N", 1, ""),
        ("def macs(a, b, c):\n    return float(a * b * c)", 1, ""),
        ("import numpy as np\nmacs = lambda *a: np.prod(a)", 1, ""),
        ("macs = 'L*M*N'", 1, ""),
        ("macs = lambda L, M, N: L + M + N", 0, "`macs` does not give the right values."),
        ("macs = lambda L, M, N: 2 * L * M * N", 0, "A multiplication and an addition together are one MAC."),
        ("macs = lambda L, M: L", 0, "`macs` raised TypeError: "),
        ("macs = lambda L, M, N: 'L*M*N'", 0, "`macs` should return a number, but returns text."),
        ("macs = lambda L, M, N: [1] * 10 ** 5", 0, "`macs`"),
        ("def macs(L, M, N):\n    exit()", 0, "`macs` raised SystemExit"),
    ],
)
def test_functions_are_called_with_hidden_numbers(tmp_path: Path, source: str, fraction: float, message: str) -> None:
    result = called(make_exercise(tmp_path, MACS, OPTIONS), source)
    assert result.fraction == fraction
    assert result.message.startswith(message)


def test_a_function_that_never_ends(tmp_path: Path) -> None:
    exercise = make_exercise(tmp_path, MACS, OPTIONS)
    (call,) = (one for one in probes(exercise, Evaluation(exercise.reference, None)) if one.kind == "call")
    seen = {Probe("value", "macs"): Opaque("function"), call: Failure("raised", "took longer than 30 s")}
    result = judge_seen(exercise, seen)["macs"]
    assert (result.fraction, result.message) == (0.0, "`macs` could not be called: took longer than 30 s.")


def test_a_vector_function_gives_all_elements(tmp_path: Path) -> None:
    exercise = make_exercise(tmp_path, SOFTMAX, "formula: p, vectors: [x], assume: numbers")
    right = "import numpy as np\ndef p(x):\n    z = np.exp(x)\n    return z / z.sum()"
    assert called(exercise, right).fraction == 1
    assert called(exercise, right.replace("z.sum()", "z.max()")).fraction == 0
    assert called(exercise, right.replace("z / z.sum()", "list(z / z.sum())")).fraction == 1
    for odd in ("['a', 'b']", "[[1], [1, 2]]", "[True]"):
        assert called(exercise, f"def p(x):\n    return {odd}").fraction == 0
    assert called(exercise, "def p(x):\n    return x[0]").fraction == 0


def test_what_is_asked_for_may_not_be_used(tmp_path: Path) -> None:
    options = "formula: p, variables: [x], assume: numbers, without: [relu]"
    result = judged(tmp_path, "0 + relu(x)", RELU, options)
    assert (result.fraction, result.message) == (0.0, "`p` uses relu, which is what it should say: write it out.")
    assert judged(tmp_path, "max(0, x)", RELU, options).fraction == 1
    assert called(make_exercise(tmp_path, RELU, options), "p = lambda x: x if x > 0 else 0").fraction == 1


@pytest.mark.parametrize("text", ["x @ W + b", "dot(x, W) + b", "np.matmul(x, W) + b", "W·x + b", "Wx + b"])
def test_products_of_matrices_are_products(tmp_path: Path, text: str) -> None:
    reference = "\n@quantity\ndef p():\n    return 'x*W + b'\n"
    assert judged(tmp_path, text, reference, "formula: p, variables: [x, W, b]").fraction == 1


CARRIED = """
@quantity
def factor():
    return 1
@misconception("factor", "Two operations are one.")
def two():
    return 2
@quantity
def macs(factor):
    return f"{factor}*L*M*N"
@quantity
def count(factor):
    return factor * 24
"""


def test_a_mistake_in_what_nobody_hands_in_is_carried_on(tmp_path: Path) -> None:
    exercise = make_exercise(tmp_path, CARRIED, "formula: macs, variables: [L, M, N]", "value: count")
    results = judge(exercise, {"macs": "2 L M N", "count": 48})
    assert (results["macs"].misconception, results["macs"].fraction) == ("two", 0)
    assert (results["count"].fraction, results["count"].follow_through) == (1, True)
    alone = make_exercise(tmp_path / "alone", CARRIED, "formula: macs, variables: [L, M, N]")
    assert called(alone, "macs = lambda L, M, N: 2 * L * M * N").misconception == "two"


def test_a_sympy_reference(tmp_path: Path) -> None:
    reference = "\nimport sympy\n@quantity\ndef p():\n    L, M = sympy.symbols('L M')\n    return (L + M) ** 2\n"
    assert judged(tmp_path, "L² + 2LM + M²", reference, "formula: p, variables: [L, M]").fraction == 1
    exercise = make_exercise(tmp_path, reference, "formula: p, variables: [L, M]")
    assert literal(Evaluation(exercise.reference, None).value("p")) == "'(L + M)**2'"


def test_an_authors_mistakes(tmp_path: Path) -> None:
    with pytest.raises(CourseError) as caught:
        make_course(
            tmp_path,
            MACS,
            "formula: macs, variables: [L, M], accept: [L*], credit: {m: -1}, assume: {Q: integers}, without: [x]",
            "formula: mac, variables: [L]",
            "formula: macs, id: none",
        )
    text = str(caught.value)
    for part in (
        "accept: 'L*' cannot be read: something is missing at the end",
        "credit: `m` is no misconception",
        "credit: m should be between 0 and 1, found -1",
        "assume: `Q` is no variable of this check",
        "without: `x` is no function that is read",
        "`N` is not known here",
        "formula: `mac` is no quantity",
        "did you mean `macs`?",
        "variables: is missing",
    ):
        assert part in text
    assert POINTS >= 20


@pytest.mark.parametrize("text", ["w-ηg", "w - η·g", "w-η*g", r"w - \eta g", "w-gη", "-η g + w", "w - eta*g"])
def test_greek_letters_are_their_names(tmp_path: Path, text: str) -> None:
    step = "\n@quantity\ndef step():\n    return 'w - eta*g'\n"
    assert judged(tmp_path, text, step, "formula: step, variables: [w, eta, g], assume: numbers").fraction == 1
    assert judged(tmp_path / "plus", "w+ηg", step, "formula: step, variables: [w, eta, g]").fraction == 0
