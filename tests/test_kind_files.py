"""The kind ``files``: documents, names, people, sources and the time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path

import pypdf
import pytest
from execution_helpers import QUICK
from judging_helpers import NO_CONTEXT, course_files, judge_seen, make_exercise, rubric, write

from grader.checks import KINDS, Context
from grader.checks.handed_in import is_named
from grader.course import load_course
from grader.errors import CourseError
from grader.execution import execute
from grader.model import CheckResult, Failure, Job, Probe, Status
from grader.sandbox import SelfCheck

FILES, PDF, SETTINGS = Probe("files", ""), Probe("pdf", ""), Probe("file", "group.yaml")
PAGE = {"name": "sheet.pdf", "pages": 3, "first_page": "Exercise 3\nJürgen Groß, Ada de la Cruz"}
GROUP = b"people: [Ada de la Cruz, Juergen Gross]\nextra_steps: none\n"


def judged(tmp_path: Path, options: str, seen: dict[Probe, object], context: Context = NO_CONTEXT) -> CheckResult:
    exercise = make_exercise(tmp_path, "", f"files: paper, {options}")
    (result,) = judge_seen(exercise, seen, context).values()
    return result


@pytest.mark.parametrize(
    ("options", "seen", "fraction", "message"),
    [
        ("pdfs: 1", {PDF: [PAGE]}, 1.0, ""),
        ("pdfs: 1", {PDF: []}, 0.0, "Expected 1 PDF, found 0."),
        ("pdfs: 1", {PDF: [PAGE, {**PAGE, "name": "b.pdf"}]}, 0.0, "Expected 1 PDF, found 2 (sheet.pdf, b.pdf)."),
        ("pdfs: 1", {PDF: [{"name": "a.pdf", "problem": "it is encrypted"}]}, 0.0, "`a.pdf`: it is encrypted."),
        ("pdfs: 1", {PDF: Failure("raised", "boom")}, 0.0, "Expected 1 PDF, found 0."),
        ("max_pages: 40", {PDF: [PAGE]}, 1.0, ""),
        ("max_pages: 2", {PDF: [PAGE]}, 0.0, "`sheet.pdf` has 3 pages; at most 2 are read."),
        ("pdfs: 1, max_pages: 2", {PDF: [PAGE]}, 0.5, "`sheet.pdf` has 3 pages; at most 2 are read."),
        ("settings: group.yaml, names: true", {PDF: [PAGE], SETTINGS: GROUP}, 1.0, ""),
        (
            "settings: group.yaml, names: true",
            {PDF: [{**PAGE, "first_page": "Ada de la Cruz"}], SETTINGS: GROUP},
            0.0,
            "Not on the first page: Juergen Gross.",
        ),
        (
            "settings: group.yaml, names: true",
            {PDF: [{**PAGE, "first_page": " "}], SETTINGS: GROUP},
            0.0,
            (
                "The first page of a PDF holds no text that can be read (is it a scan?), so that no name could be "
                "looked for."
            ),
        ),
        (
            "settings: group.yaml, names: true",
            {PDF: [], SETTINGS: GROUP},
            0.0,
            "The first page of a PDF was not found, so that no name could be looked for.",
        ),
        ("settings: group.yaml, names: true", {PDF: [PAGE]}, 0.0, "`group.yaml`: was not observed."),
        ("settings: group.yaml, most_people: 4", {SETTINGS: GROUP}, 1.0, ""),
        ("settings: group.yaml, most_people: 1", {SETTINGS: GROUP}, 0.0, "2 people handed in together; at most 1 may."),
        (
            "settings: group.yaml, most_people: 1",
            {SETTINGS: b"people:"},
            0.0,
            "`group.yaml` names nobody under `people`.",
        ),
        ("settings: group.yaml, documented: extra_steps", {SETTINGS: GROUP}, 1.0, ""),
        (
            "settings: group.yaml, documented: extra_steps",
            {SETTINGS: b"people: [A]"},
            0.0,
            "`group.yaml` says nothing under `extra_steps`; write `none` where there is nothing.",
        ),
        ("required: ['*.py|*.ipynb']", {FILES: {"a/b.ipynb": 3}}, 1.0, ""),
        ("required: ['*.py|*.ipynb']", {FILES: {"a/b.txt": 3}}, 0.0, "No file *.py or *.ipynb was handed in."),
    ],
)
def test_demands(tmp_path: Path, options: str, seen: dict[Probe, object], fraction: float, message: str) -> None:
    result = judged(tmp_path, options, seen)
    assert (result.fraction, result.message) == (fraction, message)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"a: [", "`group.yaml`, line 1: expected the node content, but found '<stream end>'."),
        (b"\xff", "`group.yaml` is not YAML in UTF-8 (UnicodeDecodeError)."),
        (b"- a", "`group.yaml` should hold keys and values, as in the file that was handed out."),
        (b"a: &x [1]\nb: [*x, *x]", "`group.yaml` is not YAML in UTF-8 (YAMLError)."),
        (b"!!python/object/apply:os.system [ls]", "could not determine a constructor"),
        (b"x" * 70_000, "`group.yaml` has 70000 bytes; at most 65536 are expected."),
    ],
)
def test_settings_that_cannot_be_read(tmp_path: Path, content: bytes, message: str) -> None:
    result = judged(tmp_path, "settings: group.yaml, most_people: 4", {SETTINGS: content})
    assert result.status is Status.FAILED
    assert message in result.message


@pytest.mark.parametrize(
    ("after", "told"),
    [
        (timedelta(minutes=-1), "Handed in 2025-11-12 08:59 Europe/Berlin, before the deadline 2025-11-12 09:00."),
        (
            timedelta(minutes=65),
            "Handed in 2025-11-12 10:05 Europe/Berlin, 1 h 5 min after the deadline 2025-11-12 09:00.",
        ),
        (None, "It is not known when this was handed in."),
    ],
)
def test_lateness_is_told_and_costs_nothing(tmp_path: Path, after: timedelta | None, told: str) -> None:
    deadline = datetime(2025, 11, 12, 8, 0, tzinfo=UTC)
    context = Context(received=None if after is None else deadline + after, deadline=deadline)
    result = judged(tmp_path, "deadline: true, time_zone: Europe/Berlin", {}, context)
    assert (result.fraction, result.message) == (1.0, told)


def test_an_unknown_time_zone(tmp_path: Path) -> None:
    write(tmp_path, course_files("", rubric("files: paper, time_zone: Berlin")))
    with pytest.raises(CourseError) as caught:
        load_course(tmp_path, KINDS)
    assert "no time zone 'Berlin'; write one as in Europe/Berlin" in str(caught.value)


def test_names_are_compared_fairly() -> None:
    assert is_named("Jürgen Groß", "GROSS, Juergen")
    assert is_named("Zoë O'Neil", "zoe o neil")
    assert not is_named("Anna Lee", "Anna Leeds")


def pdf(*, pages: int = 1, locked: bool = False) -> bytes:
    writer = pypdf.PdfWriter()
    for _ in range(pages):
        writer.add_blank_page(200, 200)
    if locked:
        writer.encrypt("a", algorithm="RC4-128")
    stream = BytesIO()
    writer.write(stream)
    return stream.getvalue()


def test_documents_are_read_in_the_sandbox() -> None:
    files = (("a/long.pdf", pdf(pages=40)), ("b.pdf", b"no pdf"), ("c.PDF", pdf(locked=True)), ("d.pdf", b""))
    run = execute(Job("files", "g.yaml", "", files, (PDF,), QUICK), SelfCheck())
    found = run.observations[0].value
    assert isinstance(found, list)
    told = {one["name"]: (one.get("pages"), str(one.get("problem", ""))[:20]) for one in found if isinstance(one, dict)}
    assert told == {
        "a/long.pdf": (40, ""),
        "b.pdf": (None, "it cannot be read (P"),
        "c.PDF": (None, "it is encrypted; sav"),
        "d.pdf": (None, "it cannot be read (E"),
    }
