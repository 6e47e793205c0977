"""Bundles for students: an assignment that they can check themselves, without the answers."""

from grader.release.bundle import Made, make_bundle
from grader.release.deciding import LEAST_SECONDS, Decision
from grader.release.guessing import SECONDS_FOR_A_GUESS, in_words, measured_seconds
from grader.release.writing import check_place, write_folder, write_zip

__all__ = [
    "LEAST_SECONDS",
    "SECONDS_FOR_A_GUESS",
    "Decision",
    "Made",
    "check_place",
    "in_words",
    "make_bundle",
    "measured_seconds",
    "write_folder",
    "write_zip",
]
