import typing

from .reference import Steps, cases, function, given, misconception, property_of, quantity, trial

__version__: str

def check(exercise: str = "", **options: typing.Any) -> typing.Any: ...
def load_ipython_extension(shell: typing.Any) -> None: ...

__all__ = [
    "Steps",
    "__version__",
    "cases",
    "check",
    "function",
    "given",
    "load_ipython_extension",
    "misconception",
    "property_of",
    "quantity",
    "trial",
]
