from .batch import Progress, grade
from .deciding import Deciding, Wish, decide, publish_decisions
from .moves import Mark, Move, Moved, Outcome, marks, moved
from .regrading import Overtaken, Regrading, publish, regrade
from .replaying import Replay, Replayed, replay
from .tasks import Task, prepare
from .work import Workplace

__all__ = [
    "Deciding",
    "Mark",
    "Move",
    "Moved",
    "Outcome",
    "Overtaken",
    "Progress",
    "Regrading",
    "Replay",
    "Replayed",
    "Task",
    "Wish",
    "Workplace",
    "decide",
    "grade",
    "marks",
    "moved",
    "prepare",
    "publish",
    "publish_decisions",
    "regrade",
    "replay",
]
