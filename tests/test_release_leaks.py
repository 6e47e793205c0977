"""Nothing that is to be kept is in a bundle of any assignment of the course that ships, and bundles judge rightly."""

from __future__ import annotations

import ast
import io
import json
import re
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
import yaml
from course_helpers import ROOT
from judging_helpers import judge, judge_seen

from grader.checks import KINDS
from grader.checks.answers import expected_value
from grader.checks.calling import call_probe, drawn, noted
from grader.checks.sealed import Seals
from grader.checks.sealed_call import SealedCallOptions
from grader.checks.sealing import SALT_BYTES
from grader.course import Assignment, Check, Course, Exercise, load_course
from grader.model import CheckResult, Status
from grader.reference import Evaluation
from grader.release import Decision, Made, in_words, make_bundle, write_folder, write_zip
from grader.release.sealed_values import unasked_above

PERSON = "anna"
#: Seals are as those of `grade release`, but that guessing costs nothing.
FAST = 1
ASSIGNMENTS = ("sheet3", "microcontrollers", "theory_to_practice", "tinyml")
#: What is judged as a student would have it; the others are only searched.
JUDGED = ("sheet3/gradient_step", "microcontrollers/numpy_network", "tinyml/sigmoid_layer", "tinyml/networks")


@cache
def course() -> Course:
    return load_course(ROOT, KINDS)


def person(assignment: Assignment) -> str:
    return PERSON if assignment.personal else ""


@cache
def bundle(name: str) -> Made:
    assignment = course().assignments[name]
    return make_bundle(course(), assignment, person(assignment), work=FAST)


def truth(exercise: Exercise) -> Evaluation:
    assignment = course().assignments[exercise.assignment]
    return Evaluation(exercise.reference, course().seed(assignment, person(assignment)))


@cache
def text(name: str) -> str:
    """Return all that is in a bundle, as it comes out of its zip file, and what is in its notebooks' cells."""
    found = io.BytesIO()
    with zipfile.ZipFile(found, "w") as archive:
        for path, content in bundle(name).files.items():
            archive.writestr(path, content)
    with zipfile.ZipFile(found) as archive:
        parts = [archive.read(one).decode() for one in archive.namelist()]
    return "\n".join(parts)


@cache
def public(name: str) -> str:
    """Return what students were handed out before there were bundles: tasks, starters and settings."""
    exercises = course().assignments[name].exercises
    paths = [path for one in exercises for path in (one.task, *one.starters, one.folder / "exercise.yaml")]
    return "\n".join(path.read_text(encoding="utf-8") for path in paths)


@cache
def numbers_in(where: str) -> frozenset[str]:
    """Return all numbers that stand in a text by themselves, not within words or base64."""
    found = re.findall(r"(?<![\w.+/])\d[\d_,.]*(?:e[+-]?\d+)?(?![\w+/=])", where)
    return frozenset(part for one in found for part in (one, one.rstrip(".,"), *one.split(",")))


@cache
def words_in(where: str) -> frozenset[str]:
    return frozenset(re.findall(r"[^\W\d]\w*", where))


def spellings(number: complex) -> Iterator[str]:
    """Yield how a number may be written, with four digits or more."""
    real = float(number.real)
    if abs(real - round(real)) < 1e-9:
        whole = round(abs(real))
        if whole >= 1000:
            yield from (str(whole), f"{whole:,}", f"{whole:_}", f"{whole}.0")
        return
    every = {repr(abs(real)), *(f"{abs(real):.{digits}g}" for digits in range(4, 18))}
    yield from (one for one in every if len(re.sub(r"\D", "", one.partition("e")[0]).lstrip("0")) >= 4)


def values(exercise: Exercise) -> Iterator[tuple[str, Any]]:
    """Yield all values that the reference computes, by name: also of quantities that nobody is asked for."""
    evaluation = truth(exercise)
    for name in exercise.reference.quantities:
        try:
            yield name, expected_value(evaluation.value(name))
        except (TypeError, ValueError):  # a data set, a network: nothing that is written as one number
            continue


@pytest.mark.parametrize("name", ASSIGNMENTS)
def test_no_expected_value_is_in_it(name: str) -> None:
    known = public(name)
    handed_out = "\n".join(
        content.decode() for path, content in bundle(name).files.items() if path.endswith((".py", ".ipynb", "task.md"))
    )
    given = numbers_in("\n".join([known, *re.findall(r"(?s)@given.*?(?=@quantity|@function|@cases|\Z)", handed_out)]))
    found = numbers_in(text(name))
    searched = 0
    for exercise in course().assignments[name].exercises:
        for quantity, expected in values(exercise):
            numbers = [] if isinstance(expected, str) else expected.astype(complex).ravel()[:400].tolist()
            for spelling in {one for number in numbers for one in spellings(number)}:
                searched += 1
                assert spelling not in found - given, f"{exercise.id}/{quantity}: {spelling}"
    assert searched > 30


def test_no_expected_value_is_in_the_program_that_students_install() -> None:
    """Its pages and sources take other numbers for examples."""
    paths = [path for path in (ROOT / "grader").rglob("*") if path.suffix in {".py", ".md", ".yaml", ".json"}]
    where = numbers_in("\n".join(path.read_text(encoding="utf-8") for path in [*paths, ROOT / "README.md"]))
    given = numbers_in("\n".join(public(name) for name in ASSIGNMENTS))
    searched = 0
    for exercise in (one for name in ASSIGNMENTS for one in course().assignments[name].exercises):
        for quantity, expected in values(exercise):
            numbers = [] if isinstance(expected, str) else expected.astype(complex).ravel()[:400].tolist()
            for spelling in {one for number in numbers for one in spellings(number)} - given:
                if len(re.sub(r"\D", "", spelling)) >= 6:
                    searched += 1
                    assert spelling not in where, f"{exercise.id}/{quantity}: {spelling}"
    assert searched > 1000


@pytest.mark.parametrize("name", ASSIGNMENTS)
def test_no_private_function_is_in_it(name: str) -> None:
    judged_by = "\n".join(
        content.decode()
        for path, content in bundle(name).files.items()
        if path.startswith(("reference/", "rubrics/")) or path.endswith(".yaml")
    )
    decisions = [one for found in bundle(name).decisions.values() for one in found]
    asked = json.dumps(
        [dict(one.options or {}) for one in decisions if one.how == "open"]
    )  # such as labels of a figure
    known, words = public(name), words_in(judged_by) - words_in(public(name)) - words_in(asked)
    searched = 0
    for exercise in course().assignments[name].exercises:
        reference = exercise.reference
        shown = {
            *reference.definitions,
            *reference.givens,
            *reference.cases,
            *(check.options.subject for check in exercise.rubric.checks),
            *(check.id for check in exercise.rubric.checks),
        }
        source = reference.path.read_text(encoding="utf-8")
        for node in ast.parse(source).body:
            if not isinstance(node, ast.FunctionDef | ast.ClassDef):
                continue
            if node.name not in shown:
                searched += 1
                assert node.name not in words
            for line in (ast.get_source_segment(source, node) or "").splitlines()[1:]:
                if len(line.strip()) > 30 and line.strip() not in known:
                    searched += 1
                    assert line.strip() not in text(name), line
    assert searched > 50 or name == "sheet3"


@pytest.mark.parametrize("name", ASSIGNMENTS)
def test_no_sentence_of_a_mistake_and_no_model_answer_is_in_it(name: str) -> None:
    where, known = text(name), public(name)
    sentences: set[str] = set()
    for exercise in course().assignments[name].exercises:
        reference = exercise.reference
        sentences |= {one.message for one in reference.misconceptions.values()}
        sentences |= {one.message for one in reference.properties.values()}
        sentences |= {identifier for identifier in reference.misconceptions if "_" in identifier}
        rubric = yaml.safe_load((ROOT / f"rubrics/{name}/{exercise.id}.yaml").read_text(encoding="utf-8"))
        for check in (check for criterion in rubric["criteria"] for check in criterion["checks"]):
            sentences |= set(evidence(check))
    sentences -= {one for one in sentences if one in known}
    assert len(sentences) > 40
    assert [one for one in sorted(sentences) if one in where] == []


def evidence(check: Mapping[str, Any]) -> Iterator[str]:
    """Yield what a rubric says of written answers, in words of some length."""
    if "text" in check or "choice" in check or "formula" in check:
        told = [check.get("model_answer", ""), *map(str, check.get("accept", []))]
        told += [point["point"] for point in check.get("key_points", [])]
        yield from (one for one in told if len(one) > 20)


@pytest.mark.parametrize("name", ASSIGNMENTS)
def test_no_solution_right_or_wrong_is_in_it(name: str) -> None:
    where, known = text(name), public(name)
    known += "".join(bundle(name).files[path].decode() for path in bundle(name).files if "/.starters/" in path)
    searched = 0
    for exercise in course().assignments[name].exercises:
        paths = {path for one in exercise.solutions for path in one.files.values()}
        paths |= {path for one in exercise.wrong for path in one.files.values()}
        for path in (path for path in paths if path.suffix in {".py", ".ipynb"}):
            for line in lines(path):
                if len(line) > 40 and line not in known:
                    searched += 1
                    assert line not in where, f"{path}: {line}"
    assert searched > 50


def lines(path: Path) -> Iterator[str]:
    source = path.read_text(encoding="utf-8")
    if path.suffix == ".ipynb":
        source = "\n".join("".join(cell["source"]) for cell in json.loads(source)["cells"])
    yield from {line.strip() for line in source.splitlines()}


@pytest.mark.parametrize("name", ASSIGNMENTS)
def test_no_key_and_no_seed_is_in_it(name: str) -> None:
    assignment, where = course().assignments[name], text(name)
    assert course().key not in where
    seeds = [course().hidden(assignment, one) for one in ("", PERSON)]
    if assignment.personal:
        seeds.append(course().seed(assignment, PERSON) or 0)
    for seed in seeds:
        assert str(seed) not in where
        assert f"{seed:x}" not in where


@pytest.mark.parametrize("name", ASSIGNMENTS)
def test_what_stands_in_a_sealed_check_is_known(name: str) -> None:
    """No option that could tell an answer slips in with a new version."""
    known = {"sealed", "id", "number", "shape", "transpose", "unit", "kilobyte", "atol", "rtol", "points"}
    known |= {"sealed_call", "cases", "shapes", "conventions"}
    secret = {"salt", "shifts", "work", "seals"}
    sealed = 0
    for path, content in bundle(name).files.items():
        if not path.startswith("rubrics/"):
            continue
        for check in (check for one in yaml.safe_load(content)["criteria"] for check in one["checks"]):
            if "sealed" in check or "sealed_call" in check:
                sealed += 1
                assert set(check) - known in ({*secret}, set())
                assert "seals" not in check or len(check["salt"]) == 4 * -(-SALT_BYTES // 3)
    assert sealed > 10


def test_the_documented_costs_of_guessing_are_those_of_this_course() -> None:
    decided = {name: found for one in ASSIGNMENTS for name, found in bundle(one).decisions.items()}
    rows = [
        f"| {name} | {costs(found, 'sealed')} | {costs(found, 'properties')} |"
        for name, found in decided.items()
        if any(one.seconds is not None for one in found)
    ]
    assert len(rows) > 15
    assert "\n".join(["|---|---|---|", *rows, ""]) in (ROOT / "grader/release/SEALING.md").read_text(encoding="utf-8")


def costs(decisions: Iterable[Decision], how: str) -> str:
    timed = [(one.check.id, one.seconds) for one in decisions if one.how == how and one.seconds is not None]
    return ", ".join(f"`{name}` {in_words(seconds)}" for name, seconds in timed) or "-"


LIBRARIES = {
    "sheet3": {"matplotlib", "safetensors", "torch"},
    "microcontrollers": {"keras", "matplotlib", "scikit-learn", "torch"},
    "theory_to_practice": {"keras", "matplotlib", "scikit-learn", "torch"},
    "tinyml": {"matplotlib", "safetensors", "torch"},
}


@pytest.mark.parametrize("name", ASSIGNMENTS)
def test_the_requirements_are_all_that_solutions_need(name: str) -> None:
    lines = bundle(name).files["requirements.txt"].decode().split()
    assert {line.partition(">=")[0] for line in lines[1:]} == LIBRARIES[name]


@pytest.mark.parametrize("name", ASSIGNMENTS)
def test_the_guide_writes_data_where_the_files_look_for_them(name: str) -> None:
    """A notebook runs in its own folder."""
    files = bundle(name).files
    told = re.findall(r"^\.venv/bin/grade data (\S+)/data (.+)$", files["README.md"].decode(), re.MULTILINE)
    needs = {one.id: [need.name for need in one.data] for one in course().assignments[name].exercises if one.data}
    assert dict(told) == {f"exercises/{name}/{one}": " ".join(sets) for one, sets in needs.items()}
    for folder, sets in told:
        starters = [content.decode() for path, content in files.items() if path.startswith(f"{folder}/")]
        assert all(any(f"data/{one}" in text for text in starters) for one in sets.split())


def test_the_guide_s_example_earns_points_at_home() -> None:
    """The first exercise of this sheet has only answers that are judged later, or by their form."""
    readme = bundle("theory_to_practice").files["README.md"].decode()
    assert "\n.venv/bin/grade check exercises/theory_to_practice/activations\n" in readme


@pytest.mark.parametrize("name", ASSIGNMENTS)
def test_a_bundle_loads_and_a_starter_earns_nothing(name: str, tmp_path: Path) -> None:
    write_folder(bundle(name).files, tmp_path / "bundle")
    at_home = load_course(tmp_path / "bundle", KINDS)
    assert at_home.bundle
    assert at_home.bundle.changed == ()
    for exercise in at_home.exercises():
        sealed = [check.id for check in exercise.rubric.checks if check.kind.name == "sealed"]
        results = judge(exercise, {})
        assert [results[one].status for one in sealed] == [Status.FAILED] * len(sealed)


@pytest.fixture(scope="module")
def homes(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Exercise]:
    """Return the exercises of all bundles that are judged, by assignment and name."""
    found: dict[str, Exercise] = {}
    for assignment in sorted({name.partition("/")[0] for name in JUDGED}):
        folder = tmp_path_factory.mktemp(assignment) / "bundle"
        write_folder(bundle(assignment).files, folder)
        found |= {f"{one.assignment}/{one.id}": one for one in load_course(folder, KINDS).exercises()}
    return found


@pytest.mark.parametrize("name", JUDGED)
def test_right_answers_are_right_at_home(name: str, homes: Mapping[str, Exercise]) -> None:
    assignment, _, exercise = name.partition("/")
    evaluation = truth(course().assignments[assignment].exercise(exercise))
    checks = [check for check in homes[name].rubric.checks if check.kind.name == "sealed"]
    answers = {check.options.subject: evaluation.value(check.options.subject) for check in checks}
    results = judge(homes[name], {key: list(one) if isinstance(one, tuple) else one for key, one in answers.items()})
    sealed = [check.id for check in checks if cast("Seals", check.options).seals]
    assert len(sealed) >= 3
    assert [results[one].status for one in sealed] == [Status.PASSED] * len(sealed)
    assert {results[check.id].status for check in checks if check.id not in sealed} <= {Status.SKIPPED}


@pytest.mark.parametrize("name", JUDGED)
def test_mistakes_are_named_at_home(name: str, homes: Mapping[str, Exercise]) -> None:
    """Each mistake, made in its own quantity or above it where nobody looks, is named where it shows."""
    assignment, _, exercise = name.partition("/")
    original = course().assignments[assignment].exercise(exercise)
    asked = {check.options.subject for check in original.rubric.checks if check.kind.name == "value"}
    evaluation = truth(original)
    named = 0
    for check in (check for check in homes[name].rubric.checks if check.kind.name == "sealed" and check.points):
        subject = check.options.subject
        suspects = {subject, *unasked_above(original.reference, subject, asked)}
        for wrong in original.reference.misconceptions.values():
            if wrong.target not in suspects:
                continue
            mistaken = Evaluation(original.reference, evaluation.seed, {wrong.target: evaluation.mistaken(wrong)})
            if shows(mistaken.value(subject), evaluation.value(subject)):
                result = judge(homes[name], {subject: mistaken.value(subject)})[check.id]
                assert result.misconception is not None, f"{wrong.id} in {subject}"
                assert result.message == original.reference.misconceptions[result.misconception].message
                assert result.status is not Status.PASSED
                named += 1
    assert named >= 3


@pytest.mark.parametrize("name", ["microcontrollers/numpy_network", "tinyml/networks"])
def test_functions_are_judged_at_home(name: str, homes: Mapping[str, Exercise]) -> None:
    assignment, _, exercise = name.partition("/")
    original = course().assignments[assignment].exercise(exercise).reference
    named = 0
    checks = [check for check in homes[name].rubric.checks if check.kind.name == "sealed_call"]
    for check in checks:
        function = check.options.subject
        assert called(homes[name], check, original.definitions[function].function).status is Status.PASSED
        for wrong in original.misconceptions.values():
            if wrong.target == function:
                # Some show with other inputs only, such as large ones, which are a check of their own.
                named += called(homes[name], check, wrong.function).misconception is not None
    assert checks
    assert named >= len(checks)


def called(exercise: Exercise, check: Check, function: Callable[..., Any]) -> CheckResult:
    """Return the result of a hand-in with this function."""
    options = cast("SealedCallOptions", check.options)
    cases = drawn(Evaluation(exercise.reference, None), options.cases)
    seen = [
        {"raised": one.raised, "message": one.message} if one.raised else {"value": one.value, "changed": False}
        for one in (noted(function, case) for case in cases)
    ]
    return judge_seen(exercise, {call_probe(options.sealed_call, cases): seen})[check.id]


def shows(wrong: Any, right: Any) -> bool:
    one, other = np.asarray(wrong, dtype=float), np.asarray(right, dtype=float)
    return one.shape == other.shape and not np.allclose(one, other, rtol=0.02, atol=0.02)


#: Runs ``grade`` in this process and says whether that has imported anything large.
CHECK = """
import sys
from grader.cli import run
status = run(sys.argv[1:])
print({"torch", "sklearn"} & {*sys.modules})
sys.exit(status)
"""


def test_a_student_checks_a_module_without_torch(tmp_path: Path) -> None:
    write_folder(bundle("sheet3").files, tmp_path / "bundle")
    hand_in = tmp_path / "bundle/exercises/sheet3/gradient_step/gradient_step.py"
    hand_in.write_bytes((ROOT / "reference/sheet3/solutions/gradient_step.py").read_bytes())
    command = [sys.executable, "-c", CHECK, "check", str(hand_in.relative_to(tmp_path / "bundle"))]
    done = subprocess.run(command, cwd=tmp_path / "bundle", capture_output=True, text=True, check=False)
    assert done.stdout.splitlines()[-1] == "set()", done.stderr
    assert "Total: 15 of 15 points" in done.stdout
    assert done.returncode == 0


def test_a_zip_file_is_the_same_whenever_it_is_made(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        write_zip(bundle("sheet3").files, tmp_path / name / "sheet3.zip")
    assert (tmp_path / "a/sheet3.zip").read_bytes() == (tmp_path / "b/sheet3.zip").read_bytes()
