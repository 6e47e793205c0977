"""Running a hand-in: from files and a job to a :class:`~grader.model.Run`."""

from grader.execution.environment import environment
from grader.execution.run import CancelledError, execute
from grader.execution.sources import module_source, notebook_source

__all__ = ["CancelledError", "environment", "execute", "module_source", "notebook_source"]
