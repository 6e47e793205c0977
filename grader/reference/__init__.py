"""What is true: the graph of quantities that an author wrote for an exercise, and its evaluation."""

from grader.reference.authoring import given, misconception, quantity
from grader.reference.graph import Evaluation, Misconception, Quantity, Reference
from grader.reference.loading import load

__all__ = [
    "Evaluation",
    "Misconception",
    "Quantity",
    "Reference",
    "given",
    "load",
    "misconception",
    "quantity",
]
