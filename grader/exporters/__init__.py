"""Marks and feedback, in the files that platforms and programs take back: all made from the gradebook alone."""

from grader.exporters.exports import Export, Settings
from grader.exporters.formats import FORMATS
from grader.exporters.writing import write_files

__all__ = ["FORMATS", "Export", "Settings", "write_files"]
