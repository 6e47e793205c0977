"""A course and a class to try everything on: nobody's real work, and every kind of trouble."""

from grader.demo.moodle import write_moodle
from grader.demo.people import EXERCISE, MISTAKES, RIGHT, HandIn, hand_ins
from grader.demo.writing import ASSIGNMENT, copy_course, files_of, write_demo

__all__ = [
    "ASSIGNMENT",
    "EXERCISE",
    "MISTAKES",
    "RIGHT",
    "HandIn",
    "copy_course",
    "files_of",
    "hand_ins",
    "write_demo",
    "write_moodle",
]
