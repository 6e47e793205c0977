"""Output: what is printed without end costs nobody but its author."""

from __future__ import annotations

from grader.model import Limits, Stop

from .case import FINISHED, HANGING, OUTPUT_BYTES, TIMEOUT, Case, Control

_FLOODS = Control("floods")
_LONG = Limits(timeout_seconds=5.0, output_bytes=OUTPUT_BYTES, value_bytes=1024**2)

CASES = (
    Case("endless stdout", "output", "while True: print('x' * 1000)", _FLOODS, TIMEOUT, {}, HANGING),
    Case("endless stderr", "output", "while True: sys.stderr.write('x' * 1000)", _FLOODS, TIMEOUT, {}, HANGING),
    Case("endless stdout from C", "output", "while True: os.write(1, b'x' * 100_000)", _FLOODS, TIMEOUT, {}, HANGING),
    Case("endless stdout from a child", "output", "import subprocess\nsubprocess.run(['yes'])", _FLOODS, TIMEOUT, {},
         HANGING),
    Case("one line of 200 MB", "output", "print('x' * 200_000_000)\ny = 1", _FLOODS, FINISHED, {"y": 1}),
    Case("endless stdout in a notebook", "output", ("while True: print('x' * 1000)",), _FLOODS, TIMEOUT, {}, HANGING),
    Case(
        "100 MB of display data", "output",
        ("for _ in range(100):\n    display({'text/plain': 'x' * 10**6, 'image/png': 'A' * 10**4}, raw=True)",),
        _FLOODS, (Stop.FINISHED, Stop.TIMEOUT), {}, _LONG,
    ),
    Case(
        "a million outputs", "output", ("for n in range(10**6): display(n)",), _FLOODS,
        (Stop.FINISHED, Stop.TIMEOUT), {}, _LONG,
    ),
    Case(
        "a large result, again and again", "output", tuple(["'x' * 50_000_000"] * 4), _FLOODS,
        (Stop.FINISHED, Stop.TIMEOUT), {}, _LONG,
    ),
    Case(
        "an exception with a message of 100 MB", "output", "raise ValueError('x' * 100_000_000)", _FLOODS,
        FINISHED, {}, _LONG,
    ),
    Case(
        "a chain of 100,000 exceptions", "output",
        """
error = None
for number in range(100_000):
    new = ValueError(number)
    new.__cause__ = error
    error = new
raise error
""",
        "Python itself gives up on printing it", (Stop.FINISHED, Stop.KILLED, Stop.MEMORY, Stop.TIMEOUT), {}, _LONG,
    ),
    Case("control characters and broken text", "output",
         "print('\\x1b]0;owned\\x07', '\\x00', '\\ud800')\nos.write(1, bytes(range(256)))\ny = 1",
         "printed text is only ever shown escaped", FINISHED, {"y": 1}),
)  # fmt: skip
