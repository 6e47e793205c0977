"""Grading of courses in which students compute, code and train.

The author of a reference needs the names from here; everything else is behind the command ``grade``.
"""

from grader.reference import Steps, cases, function, given, misconception, property_of, quantity, trial

__all__ = [
    "Steps",
    "__version__",
    "cases",
    "function",
    "given",
    "misconception",
    "property_of",
    "quantity",
    "trial",
]

__version__ = "0.1.0"
