"""What happens, in order: Submission → Run → Observation → CheckResult → Score → Report."""

from grader.pipeline.batch import Progress, grade
from grader.pipeline.moves import Mark, Move, Moved, Outcome, marks, moved
from grader.pipeline.regrading import Regrading, publish, regrade
from grader.pipeline.replaying import Replay, Replayed, replay
from grader.pipeline.tasks import Task, prepare
from grader.pipeline.work import Workplace

__all__ = [
    "Mark",
    "Move",
    "Moved",
    "Outcome",
    "Progress",
    "Regrading",
    "Replay",
    "Replayed",
    "Task",
    "Workplace",
    "grade",
    "marks",
    "moved",
    "prepare",
    "publish",
    "regrade",
    "replay",
]
