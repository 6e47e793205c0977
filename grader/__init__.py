"""Grading of courses in which students compute, code and train.

An author of a reference needs three names from here, :func:`given`, :func:`quantity` and
:func:`misconception`; everything else is behind the command ``grade``.
"""

from grader.reference import given, misconception, quantity

__all__ = ["__version__", "given", "misconception", "quantity"]

__version__ = "0.1.0"
