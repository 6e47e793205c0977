"""What a class has in common: the same wrong answers, kept with the grading, shown to the instructor alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from course_helpers import PERIMETER, RIGHT, hand_in, make_course, place

from grader.checks import KINDS
from grader.course import load_course
from grader.importers import read_folder
from grader.model import Batch, Findings, Flag, SameAnswer
from grader.pipeline import grade, publish, regrade
from grader.reports import class_page, student_page, write_batch
from grader.store import Store, open_store

HOSTILE = "</pre><script>alert(1)</script> \u202e {{ 7*7 }}"


@pytest.fixture
def store() -> Iterator[Store]:
    with open_store(None) as opened:
        yield opened


def wrong(area: object, double: object = 27.0) -> str:
    return f"area = {area!r}\ndouble_area = {double!r}\n"


def graded(root: Path, store: Store, sources: Mapping[str, str]) -> Batch:
    """Grade hand-ins to the scaffold's exercise: area is 13.5, and double_area 27."""
    course = load_course(root, KINDS) if (root / "course.yaml").is_file() else make_course(root)
    folder = root.parent / "all"
    files = {f"{name}/rectangles.py": source for name, source in sources.items()}
    hand_in(folder, {name: source for name, source in files.items() if not (folder / name).exists()})
    submissions = read_folder(folder, "sheet1").submissions
    return grade(course, course.assignments["sheet1"], submissions, place(store))


def test_the_same_wrong_value_of_several_is_found(tmp_path: Path, store: Store) -> None:
    sources = {
        "anna": wrong(13.457),
        "bela": wrong([13.457]),
        "carl": wrong(13.4570000001),
        "dana": wrong(13.458),
        "emil": RIGHT,
        "fred": wrong(13.5, 28.125),
        "gina": wrong(13.5, 28.125),
    }
    found = graded(tmp_path / "course", store, sources).findings.same_answers
    assert found == (
        SameAnswer("rectangles", "area", "13.457", ("anna", "bela", "carl")),
        SameAnswer("rectangles", "double_area", "28.125", ("fred", "gina")),
    )


@pytest.mark.parametrize(
    "source",
    [
        PERIMETER,
        RIGHT,
        wrong(0),
        wrong(12),
        wrong(20.0),
        wrong(1e6),
        wrong(None),
        wrong(True),
        wrong("abc"),
        wrong(1e999),
    ],
    ids=["recognised", "right", "zero", "12", "20", "1e6", "None", "True", "text", "infinite"],
)
def test_what_is_recognised_right_or_common_by_chance_is_not(tmp_path: Path, store: Store, source: str) -> None:
    source = source.replace("inf", "1e999")
    assert graded(tmp_path / "course", store, dict.fromkeys(("anna", "bela"), source)).findings == Findings()


def test_follow_through_is_no_second_wrong_answer(tmp_path: Path, store: Store) -> None:
    sources = dict.fromkeys(("anna", "bela"), wrong(13.457, 26.914))
    (found,) = graded(tmp_path / "course", store, sources).findings.same_answers
    assert found.check == "area"


def test_values_of_the_starter_are_nobodys(tmp_path: Path, store: Store) -> None:
    root = tmp_path / "course"
    make_course(root)
    starter = root / "exercises/sheet1/rectangles/rectangles.py"
    starter.write_text("area = 98.76\ndouble_area = [1.25,\nbroken(", encoding="utf-8")
    sources = dict.fromkeys(("anna", "bela"), wrong(98.76))
    assert len(graded(root, store, sources).findings.same_answers) == 1  # the starter cannot be read
    starter.write_text("area = 98.76\ndouble_area = open('x')\n", encoding="utf-8")
    assert graded(root, store, sources).findings == Findings()


def test_what_an_untouched_hand_in_shows_is_nobodys(tmp_path: Path, store: Store) -> None:
    root = tmp_path / "course"
    make_course(root)
    starter = root / "exercises/sheet1/rectangles/rectangles.py"
    starter.write_text("# --- given ---\narea = 98.76\n# --- end of given ---\n", encoding="utf-8")
    sources = dict.fromkeys(("anna", "bela"), wrong(98.76))
    assert len(graded(root, store, sources).findings.same_answers) == 1
    untouched = {"carl": starter.read_text(encoding="utf-8")}
    assert graded(root, store, {**sources, **untouched}).findings == Findings()


def test_findings_are_kept_with_the_grading_and_judged_anew(tmp_path: Path, store: Store) -> None:
    root = tmp_path / "course"
    batch = graded(root, store, {"anna": wrong(13.457), "bela": wrong(13.457), "carl": RIGHT})
    grading = store.last_grading("sheet1")
    assert grading is not None
    assert grading.findings == batch.findings != Findings()
    graded(root, store, {"anna": wrong(13.457), "bela": wrong(13.457), "carl": RIGHT})
    assert len(store.gradings("sheet1")) == 1
    reference = root / "reference/sheet1/rectangles.py"
    more = '\n\n@misconception("area", "A slip of the pen.")\ndef slip(a):\n    return 13.457\n'
    reference.write_text(reference.read_text(encoding="utf-8") + more, encoding="utf-8")
    regrading = regrade(load_course(root, KINDS).assignments["sheet1"], store)
    assert regrading.batch.findings == Findings()  # it is recognised now
    publish(regrading, store)
    last = store.last_grading("sheet1")
    assert last is not None
    assert last.findings == Findings()
    assert len(store.gradings("sheet1")) == 2


def test_the_class_page_shows_them_and_nobody_elses(tmp_path: Path, store: Store) -> None:
    sources = {f"s{number}": wrong(13.457) for number in range(6)} | dict.fromkeys(("x", "y"), wrong(13.111))
    batch = graded(tmp_path / "course", store, sources)
    page = class_page(batch, {one.id: f"students/{one.id}.html" for one in batch.reports})
    rare, _, common = page.split('id="answers"')[1].split("</section>")[0].partition("By more")
    assert "13.111" in rare
    assert "13.457" not in rare
    assert "13.457" in common
    assert '<a href="students/x.html">' in rare
    assert all("Rare" not in student_page(one) for one in batch.reports)
    write_batch(batch, tmp_path / "out")
    assert "same_answers" not in (tmp_path / "out/results.json").read_text(encoding="utf-8")


def test_somebody_elses_numbers_have_a_section_of_their_own(tmp_path: Path, store: Store) -> None:
    batch = graded(tmp_path / "course", store, {"anna": RIGHT, "noah": wrong(13.4)})
    flag = Flag("noah", "rectangles", "made for the personal numbers of anna, by `area`", "anna")
    flagged = replace(batch, reports=(batch.reports[0], replace(batch.reports[1], flags=(flag,))))
    page = class_page(flagged, {"anna": "students/anna.html"})
    needs = page.split('id="needs"')[1].split("</section>")[0]
    assert '<a href="#numbers">1 hand-in made for the personal numbers of others</a>' in needs
    assert "made for the personal numbers of anna" not in needs
    section = page.split('id="numbers"')[1].split("</section>")[0]
    assert '<a href="students/anna.html">' in section
    assert "by <code>area</code>" in section
    assert 'id="numbers"' not in class_page(batch, {})


def test_hostile_answers_stay_text(tmp_path: Path, store: Store) -> None:
    batch = graded(tmp_path / "course", store, {"anna": RIGHT})
    found = Findings((SameAnswer(HOSTILE, HOSTILE, HOSTILE, (HOSTILE, "anna")),))
    page = class_page(replace(batch, findings=found), {})
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert "{{ 7*7 }}" in page
