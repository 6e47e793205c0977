"""Reads what a pickle describes without unpickling it: nothing is imported or called, whatever the file says.

A small machine of its own goes through the opcodes (https://docs.python.org/3/library/pickletools.html) and builds
dictionaries, lists, tuples, text, bytes, numbers, and arrays of numbers. An array is what NumPy writes for one:
``_reconstruct(ndarray, …)`` or ``_frombuffer``, with a ``dtype``, a shape and bytes. These names are compared, not
looked up; any other is refused.
"""

from __future__ import annotations

import pickletools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

#: What a pickle may name. NumPy 1 has its modules in ``core``, NumPy 2 in ``_core``.
_NAMES = {
    "numpy.core.multiarray._reconstruct": "reconstruct",
    "numpy._core.multiarray._reconstruct": "reconstruct",
    "numpy.core.numeric._frombuffer": "frombuffer",
    "numpy._core.numeric._frombuffer": "frombuffer",
    "numpy.ndarray": "ndarray",
    "numpy.dtype": "dtype",
    # How Python 3 writes bytes in the protocols of Python 2: text, to be encoded as latin1.
    "_codecs.encode": "encode",
}
_DTYPES = {
    *("b1", "i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", "f4", "f8"),
    # Spelled out by some versions of NumPy.
    *("bool", "int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64", "float32", "float64"),
}
_Order = Literal["<", ">", "|", "="]
_ORDERS: dict[str, _Order] = {"<": "<", ">": ">", "|": "|", "=": "="}
_MAX_DIMENSIONS = 8

_CONSTANTS: dict[str, Any] = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}
_ARGUMENT = {
    *("INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4", "FLOAT", "BINFLOAT"),
    *("STRING", "BINSTRING", "SHORT_BINSTRING", "BINBYTES", "SHORT_BINBYTES", "BINBYTES8", "BYTEARRAY8"),
    *("UNICODE", "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8"),
}
_MARK = object()


class PickleError(ValueError):
    """The bytes are no pickle, or describe more than plain data."""


@dataclass(slots=True)
class _Name:
    meaning: str


@dataclass(slots=True)
class _Dtype:
    code: str
    order: _Order = "="


@dataclass(slots=True)
class _Array:
    """An array whose values come later; ``values`` is None until then."""

    values: NDArray[Any] | None = None


def loads(data: bytes) -> dict[str, Any]:
    """Return the dictionary that a pickle describes; keys as text, whether they are text or bytes there.

    Text of Python 2 is read as latin1. Raises PickleError for everything that is not such a dictionary.
    """
    machine = _Machine(len(data))
    try:
        for opcode, argument, _ in pickletools.genops(data):
            machine.step(opcode.name, argument)
    except PickleError:
        raise
    except (ValueError, IndexError, KeyError, TypeError, AttributeError, OverflowError, UnicodeError) as error:
        raise PickleError(f"it is damaged ({type(error).__name__}: {error})") from error
    if len(machine.stack) != 1 or not isinstance(machine.stack[0], dict):
        raise PickleError("it does not hold one dictionary")
    return {_text(key): _finished(value) for key, value in machine.stack[0].items()}


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bytes):
        return value.decode("latin1")
    raise PickleError(f"a {type(value).__name__} stands where text is expected")


def _finished(value: Any) -> Any:
    if not isinstance(value, _Array):
        return value
    if value.values is None:
        raise PickleError("an array has no values")
    return value.values


class _Machine:
    """A stack and a memo, as the pickle machine has; ``step`` does one opcode.

    ``budget`` is how many bytes may be copied: those of the file, so that a small file cannot ask for much memory.
    """

    def __init__(self, budget: int) -> None:
        self.budget = budget
        self.stack: list[Any] = []
        self.memo: dict[int, Any] = {}

    def step(self, name: str, argument: Any) -> None:
        if name in _CONSTANTS:
            self.stack.append(_CONSTANTS[name])
        elif name in _ARGUMENT:
            self.stack.append(argument)
        elif name in _STEPS:
            _STEPS[name](self, argument)
        else:
            raise PickleError(f"it asks for more than plain data (opcode {name})")

    def since_mark(self) -> list[Any]:
        place = len(self.stack) - 1
        while self.stack[place] is not _MARK:
            place -= 1
            if place < 0:
                raise PickleError("it is damaged (a mark is missing)")
        found = self.stack[place + 1 :]
        del self.stack[place:]
        return found

    def push(self, value: Any) -> None:
        self.stack.append(value)

    def pop(self, count: int) -> list[Any]:
        found = [self.stack.pop() for _ in range(count)]
        return found[::-1]

    def copied(self, value: Any) -> bytes:
        self.budget -= len(value)
        if self.budget < 0:
            raise PickleError("it uses the same bytes again and again")
        return value.encode("latin1") if isinstance(value, str) else bytes(memoryview(value))

    def array(self, shape: Any, dtype: Any, data: Any, *, fortran: bool) -> NDArray[Any]:
        """Return a copy of the array; the size of ``data`` is the file's, so a false shape asks for no memory."""
        if not isinstance(dtype, _Dtype) or not isinstance(shape, tuple) or len(shape) > _MAX_DIMENSIONS:
            raise PickleError("it holds an array that is not of plain numbers")
        if not all(isinstance(size, int) and size >= 0 for size in shape):
            raise PickleError("it holds an array of an impossible shape")
        kind = np.dtype(dtype.code).newbyteorder(dtype.order)
        values = np.frombuffer(self.copied(data), kind).reshape(shape, order="F" if fortran else "C")
        return values.astype(kind.newbyteorder("="))

    def extend(self, items: list[Any]) -> None:
        self._top(list).extend(items)

    def update(self, items: list[Any]) -> None:
        self._top(dict).update(_pairs(items))

    def name(self, module: Any, name: Any) -> None:
        full = f"{_text(module)}.{_text(name)}"
        if full not in _NAMES:
            raise PickleError(f"it names {full[:80]!r}, which is no plain data")
        self.push(_Name(_NAMES[full]))

    def reduce(self) -> None:
        function, arguments = self.pop(2)
        meaning = function.meaning if isinstance(function, _Name) else ""
        if meaning == "reconstruct" and isinstance(arguments[0], _Name) and arguments[0].meaning == "ndarray":
            self.push(_Array())
        elif meaning == "frombuffer":
            values, dtype, shape, order = arguments
            self.push(_Array(self.array(shape, dtype, values, fortran=order == "F")))
        elif meaning == "dtype":
            code = _text(arguments[0])
            if code not in _DTYPES:
                raise PickleError(f"it holds an array of dtype {code[:20]!r}, which is no plain number")
            self.push(_Dtype(code))
        elif meaning == "encode" and arguments[1] == "latin1":
            self.push(self.copied(arguments[0]))
        else:
            raise PickleError("it calls something, where plain data is expected")

    def build(self) -> None:
        target, state = self.pop(2)
        if isinstance(target, _Dtype):
            # The state is (version, order, …). The order is looked up only if it is text: a nest of tuples, whose hash
            # is a recursion without limit in Python's own code, could bring the process down.
            order = _ORDERS.get(state[1]) if isinstance(state[1], str) else None
            if order is None:
                raise PickleError("it holds an unknown byte order")
            target.order = order
        elif isinstance(target, _Array):
            _, shape, dtype, fortran, values = state
            target.values = self.array(shape, dtype, values, fortran=bool(fortran))
        else:
            raise PickleError("it sets the state of something that is no array")
        self.push(target)

    def _top(self, kind: type) -> Any:
        if type(self.stack[-1]) is not kind:
            raise PickleError(f"it is damaged (no {kind.__name__} where one is expected)")
        return self.stack[-1]


def _pairs(items: list[Any]) -> dict[str | bytes, Any]:
    if len(items) % 2 or not all(isinstance(key, str | bytes) for key in items[::2]):
        raise PickleError("it holds a dictionary whose keys are no text")
    return dict(zip(items[::2], items[1::2], strict=True))


_STEPS: dict[str, Callable[[_Machine, Any], None]] = {
    "PROTO": lambda _machine, _: None,
    "FRAME": lambda _machine, _: None,
    "STOP": lambda _machine, _: None,
    "MARK": lambda machine, _: machine.push(_MARK),
    "EMPTY_LIST": lambda machine, _: machine.push([]),
    "EMPTY_DICT": lambda machine, _: machine.push({}),
    "EMPTY_TUPLE": lambda machine, _: machine.push(()),
    "LIST": lambda machine, _: machine.push(machine.since_mark()),
    "DICT": lambda machine, _: machine.push(_pairs(machine.since_mark())),
    "TUPLE": lambda machine, _: machine.push(tuple(machine.since_mark())),
    "TUPLE1": lambda machine, _: machine.push(tuple(machine.pop(1))),
    "TUPLE2": lambda machine, _: machine.push(tuple(machine.pop(2))),
    "TUPLE3": lambda machine, _: machine.push(tuple(machine.pop(3))),
    "APPEND": lambda machine, _: machine.extend(machine.pop(1)),
    "APPENDS": lambda machine, _: machine.extend(machine.since_mark()),
    "SETITEM": lambda machine, _: machine.update(machine.pop(2)),
    "SETITEMS": lambda machine, _: machine.update(machine.since_mark()),
    "PUT": lambda machine, argument: machine.memo.__setitem__(argument, machine.stack[-1]),
    "BINPUT": lambda machine, argument: machine.memo.__setitem__(argument, machine.stack[-1]),
    "LONG_BINPUT": lambda machine, argument: machine.memo.__setitem__(argument, machine.stack[-1]),
    "MEMOIZE": lambda machine, _: machine.memo.__setitem__(len(machine.memo), machine.stack[-1]),
    "GET": lambda machine, argument: machine.push(machine.memo[argument]),
    "BINGET": lambda machine, argument: machine.push(machine.memo[argument]),
    "LONG_BINGET": lambda machine, argument: machine.push(machine.memo[argument]),
    "GLOBAL": lambda machine, argument: machine.name(*argument.split(" ", 1)),
    "STACK_GLOBAL": lambda machine, _: machine.name(*machine.pop(2)),
    "REDUCE": lambda machine, _: machine.reduce(),
    "BUILD": lambda machine, _: machine.build(),
}
