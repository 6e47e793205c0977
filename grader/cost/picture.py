"""The memory of a network over its steps, to be drawn against a board's limit."""

from __future__ import annotations

from grader.cost.analysis import Cost
from grader.cost.boards import Board
from grader.cost.memory import timeline
from grader.model import Timeline


def memory_timeline(cost: Cost, board: Board | None = None) -> Timeline:
    """Return the bytes of activations alive in each step; the limit is the board's internal RAM."""
    alive = timeline(cost.schedule)
    names = [step.unit.name or step.unit.kind for step in cost.schedule.steps] or ["input"]
    limit = board.memory.internal_ram.usable if board else None
    title = f"Activations alive in each step, at {cost.precision}"
    return Timeline(title, "bytes", tuple(zip(names, map(float, alive), strict=True)), limit, "internal RAM")
