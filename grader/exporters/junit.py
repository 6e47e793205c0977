"""JUnit's XML: a suite for each exercise of each submission, a test for each check, points as properties."""

from __future__ import annotations

from collections.abc import Iterable
from xml.etree import ElementTree as ET

from grader.exporters.exports import Export, Settings
from grader.model import CheckScore, ExerciseReport, Report, Status
from grader.reports.text import clean, count, number
from grader.reports.wording import outcome
from grader.store import Grading


def junit(grading: Grading, settings: Settings) -> Export:
    """Return one file with all submissions. What is pending is an error, or skipped where a person has to mark it."""
    del settings
    reports = [entry.report for entry in grading.entries]
    checks = sum(len(one.checks) for report in reports for part in report.exercises for one in part.criteria)
    return Export({f"{grading.assignment}.xml": junit_xml(grading.title, reports)}, f"{count(checks, 'test')}.")


def junit_xml(title: str, reports: Iterable[Report]) -> bytes:
    """Return the file with the suites of ``reports``."""
    root = ET.Element("testsuites", name=clean(title))
    root.extend(_suite(report, exercise) for report in reports for exercise in report.exercises)
    for name in ("tests", "failures", "errors", "skipped"):
        root.set(name, str(sum(int(suite.get(name, "0")) for suite in root)))
    ET.indent(root, " ")
    return bytes(ET.tostring(root, encoding="utf-8", xml_declaration=True)) + b"\n"


def _suite(report: Report, exercise: ExerciseReport) -> ET.Element:
    cases = [_case(report, exercise, check) for criterion in exercise.criteria for check in criterion.checks]
    suite = ET.Element("testsuite", name=clean(f"{report.id}/{exercise.id}"), tests=str(len(cases)))
    for kind, tag in _COUNTED.items():
        suite.set(kind, str(sum(case.find(tag) is not None for case in cases)))
    suite.set("time", f"{exercise.seconds:.3f}")
    more = {"pending": str(exercise.pending).lower(), "late_seconds": str(report.late_seconds)}
    suite.append(_properties(exercise.points, exercise.max_points, more))
    suite.extend(cases)
    return suite


_COUNTED = {"failures": "failure", "errors": "error", "skipped": "skipped"}


def _case(report: Report, exercise: ExerciseReport, check: CheckScore) -> ET.Element:
    result = check.result
    case = ET.Element("testcase", classname=clean(f"{report.id}.{exercise.id}"), name=clean(result.id), time="0")
    more = {"misconception": result.misconception} if result.misconception else {}
    case.append(_properties(check.points, check.max_points, more))
    word, message = outcome(check).word, clean(result.message)
    decided = check.decision is not None and not check.owed
    if not decided and (result.for_person or result.status is Status.SKIPPED):
        ET.SubElement(case, "skipped", message=word).text = message or None
    elif not decided and result.status is Status.ERROR:
        ET.SubElement(case, "error", message=word, type="pending").text = message
    elif check.fraction < 1:
        ET.SubElement(case, "failure", message=word, type=result.status.value).text = message
    return case


def _properties(points: float, max_points: float, more: dict[str, str]) -> ET.Element:
    properties = ET.Element("properties")
    for name, value in {"points": number(points), "max_points": number(max_points), **more}.items():
        ET.SubElement(properties, "property", name=name, value=clean(value))
    return properties
