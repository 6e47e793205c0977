"""What happens, in order: Submission → Run → Observation → CheckResult → Score → Report."""

from grader.pipeline.batch import Progress, grade
from grader.pipeline.deciding import Deciding, Wish, decide, publish_decisions
from grader.pipeline.moves import Mark, Move, Moved, Outcome, marks, moved
from grader.pipeline.regrading import Overtaken, Regrading, publish, regrade
from grader.pipeline.replaying import Replay, Replayed, replay
from grader.pipeline.tasks import Task, prepare
from grader.pipeline.work import Workplace

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
