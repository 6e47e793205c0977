"""What happens, in order: Submission → Run → Observation → CheckResult → Score → Report."""

from grader.pipeline.batch import Progress, grade
from grader.pipeline.tasks import Task, prepare
from grader.pipeline.work import Workplace

__all__ = ["Progress", "Task", "Workplace", "grade", "prepare"]
