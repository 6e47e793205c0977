"""Reading hand-ins as other people's tools leave them."""

from grader.importers.folders import read_one
from grader.importers.formats import FORMATS, read_folder, read_hand_ins
from grader.importers.handins import Intake, Settings, readable

__all__ = ["FORMATS", "Intake", "Settings", "read_folder", "read_hand_ins", "read_one", "readable"]
