"""Reports for people and programs: pages, terminal output and JSON, all made from ``Report`` alone."""

from grader.model import Batch
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
