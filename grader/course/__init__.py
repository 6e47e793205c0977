"""A course as its authors wrote it: read, validated whole, and frozen."""

from grader.course.finding import find_course
from grader.course.kinds import CheckOptions, Kind
from grader.course.loading import load_course, outline
from grader.course.types import Assignment, Check, Course, Criterion, DataNeed, Exercise, Rubric

__all__ = [
    "Assignment",
    "Check",
    "CheckOptions",
    "Course",
    "Criterion",
    "DataNeed",
    "Exercise",
    "Kind",
    "Rubric",
    "find_course",
    "load_course",
    "outline",
]
