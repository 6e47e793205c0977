"""What is true: the graph of quantities that an author wrote for an exercise, and its evaluation."""

from grader.reference.authoring import cases, function, given, misconception, quantity
from grader.reference.graph import Cases, Definition, Evaluation, Misconception, Quantity, Reference, Steps
from grader.reference.loading import load

__all__ = [
    "Cases",
    "Definition",
    "Evaluation",
    "Misconception",
    "Quantity",
    "Reference",
    "Steps",
    "cases",
    "function",
    "given",
    "load",
    "misconception",
    "quantity",
]
