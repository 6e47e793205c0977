"""Bundles for students: what is decided, written and said, of small courses."""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Callable
from dataclasses import replace
from itertools import count
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
import yaml
from course_helpers import make_personal_course
from judging_helpers import course_files, judge, judge_seen, rubric, write

from grader import __version__
from grader.checks import KINDS, sealing
from grader.checks.calling import call_probe, drawn, noted
from grader.checks.comparing import EXACT, Tolerance
from grader.checks.sealing import WORK
from grader.cli import run
from grader.course import Course, Exercise, load_course
from grader.course.bundles import FORMAT
from grader.errors import CourseError, ExitCode
from grader.model import CheckResult, Status
from grader.reference import Evaluation
from grader.release import Made, make_bundle, write_folder
from grader.release.guessing import bits_left, in_words, measured_seconds, seconds_to_guess

REFERENCE = """
from grader import cases, function

@given
def x():
    return np.array([0.31, -1.73, 2.89])

@given
def secret():
    return 77123.5

def helper_of_the_author(x):
    return 3.0 * x

@quantity
def hidden_step(x):
    return helper_of_the_author(x) + 0.123456

@quantity
def z(hidden_step):
    return hidden_step ** 2

@quantity
def y(z):
    return float(z.sum())

@quantity
def word():
    return "dense"

@quantity
def count():
    return 12

@misconception("hidden_step", "The step is missing.")
def no_step(x):
    return helper_of_the_author(x)

@misconception("z", "It is not squared.")
def not_squared(hidden_step):
    return hidden_step

@function
def cube(t):
    return t ** 3

@function
def cube_slope(t):
    return 3 * t ** 2

@cases("cube_slope")
def somewhere(rng):
    yield (rng.normal(size=4),)

@cases("cube")
def made_from_answers(rng, z):
    yield (z * rng.normal(),)
"""
STARTER = "import numpy as np\n\nx = np.array([0.31, -1.73, 2.89])\nz = None\ny = None\nword = None\ncount = None\n"
CHECKS = (
    "value: z",
    "value: y, atol: 0.01, rtol: 0.01",
    "value: word",
    "value: count",
    "gradient: cube_slope, of: cube",
    "call: cube",
    "source: style, requires: [for]",
    "text: words, model_answer: A long model answer., key_points: [{point: P, points: 1}]",
)


def course(root: Path, *checks: str, reference: str = REFERENCE) -> Course:
    files = course_files(reference, rubric(*(checks or CHECKS)))
    files["exercises/sheet/ex/exercise.yaml"] = "title: E\nfiles: [ex.py]\nstarters: [ex.py]\n"
    files["exercises/sheet/ex/ex.py"] = STARTER
    return load_course(write(root, files), KINDS)


def made(root: Path, *checks: str, **more: str) -> Made:
    one = course(root, *checks, **more)
    return make_bundle(one, one.assignments["sheet"], "")


def how(bundle: Made) -> dict[str, str]:
    return {one.check.id: one.how for one in bundle.decisions["ex"]}


def loaded(bundle: Made, root: Path) -> Course:
    write_folder(bundle.files, root)
    return load_course(root, KINDS)


# What becomes of each check


def test_hints_are_in_a_bundle_as_they_are(tmp_path: Path) -> None:
    bundle = made(tmp_path / "course", "value: z, hints: [Look again.], after: 3", "value: count, hints: [Count.]")
    found = loaded(bundle, tmp_path / "bundle").assignments["sheet"].exercises[0].rubric.checks
    told = {check.id: (check.kind.name, check.options.hints, check.options.after) for check in found}
    assert told == {"z": ("sealed", ["Look again."], 3), "count": ("sealed", ["Count."], 2)}


def test_each_kind_has_its_way(tmp_path: Path) -> None:
    assert how(made(tmp_path)) == {
        "z": "sealed",
        "y": "properties",
        "word": "properties",
        "count": "properties",
        "cube_slope": "open",
        "cube": "after_deadline",
        "style": "open",
        "words": "after_deadline",
    }


@pytest.mark.parametrize("mode", ["sealed", "properties", "after_deadline", "never"])
def test_the_rubric_decides(tmp_path: Path, mode: str) -> None:
    bundle = made(tmp_path, f"value: count, self_check: {mode}", "source: style, requires: [for]")
    assert how(bundle)["count"] == mode
    text = b"".join(bundle.files.values()).decode()
    assert ("sealed: count" in text) == (mode in {"sealed", "properties"})
    assert ("`count`" in bundle.files["README.md"].decode()) == (mode != "never")


def test_what_a_kind_cannot_do_is_refused(tmp_path: Path) -> None:
    one = course(tmp_path, "value: count, self_check: open", "text: words, self_check: sealed, model_answer: A")
    with pytest.raises(CourseError) as caught:
        make_bundle(one, one.assignments["sheet"], "")
    place = "rubrics/sheet/ex.yaml: check"
    possible = "sealed, properties, after_deadline, never"
    assert str(caught.value).splitlines() == [
        f"{place} `count`: self_check: open is nothing for the kind value; choose one of {possible}",
        f"{place} `words`: self_check: sealed is nothing for the kind text; choose one of open, after_deadline, never",
    ]


@pytest.mark.parametrize(
    ("check", "why"),
    [
        ("value: z, self_check: sealed, rtol: 0.5", "it has a relative tolerance of 0.5; at most 0.25 can be sealed"),
        ("value: z, self_check: sealed, accept: [y]", "it has accepted values of several forms"),
    ],
)
def test_what_cannot_be_sealed_says_why(tmp_path: Path, check: str, why: str) -> None:
    (one,) = made(tmp_path, check).decisions["ex"]
    assert (one.how, one.why, one.points) == ("properties", why, 0.0)


@pytest.mark.parametrize(
    ("reference", "why"),
    [
        ("def point(rng, z):\n    yield (z,)", "its inputs are made from answers (z)"),
        ("def point(rng):\n    yield (object(),)", "its inputs are more than numbers, arrays and text"),
        ("def point(rng):\n    yield (np.zeros(99999),)", "its inputs are too large to be written into a file"),
        ("def point():\n    yield (1.5,)", "its inputs are the same for everybody, and would then be known"),
    ],
)
def test_inputs_that_cannot_be_published_say_why(tmp_path: Path, reference: str, why: str) -> None:
    text = f'{REFERENCE}\n@cases("cube_slope")\n{reference}\n'
    checks = "gradient: cube_slope, of: cube, cases: point", "source: style, requires: [for]"
    one = made(tmp_path, *checks, reference=text).decisions["ex"][0]
    assert (one.how, one.why) == ("after_deadline", why)


CALLS = """
@function
def cube(t):
    return t ** 3

@misconception("cube", "That is the square.")
def square(t):
    return t ** 2

@cases("cube")
def numbers(rng):
    yield (rng.normal(size=4),)
    yield (float(rng.normal()),)

@function
def is_large(t):
    return t > 3

@cases("is_large")
def small_and_large(rng):
    yield (float(rng.normal()),)

@function
def roots(t):
    return {"first": t, "second": -t}

@cases("roots")
def squares(rng):
    yield (float(rng.normal()),)

@function
def count_and_mean(t):
    return t

@cases("count_and_mean")
def mixed(rng):
    yield (3,)
    yield (float(rng.normal()),)

@function
class Net:
    def __init__(self, t):
        self.t = t

@cases("Net")
def nets(rng):
    yield (float(rng.normal()),)

@function
def tried(t):
    return t

@trial("tried")
def once(tried, t):
    return tried(t)

@cases("once")
def inputs(rng):
    yield (float(rng.normal()),)

@function
def complicated(t):
    return t * 1j

@cases("complicated")
def real(rng):
    yield (float(rng.normal()),)
"""


@pytest.fixture
def of_calls(tmp_path: Path) -> Made:
    names = ("cube", "is_large", "roots", "count_and_mean", "Net", "complicated")
    reference = "from grader import cases, function, trial\n" + CALLS
    return made(
        tmp_path / "course", *(f"call: {one}" for one in names), "call: tried, trial: once", reference=reference
    )


def test_functions_are_sealed_where_they_give_numbers(of_calls: Made) -> None:
    assert {one.check.id: (one.how, one.why) for one in of_calls.decisions["ex"]} == {
        "cube": ("sealed", ""),
        "is_large": ("after_deadline", "cheap to guess"),
        "roots": ("after_deadline", "it gives more than numbers"),
        "count_and_mean": ("after_deadline", "some of its results are compared exactly, and some are not"),
        "Net": ("after_deadline", "`Net` is a class"),
        "complicated": ("after_deadline", "it is complex or not finite"),
        "tried_once": ("after_deadline", "its results are not compared as they are"),
    }
    text = b"".join(of_calls.files.values()).decode()
    assert not [word for word in ("** 3", "** 2", "square", "is_large(") if word in text]


def called(exercise: Exercise, function: Callable[..., object]) -> CheckResult:
    """Return the result of the check `cube` of a hand-in with this function."""
    truth = Evaluation(exercise.reference, None)
    cases = drawn(truth, ["numbers"])
    found = [noted(function, one) for one in cases]
    seen = [
        {"raised": one.raised, "message": one.message} if one.raised else {"value": one.value, "changed": False}
        for one in found
    ]
    return judge_seen(exercise, {call_probe("cube", cases): seen})["cube"]


def test_a_function_is_judged_at_home(of_calls: Made, tmp_path: Path) -> None:
    (exercise,) = loaded(of_calls, tmp_path / "bundle").exercises()
    assert called(exercise, lambda t: t * t * t).status is Status.PASSED
    wrong = called(exercise, lambda t: t * t)
    assert (wrong.status, wrong.message, wrong.misconception) == (Status.FAILED, "That is the square.", "square")
    assert called(exercise, lambda t: t * 5).message.startswith("`cube` is not right. Tried were `cube([")
    assert "raised ZeroDivisionError: " in called(exercise, lambda _: 1 // 0).message
    assert "gives back None: nothing is returned yet." in called(exercise, lambda _: None).message
    assert "has shape (2,); expected" in called(exercise, lambda _: np.zeros(2)).message
    assert judge(exercise, {})["cube"].message == "`cube` cannot be called: was not observed."


def test_broken_checks_of_functions_are_refused(of_calls: Made, tmp_path: Path) -> None:
    write_folder(of_calls.files, tmp_path / "bundle")
    rubric_file = tmp_path / "bundle/rubrics/sheet/ex.yaml"
    text = rubric_file.read_text(encoding="utf-8")
    data = yaml.safe_load(text)
    data["criteria"][0]["checks"][0] |= {"cases": ["letters"], "shifts": "AAAA"}
    rubric_file.write_text(yaml.safe_dump(data), encoding="utf-8")
    with pytest.raises(CourseError) as caught:
        load_course(tmp_path / "bundle", KINDS)
    assert "cases: `letters` is no cases of `cube` of " in str(caught.value)
    assert "shifts: are for 3 numbers, but the shapes have 5" in str(caught.value)
    rubric_file.write_text(text, encoding="utf-8")
    inputs = tmp_path / "bundle/reference/sheet/ex.py"
    inputs.write_text(inputs.read_text(encoding="utf-8") + "    yield (1.0,)\n", encoding="utf-8")
    (exercise,) = load_course(tmp_path / "bundle", KINDS).exercises()
    result = judge(exercise, {})["cube"]
    assert (result.status, result.evidence) == (Status.ERROR, "ValueError('there are 3 inputs for 2 shapes')")


MODELS = """
@function
class Net:
    def __init__(self, *sizes):
        self.sizes = sizes

@cases("Net")
def images(rng):
    yield (rng.normal(size=(2, 3)), rng.integers(5, size=4))

@cases("Net")
def words(rng):
    yield ("a",)

@function
def many(*numbers):
    return numbers

@cases("many")
def some(rng):
    yield (float(rng.normal()),)
"""


@pytest.mark.parametrize(
    ("check", "why"),
    [
        ("model: Net, cases: images, aspect: parameters", "its parameters are judged by what is right"),
        ("model: Net, cases: images, aspect: shapes", "its shapes are judged by the reference's"),
        ("model: Net, cases: words", "its inputs are more than arrays of numbers"),
        ("cost: macs, function: Net, input: [1, 3], figure: macs", "it is judged by the reference's network"),
        ("call: many", "takes `*numbers`"),
        ("text: words, self_check: open, model_answer: A", "a check of the kind `text` holds what is right"),
    ],
)
def test_what_holds_an_answer_is_not_opened(tmp_path: Path, check: str, why: str) -> None:
    reference = "from grader import cases, function\n" + MODELS
    one = made(tmp_path, check, "source: style, requires: [for]", reference=reference).decisions["ex"][0]
    assert (one.how, one.why) == ("after_deadline", why)


def test_inputs_of_a_model_are_drawn_anew(tmp_path: Path) -> None:
    checks = (
        "model: Net, cases: images, properties: [trainable], parameters: 12345",
        "model: Net, cases: images, aspect: layers, layers: [ReLU], properties: [logits]",
    )
    bundle = made(tmp_path, *checks, reference="from grader import cases, function\n" + MODELS)
    assert set(how(bundle).values()) == {"open"}
    text = b"".join(bundle.files.values()).decode()
    assert "    yield (rng.normal(size=(2, 3)).astype('float64'), rng.integers(" in text
    assert not [word for word in ("12345", "ReLU", "sizes") if word in text]
    (exercise,) = loaded(bundle, tmp_path / "bundle").exercises()
    assert [one.shape for one in Evaluation(exercise.reference, None).cases("images")[0]] == [(2, 3), (4,)]


def test_a_gradient_is_judged_by_the_students_own_function(tmp_path: Path) -> None:
    (exercise,) = loaded(made(tmp_path / "course"), tmp_path / "bundle").exercises()
    truth = Evaluation(exercise.reference, None)
    options = exercise.rubric.checks[4].options
    gradient, forward = KINDS["gradient"].probes(options, truth)

    def judged(function: Callable[..., Any], slope: Callable[..., Any]) -> CheckResult:
        seen = {
            probe: [{"value": one(*(part.to_numpy() for part in case["args"])), "changed": False} for case in cases]
            for probe, one in ((gradient, slope), (forward, function))
            for cases in [cast("Any", probe.arguments)["cases"]]
        }
        return judge_seen(exercise, seen)["cube_slope"]

    right = judged(np.sin, np.cos)  # not the reference's, and still a function and its gradient
    assert (right.status, right.message) == (Status.PASSED, "It is the gradient of your own `cube`.")
    assert "It is right but for the sign." in judged(np.sin, lambda t: -np.cos(t)).message
    assert judged(lambda t: 3 * t, lambda t: 0 * t + 3).message.startswith("Your own `cube` is constant or a plain sum")
    assert judged(lambda _: None, np.cos).message.startswith("`cube_slope` cannot be judged yet: `cube([")
    assert "should give numbers, but gives text" in judged(np.sin, lambda _: "x").message
    assert judge_seen(exercise, {})["cube_slope"].message == "`cube_slope` cannot be called: was not observed."


# What it costs to guess


@pytest.mark.parametrize(
    ("value", "tolerance", "least", "most"),
    [
        (np.array(12), EXACT, 3, 4),
        (np.array(True), EXACT, 1, 1),
        (np.array(2359424), EXACT, 21, 22),
        ("dense", EXACT, 8, 8),
        (np.array(0.25), Tolerance(0.01, 0.005), 0, 5),
        (np.array([1 + 1j, np.nan, np.inf]), Tolerance(0.01, 0.005), 4, 20),
        (np.array([0.25] * 100), Tolerance(0.01, 0.005), 0, 5),  # one number, a hundred times
        (np.array([0.123456789, 0.987654321, 0.55555555]), Tolerance(1e-8, 1e-5), 40, 70),
    ],
)
def test_bits_left(value: np.ndarray | str, tolerance: Tolerance, least: float, most: float) -> None:
    assert least <= bits_left(value, tolerance) <= most


def test_what_rounding_makes_of_one_size_is_one_size() -> None:
    """Processors differ in the last digits; what is sealed must not."""
    alike, tolerance = np.array([0.3, 0.1 + 0.2, -0.3]), Tolerance(0.0, 1e-3)
    assert bits_left(alike, tolerance) == bits_left(alike[:1], tolerance)


def test_what_guessing_costs_is_the_same_on_every_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    assert seconds_to_guess(13) == 4096 * 0.015
    assert seconds_to_guess(1e6) > 1e100
    monkeypatch.setattr("grader.release.guessing.time", SimpleNamespace(process_time=count(0, 7).__next__))
    assert measured_seconds() == 7  # a slow machine
    assert seconds_to_guess(13) == 4096 * 0.015


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.04, "an instant"),
        (0.5, "0.5 seconds"),
        (59, "59 seconds"),
        (600, "10 minutes"),
        (90_000, "25 hours"),
        (1e6, "12 days"),
        (1e9, "32 years"),
        (1e30, "more than 10000 years"),
    ],
)
def test_spans_in_words(seconds: float, words: str) -> None:
    assert in_words(seconds) == words


# What is in a bundle


def test_nothing_of_what_is_true_is_in_a_bundle(tmp_path: Path) -> None:
    bundle = made(tmp_path)
    text = b"".join(bundle.files.values()).decode()
    for word in ("helper_of_the_author", "hidden_step", "77123.5", "0.123456", "not_squared", "no_step", "** 2"):
        assert word not in text
    for sentence in ("The step is missing.", "It is not squared.", "A long model answer."):
        assert sentence not in text


def test_the_same_pipeline_judges_at_home(tmp_path: Path) -> None:
    original = course(tmp_path / "course")
    bundle = make_bundle(original, original.assignments["sheet"], "")
    at_home = loaded(bundle, tmp_path / "bundle")
    (exercise,) = at_home.exercises()
    truth = next(original.exercises()).reference.evaluate()
    results = judge(exercise, truth)
    assert results["z"].status is Status.PASSED
    assert results["y"].status is results["word"].status is Status.SKIPPED
    wrong = judge(exercise, {"z": (truth["hidden_step"] - 0.123456) ** 2})["z"]
    assert (wrong.message, wrong.misconception) == ("The step is missing.", "no_step")
    assert judge(exercise, {"z": truth["hidden_step"]})["z"].message == "It is not squared."
    assert set(exercise.reference.nodes) == {"x", "z", "y", "word", "count"}


def test_a_bundle_of_personal_numbers(tmp_path: Path) -> None:
    original = make_personal_course(tmp_path / "course")
    assignment = original.assignments["sheet3"]
    exercise = assignment.exercises[0]
    seen = {}
    for person in ("anna", "bob"):
        at_home = loaded(make_bundle(original, assignment, person), tmp_path / person)
        (found,) = at_home.exercises()
        truth = Evaluation(exercise.reference, original.seed(assignment, person))
        answers = {check.id: truth.value(check.id) for check in exercise.rubric.checks}
        results = judge(found, answers)
        assert {result.status for result in results.values()} == {Status.PASSED}
        seen[person] = answers
        starter = (tmp_path / person / "exercises/sheet3/gradient_step/gradient_step.py").read_text(encoding="utf-8")
        space: dict[str, object] = {}
        exec(starter, space)  # noqa: S102 - ours
        np.testing.assert_array_equal(space["W1"], truth.value("W1"))
        assert at_home.bundle
        assert at_home.bundle.person == person
        assert at_home.key == ""
    (bobs,) = load_course(tmp_path / "bob", KINDS).exercises()
    assert Status.PASSED not in {judge(bobs, seen["anna"])[name].status for name in ("z1", "h", "W1_new")}


def test_an_untouched_starter_is_known_as_such(tmp_path: Path) -> None:
    (exercise,) = loaded(made(tmp_path / "course"), tmp_path / "bundle").exercises()
    assert [path.read_text(encoding="utf-8") for path in exercise.starters] == [STARTER]
    assert exercise.starters[0].parent.name == ".starters"


# What a second bundle tells


POWER = """
@function
def power(t):
    return t ** 5

@cases("power")
def drawn_at_random(rng):
    yield (rng.normal(size=4),)
"""


def test_a_second_bundle_is_the_same(tmp_path: Path) -> None:
    """Also of inputs that are drawn at random, for functions and gradients."""
    one, other = (made(tmp_path / name, *CHECKS, "call: power", reference=REFERENCE + POWER) for name in ("a", "b"))
    assert how(one)["power"] == how(one)["z"] == "sealed"
    assert one.files == other.files


def seals(bundle: Made, check: str = "z") -> dict[str, Any]:
    checks = yaml.safe_load(bundle.files["rubrics/sheet/ex.yaml"])["criteria"][0]["checks"]
    (found,) = (one for one in checks if one["id"] == check)
    return {name: found[name] for name in ("salt", "shifts", "seals")}


def test_a_corrected_sentence_tells_nothing_of_the_answer(tmp_path: Path) -> None:
    first = seals(made(tmp_path / "a"))
    second = seals(made(tmp_path / "b", reference=REFERENCE.replace("It is not squared.", "Square it.")))
    assert (second["salt"], second["shifts"]) == (first["salt"], first["shifts"])
    kept = {*first["seals"]} & {*second["seals"]}
    assert 2 <= len(kept) < len(first["seals"]) == len(second["seals"])  # "right", and the other mistake


PERSONAL = """
@given
def own(seed):
    return np.random.default_rng(seed).normal(size=3) * 1000

@given
def common():
    return np.array([777.25, -1234.5, 99.125])

@quantity
def mine(own, common):
    return own + common

@quantity
def ours(common):
    return 3 * common
"""


def test_what_is_the_same_for_everybody_is_sealed_once(tmp_path: Path) -> None:
    files = course_files(PERSONAL, rubric("value: mine", "value: ours", "value: ours, id: again"))
    files["course.yaml"] = "title: T\nkey: word\nassignments:\n  sheet: {title: S, personal: true, exercises: [ex]}\n"
    one = load_course(write(tmp_path, files), KINDS)
    anna, bob = (make_bundle(one, one.assignments["sheet"], person) for person in ("anna", "bob"))
    renamed = make_bundle(replace(one, title="U"), one.assignments["sheet"], "anna")
    assert seals(anna, "ours") == seals(bob, "ours")
    salts = [seals(anna, "ours"), seals(anna, "again"), seals(anna, "mine"), seals(bob, "mine"), seals(renamed, "ours")]
    assert len({each["salt"] for each in salts}) == len(salts)


def test_a_salt_tells_nothing_of_the_courses_key(tmp_path: Path) -> None:
    """It is one word, which a fast hash would give away."""
    one = course(tmp_path)
    sealed = [
        seals(make_bundle(replace(one, key=key), one.assignments["sheet"], "")) for key in ("", "embedded-ml-2025")
    ]
    assert sealed[0] == sealed[1]


def test_the_work_of_a_bundle_is_written_where_it_is_not_the_usual(tmp_path: Path) -> None:
    one = course(tmp_path / "course")
    usual, fast = (make_bundle(one, one.assignments["sheet"], "", work=work) for work in (WORK, 1))
    told = [bundle.files["rubrics/sheet/ex.yaml"].decode() for bundle in (usual, fast)]
    assert ["work: " in text for text in told] == [False, True]
    (exercise,) = loaded(fast, tmp_path / "bundle").exercises()
    truth = next(one.exercises()).reference.evaluate()
    assert judge(exercise, truth)["z"].status is Status.PASSED


def test_requirements_name_what_is_used(tmp_path: Path) -> None:
    assert made(tmp_path / "a").files["requirements.txt"].decode() == f"grader=={__version__}\n"
    one = course(tmp_path / "b", "source: style, requires: [for]", "figure: f")
    starter = tmp_path / "b/exercises/sheet/ex/ex.py"
    starter.write_text("from torch import nn\nimport sklearn\n", encoding="utf-8")
    settings = "title: E\nfiles: [ex.py]\nstarters: [ex.py]\npreload: [keras, safetensors.torch]\n"
    (tmp_path / "b/exercises/sheet/ex/exercise.yaml").write_text(settings, encoding="utf-8")
    one = load_course(tmp_path / "b", KINDS)
    lines = make_bundle(one, one.assignments["sheet"], "", "grader @ https://x.org/grader.whl").files
    assert lines["requirements.txt"].decode().splitlines() == [
        "grader @ https://x.org/grader.whl",
        "keras>=3.5",
        "matplotlib>=3.8",
        "safetensors>=0.4",
        "scikit-learn>=1.4",
        "torch>=2.4",
    ]


# Bad input


def place(tmp_path: Path) -> list[str]:
    course(tmp_path / "course")
    return ["release", "sheet", "--course", str(tmp_path / "course"), "--output", str(tmp_path / "out")]


def test_the_command_writes_a_folder_and_tells_what_guessing_costs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(place(tmp_path)) == ExitCode.PASSED
    told = capsys.readouterr().out
    assert f"wrote {tmp_path / 'out'}" in told.replace("\n", "")
    assert "form alone" in told
    assert "cheap to guess" in told
    assert "Times are for one core and 15 ms a guess, on every machine; this one takes" in told
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "README.md",
        "course.yaml",
        "exercises",
        "reference",
        "requirements.txt",
        "rubrics",
    ]


def test_a_zip_file_holds_the_same(tmp_path: Path) -> None:
    assert run([*place(tmp_path), "--zip"]) == ExitCode.PASSED
    with zipfile.ZipFile(tmp_path / "out.zip") as archive:
        assert "out/course.yaml" in archive.namelist()
        archive.extractall(tmp_path)
    assert load_course(tmp_path / "out", KINDS).bundle
    assert not list(tmp_path.glob(".*.tmp"))


def test_a_place_that_is_taken_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = place(tmp_path)
    write(tmp_path, {"out/mine.txt": "mine", "out.zip": "mine"})
    assert run(arguments) == ExitCode.USAGE
    assert f"{tmp_path / 'out'}: is not empty; name a new folder with --output, or empty" in capsys.readouterr().err
    assert run([*arguments, "--zip"]) == ExitCode.USAGE
    assert f"{tmp_path / 'out.zip'}: is there already; name another with --output" in capsys.readouterr().err
    assert (tmp_path / "out/mine.txt").read_text(encoding="utf-8") == "mine"


def test_a_place_that_cannot_be_written_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = place(tmp_path)
    (tmp_path / "file").write_text("", encoding="utf-8")
    arguments[-1] = str(tmp_path / "file" / "out")
    assert run(arguments) == ExitCode.INFRASTRUCTURE
    assert "file/out: the bundle cannot be written (" in capsys.readouterr().err


def test_an_assignment_without_anything_to_check_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    course(tmp_path, "text: words, model_answer: A")
    assert run(["release", "sheet", "--course", str(tmp_path), "--output", str(tmp_path / "out")]) == ExitCode.USAGE
    assert "assignment sheet: none of its checks can be made at home" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "assignment sheet3: everybody has numbers of their own; say whose with --person, or name everybody with"),
        (["--roster", "empty.csv"], "empty.csv: nobody is on this roster"),
        (["--roster", "twice.csv"], "twice.csv: two people are known as 'anna'; add a column `username`"),
        (["--roster", "r.csv", "--person", "anne"], "r.csv: nobody is known as 'anne'; did you mean 'anna'?"),
        (["--roster", "r.csv", "--person", "xyz"], "nobody is known as 'xyz'; there are 2 people, such as 'anna'"),
    ],
)
def test_who_it_is_for(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    message: str,
) -> None:
    make_personal_course(tmp_path)
    rosters = {
        "empty.csv": "name\n",
        "twice.csv": "name,username\nA B,anna\nC D,anna\n",
        "r.csv": "name,username\nAnna Bell,anna\nBob Ross,\n",
    }
    write(tmp_path, rosters)
    monkeypatch.chdir(tmp_path)
    assert run(["release", "sheet3", "--output", "out", *arguments]) == ExitCode.USAGE
    assert message in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_bundle_for_everybody_on_a_roster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_personal_course(tmp_path)
    write(tmp_path, {"r.csv": "name,username\nAnna Bell,anna\nBob Ross,\n"})
    monkeypatch.chdir(tmp_path)
    assert run(["release", "sheet3", "--output", "out", "--roster", "r.csv", "--zip"]) == ExitCode.PASSED
    names = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert names[0] == "anna.zip"
    assert names[1].startswith("bob-ross-")


def test_small_groups_on_a_roster_have_bundles_of_their_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # The slow key is slow on purpose, and none of these nine bundles is opened.
    monkeypatch.setattr(sealing, "slow_key", lambda text, salt, _work: hashlib.sha256(salt + text).digest())
    make_personal_course(tmp_path)
    pair = "Anna Bell,anna,Team 1\nBob Ross,bob,Team 1\n"
    alone_and_many = "Carl Orff,carl,Team 2\n" + "".join(f"P{n},p{n},Tuesday\n" for n in range(5))
    write(tmp_path, {"r.csv": f"name,username,group\n{pair}{alone_and_many}"})
    monkeypatch.chdir(tmp_path)
    assert run(["release", "sheet3", "--output", "out", "--roster", "r.csv", "--zip"]) == ExitCode.PASSED
    names = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert [name for name in names if name[0] not in "pP"][:3] == ["anna.zip", "bob.zip", "carl.zip"]
    assert [name.startswith("team-1") for name in names].count(True) == 1
    assert len(names) == 3 + 5 + 1


def test_numbers_for_one_person_of_those_who_all_have_the_same(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run([*place(tmp_path), "--person", "anna"]) == ExitCode.USAGE
    assert (
        "assignment sheet: everybody has the same numbers; leave --person and --roster out" in capsys.readouterr().err
    )


def in_bundle(tmp_path: Path) -> Path:
    loaded(made(tmp_path / "course"), tmp_path / "bundle")
    return tmp_path / "bundle"


@pytest.mark.parametrize(
    ("step", "what"), [(1, "which is too old for it; install the one"), (-1, "download the bundle")]
)
def test_a_bundle_of_another_version(tmp_path: Path, capsys: pytest.CaptureFixture[str], step: int, what: str) -> None:
    bundle = in_bundle(tmp_path)
    text = (bundle / "course.yaml").read_text(encoding="utf-8")
    text = text.replace(f"format: {FORMAT}\n", f"format: {FORMAT + step}\n  news: 1\n")
    (bundle / "course.yaml").write_text(text.replace(f"grader: {__version__}", "grader: 9.9.1"), encoding="utf-8")
    assert run(["check", str(bundle), "--course", str(bundle)]) == ExitCode.USAGE
    told = capsys.readouterr().err
    assert f"this bundle was made by grade 9.9.1, and this is grade {__version__}" in told
    assert what in told
    assert f"pip install -r {bundle / 'requirements.txt'}" in told


def test_an_older_bundle_of_the_same_version_is_not_mended_by_installing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bundle = in_bundle(tmp_path)
    text = (bundle / "course.yaml").read_text(encoding="utf-8")
    (bundle / "course.yaml").write_text(text.replace(f"format: {FORMAT}", "format: 2"), encoding="utf-8")
    assert run(["check", str(bundle), "--course", str(bundle)]) == ExitCode.USAGE
    told = " ".join(capsys.readouterr().err.split())
    assert told.endswith("which no longer reads format 2 of bundles; download the bundle again")


def test_an_edited_bundle_is_used_and_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bundle = in_bundle(tmp_path)
    changed = bundle / "rubrics/sheet/ex.yaml"
    changed.write_bytes(changed.read_bytes().replace(b"title: R", b"title: Mine"))
    starter = bundle / "exercises/sheet/ex/ex.py"
    starter.write_text(STARTER + "for i in range(3):\n    pass\n", encoding="utf-8")
    assert run(["check", str(starter), "--course", str(bundle)]) == ExitCode.FAILED
    told = capsys.readouterr().out
    assert "style  Right" in told
    assert "ex.yaml: was changed after this bundle was made" in told.replace("\n", "")


@pytest.mark.parametrize(
    ("name", "old", "new", "found"),
    [
        ("rubrics/sheet/ex.yaml", None, "", "cannot be read (No such file or directory)"),
        ("reference/sheet/ex.py", None, "", "cannot be read (No such file or directory)"),
        ("exercises/sheet/ex/exercise.yaml", "task: task.md", "task: none.md", "task: no file "),
        ("rubrics/sheet/ex.yaml", "    - ", "    - A", "is not in base64 ("),
    ],
)
def test_a_damaged_bundle_has_advice_for_students(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, old: str | None, new: str, found: str
) -> None:
    bundle = in_bundle(tmp_path)
    file = bundle / name
    if old is None:
        file.unlink()
    else:
        text = file.read_text(encoding="utf-8")
        assert old in text
        file.write_text(text.replace(old, new), encoding="utf-8")
    assert run(["check", str(bundle / "exercises/sheet/ex"), "--course", str(bundle)]) == ExitCode.COURSE
    told = " ".join(capsys.readouterr().err.split())
    assert found in told
    assert told.endswith(": this file of the bundle is damaged; download the bundle again and copy your work into it")
    assert "write" not in told


def test_ends_of_lines_are_no_change(tmp_path: Path) -> None:
    bundle = in_bundle(tmp_path)
    for path in bundle.rglob("*.yaml"):
        path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    found = load_course(bundle, KINDS).bundle
    assert found
    assert found.changed == ()
    (bundle / "rubrics/sheet/ex.yaml").unlink()
    with pytest.raises(CourseError, match=r"rubrics/sheet/ex\.yaml: cannot be read"):
        load_course(bundle, KINDS)


@pytest.mark.parametrize(
    "command", [["batch", ".", "--assignment", "sheet"], ["validate"], ["release", "sheet", "--output", "x"]]
)
def test_other_commands_refuse_a_bundle(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], command: list[str]
) -> None:
    bundle = in_bundle(tmp_path)
    monkeypatch.chdir(bundle)
    more = ["--isolation", "selfcheck"] if command[0] == "batch" else []
    assert run([*command, *more]) == ExitCode.USAGE
    assert f"{bundle}: is a bundle for students, without the answers" in capsys.readouterr().err
