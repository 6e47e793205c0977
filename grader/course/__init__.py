"""A course as its authors wrote it: read, validated whole, and frozen."""

from grader.course.finding import find_course
from grader.course.kinds import CheckOptions, CreditOptions, Kind
from grader.course.lateness import Extension, LatePolicy, read_extensions
from grader.course.loading import load_course, outline
from grader.course.types import Assignment, Bundle, Check, Course, Criterion, DataNeed, Exercise, Rubric

__all__ = [
    "Assignment",
    "Bundle",
    "Check",
    "CheckOptions",
    "Course",
    "CreditOptions",
    "Criterion",
    "DataNeed",
    "Exercise",
    "Extension",
    "Kind",
    "LatePolicy",
    "Rubric",
    "find_course",
    "load_course",
    "outline",
    "read_extensions",
]
