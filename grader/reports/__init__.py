"""Reports for people and programs: pages, terminal output and JSON, all made from ``Report`` alone."""

from importlib import import_module
from typing import TYPE_CHECKING

from grader.model import Batch

if TYPE_CHECKING:
    from grader.reports.files import page_name, write_batch
    from grader.reports.machine import schema, to_json
    from grader.reports.pages import class_page, student_page
    from grader.reports.plain_page import student_text
    from grader.reports.terminal import print_batch, print_report

__all__ = [
    "Batch",
    "class_page",
    "page_name",
    "print_batch",
    "print_report",
    "schema",
    "student_page",
    "student_text",
    "to_json",
    "write_batch",
]

_WHERE = {
    "class_page": "pages",
    "page_name": "files",
    "print_batch": "terminal",
    "print_report": "terminal",
    "schema": "machine",
    "student_page": "pages",
    "student_text": "plain_page",
    "to_json": "machine",
    "write_batch": "files",
}


def __getattr__(name: str) -> object:
    """Return what is asked for: a self-check prints, and does not wait for what pages need."""
    if name not in _WHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_WHERE[name]}"), name)
