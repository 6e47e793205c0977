"""Forgery: answers that nobody asked for, values that are not what they seem, and hunts for the expected answer."""

from __future__ import annotations

import math
import struct

from grader.model import Array, Limits, Opaque, Stop

from .case import FINISHED, HANGING, QUICK, THEIRS, Case, Control, Fails

_OWN = "unconfined there is no protocol to forge"
#: Every descriptor that answers could go through, and what the requests say.
_PIPES = """
import gc, stat, struct
def pipes():
    found = []
    for number in range(3, 256):
        try:
            mode = os.fstat(number).st_mode
        except OSError:
            continue
        if stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode):
            found.append(number)
    return found

def nonce():
    '''The nonce of the request being served: a frame up the stack, or the collector, holds it.'''
    frame = sys._getframe()
    while frame is not None:
        for held in list(frame.f_locals.values()):
            if isinstance(held, dict) and isinstance(held.get("nonce"), str):
                return held["nonce"]
        frame = frame.f_back
    for held in gc.get_objects():
        if type(held) is dict and type(held.get("nonce")) is str:
            return held["nonce"]
    return ""

def say(header, blob=b"", header_length=None, blob_length=None):
    header = header if isinstance(header, bytes) else json.dumps(header).encode()
    frame = struct.pack(">IQ", header_length or len(header), blob_length or len(blob)) + header + blob
    for number in pipes():
        os.set_blocking(number, False)
        try:
            os.write(number, frame)
        except OSError:
            pass
        os.set_blocking(number, True)
y = 0
"""
_FORGED = '{"nonce": nonce(), "errors": []}'
_BEFORE = """
def ahead():
    while True:
        say({"nonce": "0" * 32, "value": 42})
        time.sleep(0.001)
threading.Thread(target=ahead, daemon=True).start()
time.sleep(0.2)
"""


def _forges(name: str, lines: str, stops: tuple[Stop, ...] = (Stop.KILLED,), limits: Limits = QUICK) -> Case:
    return Case(name, "forgery", _PIPES + lines, _OWN, stops, {"y": Fails("not_run")}, limits)


_PROTOCOL = (
    _forges("frame before the request", _BEFORE),
    _forges("frame with a nonce of its own", 'say({"nonce": "0" * 32, "errors": []})'),
    _forges("header of 4 GB", "say(b'', header_length=2**32 - 1)"),
    _forges("blob of 8 EiB", f"say({_FORGED}, blob_length=2**63)"),
    _forges("garbage", "say(os.urandom(4096))"),
    _forges("frame that never ends", "say(b'{', header_length=1000)\ntime.sleep(100)", (Stop.KILLED, Stop.TIMEOUT), HANGING),
    _forges(
        "deep JSON with the right nonce",
        'say(b\'{"nonce": "\' + nonce().encode() + b\'", "errors": \' + b"[" * 60_000)',
    ),
    _forges("the right nonce and other fields", 'say({"nonce": nonce(), "errors": {"stop": "finished"}})'),
    _forges("the right nonce and errors that are none", 'say({"nonce": nonce(), "errors": [["a", 1, None, []]] * 5})'),
    _forges("1,500 errors with the right nonce", 'say({"nonce": nonce(), "errors": [["", "", "", ""]] * 1500})'),
    Case("the right nonce, twice", "forgery", _PIPES + f"say({_FORGED}); say({_FORGED})\nos._exit(0)", _OWN, THEIRS,
         {"y": Fails("not_run")}, HANGING),
    Case("the right nonce, then silence", "forgery", _PIPES + f"say({_FORGED})\ntime.sleep(1000)", _OWN, THEIRS, {},
         HANGING),
    Case("requests read away", "forgery", _PIPES + """
def swallow():
    while True:
        for number in pipes():
            try:
                os.read(number, 10**6)
            except OSError:
                pass
threading.Thread(target=swallow, daemon=True).start()
time.sleep(0.1)
""", _OWN, (Stop.TIMEOUT, Stop.KILLED, Stop.FINISHED), {}, HANGING),
)  # fmt: skip

_TYPES = """
import numpy
class Always:
    def __eq__(self, other): return True
    __ne__ = __lt__ = __le__ = __gt__ = __ge__ = __eq__
    __hash__ = object.__hash__
    def __bool__(self): return True
    def __float__(self): return 1.0
class Text(str):
    def __eq__(self, other): return True
    __hash__ = str.__hash__
class Number(float):
    def __eq__(self, other): return True
    __hash__ = float.__hash__
class Matrix(numpy.ndarray):
    def __eq__(self, other): return numpy.ones(self.shape, bool)
class Reduced:
    def __reduce__(self): return open, (T["marker"], "w")
class Named:
    pass
Named.__name__ = "x" * 5000
always, words, number = Always(), Text("right"), Number(2.0)
matrix = numpy.zeros(2).view(Matrix)
objects = numpy.array([Reduced()], dtype=object)
reduced, named = Reduced(), Named()
records = numpy.zeros(1, dtype=[("a", "O")])
"""
_TYPED: dict[str, object] = {
    "always": Opaque("Always"),
    "words": Opaque("Text"),
    "number": Opaque("Number"),
    "matrix": Array("float64", (2,), bytes(16), "Matrix"),
    "objects": Opaque("ndarray of dtype object"),
    "reduced": Opaque("Reduced"),
    "named": Opaque("x" * 200),
}
_EXACT = """
import numpy
numbers = [float("nan"), float("inf"), float("-inf"), -0.0, 5e-324, 0.1, 2**64 + 1, -10**400, True]
array = numpy.array([numpy.nan, -numpy.inf, -0.0], dtype="float32")
surrogate = "\\ud800\\x00"
"""
_SIZES = """
import numpy
cyclic = []
cyclic.append(cyclic)
nested = {}
nested["self"] = [nested]
huge, text, whole, many = numpy.zeros(10**7), "x" * 10**8, 1 << 10**6, list(range(10**6))
deep = []
for _ in range(10_000):
    deep = [deep]
broadcast = numpy.broadcast_to(1.0, (10**9, 10**9))
"""
_PATCHED = """
import builtins, math, json, struct
import numpy
true = lambda *_, **__: True
numpy.allclose = numpy.isclose = numpy.array_equal = math.isclose = true
numpy.testing.assert_allclose = numpy.testing.assert_array_equal = lambda *_, **__: None
builtins.abs = builtins.round = true
y = 41.0
"""
_ENCODER = """
for name, module in list(sys.modules.items()):
    for attribute in ("answer", "pack", "pack_raw", "Encoder", "encode"):
        if hasattr(module, attribute) and "grade" in name:
            setattr(module, attribute, lambda *_, **__: (b'{"value": ["z"]}', b"\\0" * 100))
json.dumps = lambda *_, **__: "[" * 10**5
y = 1
"""
_HUNT = """
import gc, inspect
def told(value):
    return isinstance(value, str) and CANARY.search(value) is not None
for depth, info in enumerate(inspect.stack()):
    for name, value in list(info.frame.f_locals.items()):
        attempt(f"stack: {name}", lambda: told(value) or None)
        if isinstance(value, dict):
            attempt(f"stack: {name}", lambda: any(told(held) for held in list(value.values())) or None)
for held in gc.get_objects():
    if type(held) is dict:
        attempt("gc", lambda: any(map(told, list(held.values()))) or None)
    elif type(held) in (list, tuple):
        attempt("gc", lambda: any(map(told, held)) or None)
seen = set()
def spy(frame, event, argument):
    for value in list(frame.f_locals.values()):
        if told(value):
            seen.add("traced")
    return spy
sys.settrace(spy)
threading.settrace(spy)
sys.setprofile(spy)
for module in list(sys.modules.values()):
    for value in list(vars(module).values()) if hasattr(module, "__dict__") else ():
        attempt("modules", lambda: told(value) or None)
sys.settrace(None)
sys.setprofile(None)
won += sorted(seen)
y = 1
"""
_TRANSFORMS = """
import ast
ip = get_ipython()
ip.input_transformers_cleanup.append(lambda lines: ["y = 42"])
class Always(ast.NodeTransformer):
    def visit_Constant(self, node): return ast.copy_location(ast.Constant(42), node)
ip.ast_transformers.append(Always())
"""
_BROKEN = """
ip = get_ipython()
y = 1
def fails(*_, **__): raise BaseException("broken")
for name in ("pre_execute", "post_execute", "pre_run_cell", "post_run_cell"):
    ip.events.register(name, fails)
ip.display_formatter.format = ip.showtraceback = ip.run_cell = ip.run_cell_async = fails
"""

_VALUES = (
    Case("equal to everything; subclasses; __reduce__", "forgery", _TYPES,
         Control(after="""
import pickle
if always == 3.14159 and words == "wrong" and (matrix == 7).all():
    won.append("equal to everything")
pickle.loads(pickle.dumps(reduced)).close()
won.append("unpickled")
"""), FINISHED, _TYPED),
    Case("NaN, infinities and large integers are exact", "forgery", _EXACT, "an answer to keep, not an attack",
         FINISHED,
         {"numbers": [math.nan, math.inf, -math.inf, -0.0, 5e-324, 0.1, 2**64 + 1, -(10**400), True],
          "array": Array("float32", (3,), struct.pack("<3f", math.nan, -math.inf, -0.0)),
          "surrogate": "\ud800\0"}),
    Case("cyclic, deep and huge values", "forgery", _SIZES, "the attack is on the reader, which is this grader's own",
         FINISHED, dict.fromkeys(["cyclic", "nested", "huge", "text", "whole", "many", "deep", "broadcast"],
                                 Fails("too_large")), QUICK),
    Case("patched allclose, isclose and built-ins", "forgery", _PATCHED,
         Control(after="""
if numpy.allclose(y, 42.0) and math.isclose(y, 42.0):
    won.append("41 is 42")
"""), FINISHED, {"y": 41.0}),
    Case("patched encoder", "forgery", _ENCODER, _OWN, THEIRS, {}),
    Case("hunts for the expected value: stack, gc, trace", "forgery", _HUNT,
         Control(before="expected = {'y': T['secret']}"), FINISHED, {"y": 1}),
    Case("input and syntax tree transformers", "forgery", (_TRANSFORMS, "y = 1"),
         "they change the author's own cells only", FINISHED, {"y": 42}),
    Case("a notebook's shell broken from inside", "forgery", (_BROKEN, "z = 1"),
         "it breaks the author's own cells only", THEIRS, {}, HANGING),
)  # fmt: skip

CASES = (*_PROTOCOL, *_VALUES)
