from .files import page_name, write_batch
from .machine import schema, to_json
from .pages import class_page, student_page
from .plain_page import student_text
from .terminal import print_batch, print_report

__all__ = [
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
