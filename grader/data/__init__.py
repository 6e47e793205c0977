"""Data sets of the course: readers for the real files, and embedded stand-ins where there are none.

``DATA.md`` beside this file says where to put real files, what the stand-ins are, and what was measured on them.
"""

from grader.data.datasets import NAMES, VARIABLE, DataSet, load, write
from grader.data.samples import Content, Samples

__all__ = ["NAMES", "VARIABLE", "Content", "DataSet", "Samples", "load", "write"]
