"""Time: programs that do not end."""

from __future__ import annotations

from .case import HANGING, TIMEOUT, Case, Control, Fails

_HANGS = Control("hangs")
_DEAF = """
for number in range(1, 65):
    try:
        signal.signal(number, signal.SIG_IGN)
    except (OSError, ValueError):
        pass
while True:
    try:
        while True:
            time.sleep(0.01)
    except BaseException:
        pass
"""


def _hangs(name: str, source: str | tuple[str, ...], values: dict[str, object] | None = None) -> Case:
    return Case(name, "time", source, _HANGS, TIMEOUT, values or {}, HANGING)


CASES = (
    _hangs("endless loop", "done = 1\nwhile True: pass", {"done": 1}),
    _hangs("endless loop in a notebook", ("done = 1", "while True: pass", "never = 1"), {"done": 1}),
    _hangs("catastrophic regular expression", 're.match(r"(a+)+$", "a" * 60 + "b")'),
    _hangs("C code that never looks up", "import itertools\nsum(itertools.repeat(1))"),
    _hangs("sleep for ever", "time.sleep(10**6)"),
    _hangs("every signal ignored, BaseException swallowed", _DEAF),
    _hangs("every signal ignored in a notebook", ("done = 1", _DEAF)),
    _hangs("signals blocked", "signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 65))\ntime.sleep(10**6)"),
    Case(
        "busy threads left behind",
        "time",
        "def busy():\n    while True: pass\nfor _ in range(8):\n    threading.Thread(target=busy).start()\ndone = 1",
        _HANGS,
        values={"done": 1},
    ),
    Case(
        "a variable that takes for ever to read",
        "time",
        """
import numpy
class Slow:
    def __array__(self, dtype=None, copy=None):
        while True: time.sleep(0.1)
slow = Slow()
""",
        Control("hangs", after="numpy.asarray(slow)"),
        TIMEOUT,
        {"slow": Fails("raised")},
        HANGING,
    ),
)
