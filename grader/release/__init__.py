"""Bundles for students: an assignment that they can check themselves, without the answers."""

from grader.release.bundle import Made, make_bundle
from grader.release.deciding import LEAST_SECONDS, Decision
from grader.release.guessing import in_words, seconds_for_a_guess
from grader.release.writing import check_place, write_folder, write_zip

__all__ = [
    "LEAST_SECONDS",
    "Decision",
    "Made",
    "check_place",
    "in_words",
    "make_bundle",
    "seconds_for_a_guess",
    "write_folder",
    "write_zip",
]
