"""What is true: the graph of quantities that an author wrote for an exercise, and its evaluation."""

from grader.reference.authoring import cases, function, given, misconception, property_of, quantity, trial
from grader.reference.graph import (
    Cases,
    Definition,
    Evaluation,
    Misconception,
    Property,
    Quantity,
    Reference,
    Steps,
    Trial,
)
from grader.reference.loading import load

__all__ = [
    "Cases",
    "Definition",
    "Evaluation",
    "Misconception",
    "Property",
    "Quantity",
    "Reference",
    "Steps",
    "Trial",
    "cases",
    "function",
    "given",
    "load",
    "misconception",
    "property_of",
    "quantity",
    "trial",
]
