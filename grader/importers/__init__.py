"""Reading hand-ins as other people's tools leave them."""

from grader.importers.folders import Intake, read_folder, read_one, readable

__all__ = ["Intake", "read_folder", "read_one", "readable"]
