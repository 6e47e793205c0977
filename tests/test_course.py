"""Reading a course: what is in it, and every problem of every file at once, each with file, line, key and advice."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from judging_helpers import HEAD, course_files, make_course, rubric, write

from grader.checks import KINDS
from grader.course import (
    Assignment,
    CheckOptions,
    Course,
    Extension,
    LatePolicy,
    find_course,
    finding,
    load_course,
)
from grader.errors import CourseError, UsageError

REFERENCE = """
@given
def a(): return 1.0

@quantity
def area(a): return a * a

@quantity
def volume(area): return area * 2

@misconception("area", "No.")
def doubled(a): return 2 * a
"""
EXERCISE = "exercises/sheet/ex/exercise.yaml"
RUBRIC = "rubrics/sheet/ex.yaml"
WRONG = "reference/sheet/wrong/ex/wrong.yaml"
MAKE = "make it with `grade new exercise`"


def problems(root: Path, **changed: str) -> list[str]:
    """Return the problems of a course with some files changed, as ``path:line: message`` below its folder."""
    files = {**course_files(REFERENCE, rubric("value: area", "value: volume")), **changed}
    with pytest.raises(CourseError) as caught:
        load_course(write(root, files), KINDS)
    assert all(problem.where.startswith(str(root)) for problem in caught.value.problems)
    return [str(problem).replace(f"{root}/", "") for problem in caught.value.problems]


def in_file(root: Path, file: str, text: str) -> list[str]:
    """Return the problems of one file with this text, as ``line: message``."""
    found = problems(root, **{file: text})
    assert all(one.startswith(f"{file}:") for one in found), found
    return [one.removeprefix(f"{file}:") for one in found]


def in_criterion(root: Path, checks: str, points: str = "1", more: str = "") -> list[str]:
    """Return the problems of a rubric whose checks begin in line 6, as ``line: message``."""
    text = f"title: R\n{more}criteria:\n- title: All\n  points: {points}\n  checks:\n{checks}"
    return in_file(root, RUBRIC, text)


# What a course holds


def test_a_course_as_it_was_written(tmp_path: Path) -> None:
    text = (
        "title: T\nassignments:\n  sheet:\n    title: S\n    deadline: 2025-11-12T09:00:00+01:00\n    exercises: [ex]\n"
    )
    settings = (
        "title: E\nfiles: [ex.ipynb, ex.py]\nstarters: [ex.py]\nmemory_mb: 64\ntimeout_seconds: 2\nitems: [H01]\n"
    )
    files = course_files(REFERENCE, rubric("value: area", "value: volume, atol: 0.5, id: V", "value: volume, rtol: 0"))
    solution = {"reference/sheet/solutions/ex.py": "area = 1\n", "exercises/sheet/ex/ex.py": "area = None\n"}
    wrong = {
        "reference/sheet/wrong/ex/w.py": "area = 2\n",
        WRONG: "w.py: {title: W, loses: [area], names: [doubled]}\n",
    }
    root = write(tmp_path, {**files, "course.yaml": text, EXERCISE: settings, **solution, **wrong})
    course = load_course(root, KINDS)
    assignment = course.assignment("sheet")
    exercise = assignment.exercise("ex")
    assert (course.root, course.title, course.key, list(course.exercises())) == (tmp_path, "T", "", [exercise])
    assert (assignment.id, assignment.title, assignment.personal) == ("sheet", "S", False)
    assert assignment.deadline is not None
    assert assignment.deadline.utcoffset() == timedelta(hours=1)
    assert (exercise.files, exercise.items, exercise.title) == (("ex.ipynb", "ex.py"), {"H01": ()}, "E")
    assert (exercise.limits.memory_bytes, exercise.limits.timeout_seconds) == (64 * 1024**2, 2.0)
    assert exercise.starters == (tmp_path / "exercises/sheet/ex/ex.py",)
    assert [one.files for one in exercise.solutions] == [{"ex.py": tmp_path / "reference/sheet/solutions/ex.py"}]
    assert [(one.path.name, one.title, one.loses, one.names) for one in exercise.wrong] == [
        ("w.py", "W", frozenset({"area"}), frozenset({"doubled"}))
    ]
    assert [(check.id, check.options.subject, check.points) for check in exercise.rubric.checks] == [
        ("area", "area", 1.0),
        ("V", "volume", 1.0),
        ("volume", "volume", 1.0),
    ]
    assert (exercise.rubric.points, exercise.rubric.criteria[0].id) == (3.0, "all")


def test_hashes_follow_the_files(tmp_path: Path) -> None:
    def hashes(**changed: str) -> tuple[str, str, str]:
        files = course_files(REFERENCE, rubric("value: area"))
        (one,) = load_course(write(tmp_path, {**files, **changed}), KINDS).exercises()
        return one.sha256, one.rubric.sha256, one.reference.sha256

    before = hashes()
    assert before == hashes()
    changes = {
        "exercises/sheet/ex/task.md": "Other.\n",
        RUBRIC: rubric("value: volume"),
        "reference/sheet/ex.py": HEAD + REFERENCE + "\n",
    }
    for place, (name, text) in enumerate(changes.items()):
        after = hashes(**{name: text})
        assert [one != other for one, other in zip(before, after, strict=True)] == [n == place for n in range(3)]


def test_defaults_hold_for_every_check_that_says_nothing_else(tmp_path: Path) -> None:
    text = "title: R\ndefaults:\n  value: {atol: 0.5, points: 2}\ncriteria:\n- title: All\n  points: 3\n  checks:\n"
    text += "  - {value: area}\n  - {value: volume, atol: 0.1, points: 1}\n"
    files = course_files(REFERENCE, text)
    (exercise,) = load_course(write(tmp_path, files), KINDS).exercises()
    options = [check.options.model_dump(include={"atol", "points"}) for check in exercise.rubric.checks]
    assert options == [{"atol": 0.5, "points": 2.0}, {"atol": 0.1, "points": 1.0}]


def test_unknown_names_are_answered_with_the_known_ones(tmp_path: Path) -> None:
    course = make_course(tmp_path, REFERENCE, "value: area")
    with pytest.raises(UsageError) as no_assignment:
        course.assignment("shet")
    assert str(no_assignment.value) == f"{tmp_path}: no assignment 'shet' in this course; it has: sheet"
    with pytest.raises(UsageError) as no_exercise:
        course.assignment("sheet").exercise("x")
    assert str(no_exercise.value) == "assignment sheet has no exercise 'x'; it has: ex"


def test_options_of_a_kind_must_say_what_they_judge() -> None:
    with pytest.raises(NotImplementedError):
        _ = CheckOptions(points=1).subject


def test_personal_seeds(tmp_path: Path) -> None:
    course = Course(tmp_path, "T", "word", {})
    personal = Assignment("sheet", "S", personal=True, deadline=None, exercises=())
    other = Assignment("sheet2", "S", personal=True, deadline=None, exercises=())
    common = Assignment("sheet", "S", personal=False, deadline=None, exercises=())
    seed = course.seed(personal, "zoë")
    assert course.seed(common, "zoë") is None
    assert seed == course.seed(personal, "zoë") == 5738868401194636251  # else numbers handed out would change
    seeds = {
        seed,
        course.seed(other, "zoë"),
        course.seed(personal, "zoe"),
        Course(tmp_path, "T", "w", {}).seed(personal, "zoë"),
    }
    assert len(seeds) == 4
    assert all(one is not None and 0 <= one < 2**63 for one in seeds)
    assert course.seed(personal, "\udcff") is not None  # a folder's name that is no Unicode


# Where the course is


def test_a_course_is_named_by_its_folder_or_its_file(tmp_path: Path) -> None:
    write(tmp_path, {"c/course.yaml": ""})
    assert find_course(tmp_path / "c") == find_course(tmp_path / "c" / "course.yaml") == tmp_path / "c"


def test_a_course_is_found_above(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    deep = tmp_path / "a" / "b"
    deep.mkdir(parents=True)
    write(tmp_path, {"course.yaml": "", "a/course.yaml": ""})
    assert find_course(start=deep) == tmp_path / "a"
    monkeypatch.chdir(tmp_path)
    assert find_course() == tmp_path


def test_else_the_course_that_ships(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, {"shipped/course.yaml": "", "other/x": ""})
    monkeypatch.setattr(finding, "_SHIPPED", tmp_path / "shipped")
    assert find_course(start=tmp_path / "other") == tmp_path / "shipped"


def test_no_course(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError) as named:
        find_course(tmp_path)
    assert str(named.value) == f"{tmp_path}: no course.yaml here; name a course's folder with --course"
    monkeypatch.setattr(finding, "_SHIPPED", tmp_path)
    with pytest.raises(UsageError) as none:
        find_course(start=tmp_path)
    assert str(none.value) == (
        f"{tmp_path}: no course.yaml in this folder or above it, and this installation carries no course; "
        "change to its folder, name it with --course, or make one with `grade new course FOLDER`"
    )


# course.yaml


def test_a_course_file_that_is_missing(tmp_path: Path) -> None:
    with pytest.raises(CourseError) as caught:
        load_course(tmp_path, KINDS)
    assert (
        str(caught.value) == f"{tmp_path / 'course.yaml'}: cannot be read (No such file or directory); write this file"
    )


COURSE_TEXTS = {
    "": ["1: should be a mapping of keys to values, found nothing"],
    "- a\n": ["1: should be a mapping of keys to values, found a list"],
    "hello\n": ["1: should be a mapping of keys to values, found 'hello'"],
    "title: T\n": ["1: assignments: is missing"],
    "title: T\nassignments: {}\n": [
        "2: assignments: Dictionary should have at least 1 item after validation, not 0, found a mapping"
    ],
    "title: 5\nasignments: {}\nassignments:\n  s: {title: S, exercises: [no]}\n": [
        "1: title: should be a valid string, found 5",
        (
            "4: assignments.s.exercises[0]: should be a valid string (YAML reads yes, no, on and off as true and "
            "false: put the word in quotes), found False"
        ),
        "2: asignments: unknown key; did you mean `assignments`?",
    ],
    "title: T\nassignments:\n  s:\n    title: S\n    exercises: [ex]\n    personel: true\n    zzz: 1\n": [
        "6: assignments.s.personel: unknown key; did you mean `personal`?",
        (
            "7: assignments.s.zzz: unknown key; known here: deadline, exercises, extensions, "
            "extensions_file, late, max_group, personal, roster, title"
        ),
    ],
    "title: T\nassignments:\n  s:\n    title: S\n    exercises: []\n": [
        "5: assignments.s.exercises: List should have at least 1 item after validation, not 0, found a list"
    ],
    "title: T\nassignments:\n  s:\n    title: S\n    exercises: [ex]\n    deadline: 2025-11-12 09:00:00\n": [
        (
            "6: assignments.s.deadline: should have timezone info, found 2025-11-12 09:00:00; "
            "write the time zone behind it, as in 2025-11-12T09:00:00+01:00"
        )
    ],
    "title: T\nassignments:\n  sheet:\n    title: S\n    exercises: [ex]\n    personal: true\n": [
        (
            "6: assignments.sheet.personal: personal numbers need a `key` at the top of this file; "
            "write any word there and keep it"
        )
    ],
    "title: T\nassignments:\n  sheet:\n    title: S\n    exercises:\n    - ex\n    - ex\n": [
        "7: assignments.sheet.exercises[1]: exercise `ex` is listed twice; keep one"
    ],
    "title: T\ntitle: U\nassignments:\n  s: {title: S, title: U, exercises: [ex]}\n": [
        "2: key `title` stands here a second time (first in line 1); keep one",
        "4: key `title` stands here a second time (first in line 4); keep one",
    ],
    "title: T\nassignments: [\n": ["3: is not YAML: did not find expected node content"],
    "title: 'T\n": ["2: is not YAML: found unexpected end of stream"],
}


@pytest.mark.parametrize("text", COURSE_TEXTS)
def test_problems_of_a_course_file(tmp_path: Path, text: str) -> None:
    assert in_file(tmp_path, "course.yaml", text) == COURSE_TEXTS[text]


@pytest.mark.parametrize("data", [b"title: \xff\n", b"title: a\0b\n", b"a: &a [*a, *b]\n"])
def test_bytes_that_are_no_yaml(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "course.yaml").write_bytes(data)
    with pytest.raises(CourseError, match=r"course\.yaml(:\d+)?: is not YAML: "):
        load_course(tmp_path, KINDS)


def test_folders_that_are_not_there(tmp_path: Path) -> None:
    text = "title: T\nassignments:\n  sheet: {title: S, exercises: [exx]}\n  other: {title: S, exercises: [ex]}\n"
    assert problems(tmp_path, **{"course.yaml": text}) == [
        "course.yaml:3: assignments.sheet.exercises[0]: no folder exercises/sheet/exx; did you mean `ex`?",
        f"course.yaml:4: assignments.other.exercises[0]: no folder exercises/other/ex; {MAKE}",
    ]


# exercise.yaml


PLAIN_NAME = "should be the plain name of a notebook (.ipynb), a module (.py) or a file to look at"
EXERCISE_TEXTS = {
    "title: E\nfiles: [a/ex.py, ex.exe, ex.py]\n": [
        f"2: files[0]: 'a/ex.py' {PLAIN_NAME}",
        f"2: files[1]: 'ex.exe' {PLAIN_NAME}",
    ],
    "title: E\nfiles: [ex.py]\nstarters:\n- ex.py\n- other.py\n": [
        "4: starters[0]: no file exercises/sheet/ex/ex.py; write it or remove the entry",
        "5: starters[1]: 'other.py' is not among `files`",
    ],
    "title: E\nfiles: [ex.py]\ntask: text.md\n": [
        "3: task: no file exercises/sheet/ex/text.md; write the task's text there"
    ],
    "files: []\ntimeout_seconds: 0\nmemory_mb: 1.5\n": [
        "1: title: is missing",
        "1: files: List should have at least 1 item after validation, not 0, found a list",
        "2: timeout_seconds: should be greater than 0, found 0",
        "3: memory_mb: should be a valid integer, got a number with a fractional part, found 1.5",
    ],
    "title: E\nfiles: [ex.py]\ntimeout_seconds: .inf\n": ["3: timeout_seconds: should be a finite number, found inf"],
}


@pytest.mark.parametrize("text", EXERCISE_TEXTS)
def test_problems_of_an_exercise_file(tmp_path: Path, text: str) -> None:
    assert in_file(tmp_path, EXERCISE, text) == EXERCISE_TEXTS[text]


# Rubrics


KNOWN_KINDS = ", ".join(sorted(KINDS))
CHECKS = {
    "  - {value: area, points: 2}\n": [
        "4: criteria[0].points: the criterion is worth 1 points, but its checks add up to 2; make them agree"
    ],
    "  - {valeu: area, points: 1}\n": [
        "6: criteria[0].checks[0]: names no kind of check; unknown kind `valeu`; did you mean `value`?"
    ],
    "  - {points: 1, atol: 1, valu: area}\n": [
        "6: criteria[0].checks[0]: names no kind of check; unknown kind `valu`; did you mean `value`?"
    ],
    "  - {zzz: area, points: 1}\n": [
        f"6: criteria[0].checks[0]: names no kind of check; unknown kind `zzz`; known kinds: {KNOWN_KINDS}"
    ],
    "  - {points: 1}\n": [f"6: criteria[0].checks[0]: names no kind of check; known kinds: {KNOWN_KINDS}"],
    "  -\n": ["6: criteria[0].checks[0]: should be a valid dictionary, found nothing"],
    "  - {value: area, points: 1, atoll: 1}\n": ["6: criteria[0].checks[0].atoll: unknown key; did you mean `atol`?"],
    "  - {value: aria, points: 1}\n": [
        "6: criteria[0].checks[0]: value: `aria` is no quantity of reference/sheet/ex.py; did you mean `area`?"
    ],
    "  - {value: a, points: 1}\n": ["6: criteria[0].checks[0]: value: `a` is no quantity of reference/sheet/ex.py"],
    "  - {value: area, points: 1, credit: {doubld: 0.5, zzz: 2}}\n": [
        (
            "6: criteria[0].checks[0]: credit: `doubld` is no misconception of reference/sheet/ex.py; "
            "did you mean `doubled`?"
        ),
        "6: criteria[0].checks[0]: credit: `zzz` is no misconception of reference/sheet/ex.py",
        "6: criteria[0].checks[0]: credit: zzz should be between 0 and 1, found 2",
    ],
    "  - {value: area, points: 1, credit: {doubled: -1}}\n": [
        "6: criteria[0].checks[0]: credit: doubled should be between 0 and 1, found -1"
    ],
    "  - value: area\n    atol: -1\n    rtol: x\n    points: .inf\n": [
        "9: criteria[0].checks[0].points: should be a finite number, found inf",
        "7: criteria[0].checks[0].atol: should be greater than or equal to 0, found -1",
        "8: criteria[0].checks[0].rtol: should be a valid number, unable to parse string as a number, found 'x'",
    ],
    "  - {value: area, points: 1, follow_through: 1.5}\n": [
        "6: criteria[0].checks[0].follow_through: should be less than or equal to 1, found 1.5"
    ],
    "  - {value: area, points: 0.5}\n  - {value: area, points: 0.5}\n": [
        "7: criteria[0].checks[1]: a second check with id `area`; give it another `id`"
    ],
    "  - {value: area, points: 1, id: 1x}\n": [
        "6: criteria[0].checks[0].id: String should match pattern '^[A-Za-z_][A-Za-z0-9_.-]*$', found '1x'"
    ],
}


@pytest.mark.parametrize("checks", CHECKS)
def test_problems_of_checks(tmp_path: Path, checks: str) -> None:
    assert in_criterion(tmp_path, checks) == CHECKS[checks]


def test_a_check_of_two_kinds(tmp_path: Path) -> None:
    kinds = {**KINDS, "text": KINDS["value"]}
    text = "title: R\ncriteria:\n- title: All\n  points: 1\n  checks:\n  - {value: area, text: area, points: 1}\n"
    files = {**course_files(REFERENCE, rubric("value: area")), RUBRIC: text}
    with pytest.raises(CourseError) as caught:
        load_course(write(tmp_path, files), kinds)
    assert str(caught.value) == (
        f"{tmp_path / RUBRIC}:6: criteria[0].checks[0]: names two kinds of check (value, text); make two checks of it"
    )


def test_problems_of_criteria(tmp_path: Path) -> None:
    text = """title: R
criteria:
- title: Areas
  points: 1
  checks: [{value: area, points: 1}]
- title: areas!
  points: 1
  checks: [{value: volume, points: 1}]
- id: 3rd
  title: None
  points: -1
  checks: []
  chekcs: []
"""
    assert in_file(tmp_path, RUBRIC, text) == [
        "9: criteria[2].id: String should match pattern '^[A-Za-z][A-Za-z0-9_-]*$', found '3rd'",
        "11: criteria[2].points: should be greater than or equal to 0, found -1",
        "12: criteria[2].checks: List should have at least 1 item after validation, not 0, found a list",
        "13: criteria[2].chekcs: unknown key; did you mean `checks`?",
    ]
    assert in_file(tmp_path, RUBRIC, text.partition("- id")[0]) == [
        "6: criteria[1]: a second criterion with id `areas`; give it another `id`"
    ]


def test_problems_of_defaults_are_said_once_and_where_they_stand(tmp_path: Path) -> None:
    checks = "  - {value: area, points: 0.5}\n  - {value: volume, points: 0.5, atol: 1}\n"
    more = "defaults:\n  valu: {}\n  value:\n    atol: -1\n    rtoll: 1\n    exact: true\n"
    assert in_criterion(tmp_path, checks, more=more) == [
        "3: defaults.valu: unknown kind `valu`; did you mean `value`?",
        "5: defaults.value.atol: should be greater than or equal to 0, found -1",
        "6: defaults.value.rtoll: unknown key; did you mean `rtol`?",
    ]


def test_points_that_add_up_but_for_rounding(tmp_path: Path) -> None:
    text = rubric("value: area").replace("points: 1,", "points: 0.1,").replace("points: 1\n", "points: 0.3\n")
    text = text.rstrip("\n") + "\n      - {points: 0.2, value: volume}\n"
    (exercise,) = load_course(write(tmp_path, course_files(REFERENCE, text)), KINDS).exercises()
    assert exercise.rubric.points == 0.3


# Known-wrong hand-ins and what misconceptions lose


WRONG_TEXTS = {
    "w.py: {title: W, loses: [are, volume], names: [dubled]}\n": [
        "1: w.py.loses: unknown `are`; did you mean `area`?",
        "1: w.py.names: unknown `dubled`; did you mean `doubled`?",
    ],
    "w.py:\n  title: W\n  loses: [zzz]\n": ["3: w.py.loses: unknown `zzz`; known: area, volume"],
    "none.py: {title: W, loses: [area]}\n": [
        "1: none.py: no file reference/sheet/wrong/ex/none.py; write it or remove the entry"
    ],
    "w.ipynb: {title: W, loses: [area]}\n": ["1: w.ipynb: cannot be handed in: the exercise takes ex.py"],
    "w.py: {loses: []}\n1: {title: W}\n": [
        "1: w.py.title: is missing",
        "1: w.py.loses: List should have at least 1 item after validation, not 0, found a list",
        "2: 1.loses: is missing",
    ],
    "w.py:\n": ["1: w.py: should be a mapping of keys to values, found nothing"],
    "": ["1: should be a mapping from the name of each file here to what it loses"],
    "- w.py\n": ["1: should be a mapping from the name of each file here to what it loses"],
}


@pytest.mark.parametrize("text", WRONG_TEXTS)
def test_problems_of_wrong_hand_ins(tmp_path: Path, text: str) -> None:
    write(tmp_path, {"reference/sheet/wrong/ex/w.py": "", "reference/sheet/wrong/ex/w.ipynb": ""})
    assert in_file(tmp_path, WRONG, text) == WRONG_TEXTS[text]


def test_a_folder_of_wrong_hand_ins_without_its_list(tmp_path: Path) -> None:
    write(tmp_path, {"reference/sheet/wrong/ex/w.py": ""})
    assert problems(tmp_path) == [f"{WRONG}: cannot be read (No such file or directory); write this file"]


def test_a_misconception_that_loses_no_check(tmp_path: Path) -> None:
    text = HEAD + REFERENCE.replace('"No.")', '"No.", also_loses=("volume", "z"))')
    line = text.splitlines().index('@misconception("area", "No.", also_loses=("volume", "z"))') + 1
    assert problems(tmp_path, **{"reference/sheet/ex.py": text}) == [
        f"reference/sheet/ex.py:{line}: misconception `doubled` also_loses `z`, which is no check"
    ]


def test_a_misconception_that_shows_in_no_check(tmp_path: Path) -> None:
    text = HEAD + REFERENCE.replace('"No.")', '"No.", shows_in="z")')
    line = text.splitlines().index('@misconception("area", "No.", shows_in="z")') + 1
    assert problems(tmp_path, **{"reference/sheet/ex.py": text}) == [
        f"reference/sheet/ex.py:{line}: misconception `doubled` shows_in `z`, which is no check"
    ]


# All at once


def test_all_problems_of_all_files_come_at_once(tmp_path: Path) -> None:
    course = """title: T
assignments:
  sheet:
    title: S
    personal: true
    exercises: [ex, gone, second]
"""
    second = course_files("x = 1\n", rubric("value: q"), name="second")
    broken = {
        "course.yaml": course,
        EXERCISE: "title: E\nfiles: [ex.py]\ntimeout: 3\n",
        "reference/sheet/ex.py": "x = 1 / 0\n",
        RUBRIC: "title: R\ncriteria:\n- title: All\n  points: 1\n  checks:\n  - {value: area, points: 2}\n",
    }
    found = problems(tmp_path, **{**second, **broken})
    assert found == [
        (
            "course.yaml:5: assignments.sheet.personal: personal numbers need a `key` at the top of this file; "
            "write any word there and keep it"
        ),
        f"{EXERCISE}:3: timeout: unknown key; did you mean `timeout_seconds`?",
        "reference/sheet/ex.py:1: does not import: ZeroDivisionError: division by zero",
        f"{RUBRIC}:4: criteria[0].points: the criterion is worth 1 points, but its checks add up to 2; make them agree",
        f"course.yaml:6: assignments.sheet.exercises[1]: no folder exercises/sheet/gone; {MAKE}",
        "rubrics/sheet/second.yaml:6: criteria[0].checks[0]: value: `q` is no quantity of reference/sheet/second.py",
    ]


def test_files_that_are_missing(tmp_path: Path) -> None:
    write(tmp_path, {"exercises/sheet/ex/x": "", "course.yaml": course_files("", "")["course.yaml"]})
    with pytest.raises(CourseError) as caught:
        load_course(tmp_path, KINDS)
    assert [str(problem).replace(f"{tmp_path}/", "") for problem in caught.value.problems] == [
        f"{EXERCISE}: cannot be read (No such file or directory); write this file",
        "reference/sheet/ex.py: cannot be read (No such file or directory); every exercise needs it",
        f"{RUBRIC}: cannot be read (No such file or directory); write this file",
    ]


LATE_HEAD = "title: T\nassignments:\n  sheet:\n    title: S\n    exercises: [ex]\n"
DUE = "    deadline: 2026-03-28T12:00:00+01:00\n"
SPAN = "should be a span of time with its unit, such as 15 min, 1 h or 2 days"


@pytest.mark.parametrize(
    ("more", "problem"),
    [
        ("    late: {grace: 15}\n", f"6: assignments.sheet.late.grace: {SPAN}, found 15"),
        ("    late: {grace: 1 fortnight}\n", f"6: assignments.sheet.late.grace: {SPAN}, found '1 fortnight'"),
        (
            "    late: {until: 600 weeks}\n",
            "6: assignments.sheet.late.until: should be at most 3660 days, found '600 weeks'",
        ),
        (
            "    late:\n      cap: {percent: 5, points: 1}\n",
            "7: assignments.sheet.late.cap: should say either `percent` or `points`, found a mapping",
        ),
        (
            "    late:\n      linear: {every: 0 s, points: 1}\n",
            "7: assignments.sheet.late.linear: `every` should be longer than nothing, found a mapping",
        ),
        (
            "    late:\n      steps:\n      - {after: 2 h, points: 1}\n      - {after: 1 h, points: 2}\n",
            "6: assignments.sheet.late: `steps` should stand in the order of `after`, each time once, found a mapping",
        ),
        (
            "    late:\n      steps:\n      - {after: 2 h, point: 1}\n",
            "8: assignments.sheet.late.steps[0].point: unknown key; did you mean `points`?",
        ),
        (
            "    late: {grace: 2 h, until: 1 h}\n",
            "6: assignments.sheet.late: `until` should not be shorter than `grace`, found a mapping",
        ),
        (
            DUE + "    extensions:\n      anna: 2026-03-29 12:00:00\n",
            (
                "8: assignments.sheet.extensions.anna: should say its time zone, as in 2026-02-03T12:00:00+01:00, "
                "found 2026-03-29 12:00:00"
            ),
        ),
        (
            DUE + "    extensions:\n      anna: 2026-03-29\n",
            (
                "8: assignments.sheet.extensions.anna: should be a deadline such as 2026-02-03T12:00:00+01:00 and a "
                "time, or a span such as +2 days, found 2026-03-29"
            ),
        ),
        (
            DUE + "    extensions:\n      anna: 2026-03-27T12:00:00+01:00\n",
            (
                "8: assignments.sheet.extensions.anna: 2026-03-27 12:00:00+01:00 is before the deadline; an extension "
                "should be later"
            ),
        ),
        (
            "    extensions: {anna: +2 days}\n",
            "6: assignments.sheet.extensions: there is no `deadline` to extend; write it",
        ),
    ],
)
def test_what_is_wrong_with_lateness(tmp_path: Path, more: str, problem: str) -> None:
    assert in_file(tmp_path, "course.yaml", LATE_HEAD + more) == [problem]


def test_a_time_zone_is_one_that_there_is(tmp_path: Path) -> None:
    found = in_file(tmp_path, "course.yaml", "time_zone: Europe/Heidelberg\n" + LATE_HEAD)
    assert found == [
        "1: time_zone: should be a time zone by its IANA name, such as Europe/Berlin, found 'Europe/Heidelberg'"
    ]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (None, ("course.yaml:7: assignments.sheet.extensions_file: {}: the file of extensions cannot be read "
         "(No such file or directory); name a CSV file")),
        ("who,when\n", ("course.yaml:7: assignments.sheet.extensions_file: {}: the file of extensions needs the "
         "columns person and deadline; found who, when")),
        ("person;deadline\nanna;tomorrow\n", ("more.csv:2: deadline: should be a span of time with its unit, such as "
         "15 min, 1 h or 2 days, found 'tomorrow'")),
        ("person;deadline\n;+1 h\n", "more.csv:2: person: is missing"),
        ("person;deadline\nanna;\n", ("more.csv:2: deadline: should be a deadline such as 2026-02-03T12:00:00+01:00, "
         "or a span such as +2 days, found ''")),
        ("person;deadline\nanna;2026-99-01\n", ("more.csv:2: deadline: should be a deadline such as "
         "2026-02-03T12:00:00+01:00, or a span such as +2 days, found '2026-99-01'")),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_file_of_extensions(tmp_path: Path, text: str | None, found: str) -> None:
    files = {"course.yaml": LATE_HEAD + DUE + "    extensions_file: more.csv\n"}
    if text is not None:
        files["more.csv"] = text
    assert problems(tmp_path, **files) == [found.format("more.csv")]


def test_an_assignment_overrides_what_its_course_says(tmp_path: Path) -> None:
    text = (
        "title: T\ntime_zone: Europe/Berlin\nroster: all.csv\nmax_group: 3\nlate: {grace: 1 h 30 min}\nassignments:\n"
        "  sheet: {title: S, exercises: [ex]}\n  two: {title: S, exercises: [ex], late: {}, max_group: 2, "
        "roster: b.csv, deadline: 2026-03-28T12:00:00+01:00, extensions: {4711: +2 days}, extensions_file: more.csv}\n"
    )
    files = {**course_files(REFERENCE, rubric("value: area", "value: volume")), "course.yaml": text}
    files |= {name.replace("sheet/", "two/"): content for name, content in files.items() if "sheet/" in name}
    files["more.csv"] = (
        "\ufeffUsername\tAssignment\tUntil\nanna\ttwo\t1 h\nbela\tsheet\t1 h\nCarl\t\t2026-04-01T12:00:00+02:00\n"
    )
    course = load_course(write(tmp_path, files), KINDS)
    one, two = course.assignment("sheet"), course.assignment("two")
    assert one.late is not None
    assert (one.late.grace, two.late) == (timedelta(minutes=90), LatePolicy())
    assert (one.max_group, two.max_group) == (3, 2)
    assert (one.roster, two.roster) == (tmp_path / "all.csv", tmp_path / "b.csv")
    assert (one.zone, one.extensions) == (ZoneInfo("Europe/Berlin"), ())
    assert two.extensions == (
        Extension("4711", timedelta(days=2)),
        Extension("anna", timedelta(hours=1)),
        Extension("Carl", datetime.fromisoformat("2026-04-01T12:00:00+02:00")),
    )


def test_a_deadline_is_a_moment(tmp_path: Path) -> None:
    text = "title: T\nassignments:\n  sheet: {title: S, exercises: [ex], deadline: 2025-11-12T09:00:00Z}\n"
    files = {**course_files(REFERENCE, rubric("value: area")), "course.yaml": text}
    deadline = load_course(write(tmp_path, files), KINDS).assignment("sheet").deadline
    assert deadline == datetime.fromisoformat("2025-11-12T09:00:00+00:00")
