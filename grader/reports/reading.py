"""Reading marks back from results.json."""

from __future__ import annotations

from typing import Any

from grader.pipeline import Mark, Outcome


def marks_from_json(data: Any) -> dict[str, Mark]:
    """Return the mark of every submission. Raises KeyError, TypeError, ValueError when ``data`` is of another shape."""
    return {str(one["id"]): _mark(one) for one in data["submissions"]}


def _mark(one: Any) -> Mark:
    checks = {
        (str(exercise["id"]), str(check["id"])): Outcome(
            float(check["points"]),
            float(check["max_points"]),
            str(check["status"]),
            check["misconception"],
            bool(check["follow_through"]),
        )
        for exercise in one["exercises"]
        for criterion in exercise["criteria"]
        for check in criterion["checks"]
    }
    return Mark(float(one["points"]), float(one["max_points"]), bool(one["pending"]), checks)
