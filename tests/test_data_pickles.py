"""The reader of pickles builds plain data, and neither imports nor calls what a hostile file names."""

from __future__ import annotations

import builtins
import contextlib
import io
import os
import pickle
import struct
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.data.pickles import PickleError, loads

ARRAY = np.arange(12, dtype=np.uint8).reshape(3, 4)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize(
    "array",
    [ARRAY, np.asfortranarray(ARRAY), ARRAY[:, ::2], ARRAY.astype(">f8"), ARRAY > 3],
    ids=["bytes", "fortran", "strided", "big-endian", "bool"],
)
def test_plain_data_of_python_3_is_read(protocol: int, array: np.ndarray[Any, Any]) -> None:
    value = {
        b"labels": [1, -2, 300, 2**40, True, None, 0.5],
        "nested": {"pair": (1, "ä"), "names": [b"a\xff", ()], "none": {}},
        "data": array,
    }
    found = loads(pickle.dumps(value, protocol))
    assert found["labels"] == value[b"labels"]
    assert found["nested"] == value["nested"]
    np.testing.assert_array_equal(found["data"], array)
    assert found["data"].dtype == array.dtype.newbyteorder("=")


#: Written by hand as Python 2's pickle (protocol 0) and cPickle (protocol 2) write, where text is bytes.
PYTHON_2 = {
    0: b"(dp0\nS'num_vis'\np1\nI3072\nsS'label_names'\np2\n(lp3\nS'airplane'\np4\naS'truck'\np5\nasS'big'\nL5L\ns.",
    2: b"\x80\x02}q\x01(U\x07num_visq\x02M\x00\x0c"
    b"U\x0blabel_namesq\x03]q\x04(U\x08airplaneq\x05U\x05truckq\x06eU\x03bigK\x05u.",
}


@pytest.mark.parametrize("protocol", PYTHON_2)
def test_text_of_python_2_is_read(protocol: int) -> None:
    assert loads(PYTHON_2[protocol]) == {"num_vis": 3072, "label_names": ["airplane", "truck"], "big": 5}


class Calls:
    """Pickled as the call of a function."""

    def __init__(self, function: Any, *arguments: Any) -> None:
        self.call = (function, arguments)

    def __reduce__(self) -> Any:
        return self.call


def stated(shape: tuple[int, ...], data: bytes, *, dtype: bytes = b"u1", order: bytes = b"|") -> bytes:
    """Return a pickle of {"data": an array} with the given shape and bytes."""

    def text(value: bytes) -> bytes:
        return b"T" + struct.pack("<i", len(value)) + value

    numbers = b"(" + b"".join(b"\x8a\x08" + struct.pack("<q", size) for size in shape) + b"t"
    kind = (
        b"cnumpy\ndtype\n(" + text(dtype) + b"tR(K\x03" + text(order) + b"NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb"
    )
    start = b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\nK\x00\x85U\x01btR"
    return b"\x80\x02}U\x04data" + start + b"(K\x01" + numbers + kind + b"\x89" + text(data) + b"tbs."


def test_an_array_as_numpy_1_states_it_is_read() -> None:
    np.testing.assert_array_equal(loads(stated((2, 3), bytes(range(6))))["data"], [[0, 1, 2], [3, 4, 5]])


DEEP = b"\x80\x02}U\x04data" + b")" + b"\x85" * 100_000
HOSTILE = {
    "os.system": (Calls(os.system, "touch hacked"), r"it names '(posix|nt)\.system', which is no plain data"),
    "eval": (Calls(builtins.eval, "open('hacked', 'w')"), r"it names '(builtins|__builtin__)\.eval'"),
    "open": (Calls(open, "hacked", "w"), r"it names '_?io\.open'"),
    "numpy load": (Calls(np.load, "hacked"), r"it names 'numpy\.load'"),
    "numpy fromfile": (Calls(np.fromfile, "hacked"), r"it names 'numpy\._core\.multiarray\.fromfile'|numpy\.fromfile"),
    "ndarray itself": (Calls(np.ndarray, (2**40,)), "it calls something, where plain data is expected"),
    "objects": (np.array([{}, []], object), "it holds an array of dtype 'O8?', which is no plain number"),
    "records": (np.zeros(2, [("a", "u1")]), "it holds an array of dtype 'V1'"),
    "text": (np.array(["a"]), "it holds an array of dtype 'U1'"),
    "a set": ({1, 2}, "it asks for more than plain data|it names '(builtins|__builtin__)\\.set'"),
    "an object": (Path("hacked"), "it names 'pathlib"),
    "another codec": (Calls(__import__("codecs").encode, "a", "rot13"), "it calls something, where plain data"),
}


@pytest.mark.parametrize("protocol", [0, 2, 3, 4, 5])
@pytest.mark.parametrize("name", HOSTILE)
def test_what_is_not_plain_is_refused_and_never_done(
    name: str, protocol: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    value, message = HOSTILE[name]
    with pytest.raises(PickleError, match=message):
        loads(pickle.dumps({"data": value}, protocol))
    assert list(tmp_path.iterdir()) == []


BYTES = {
    "empty": (b"", "it is damaged"),
    "no end": (b"\x80\x02}", "it is damaged"),
    "not a pickle": (b"hello", "it is damaged"),
    "truncated text": (b"\x80\x02T\xff\xff\xff\x7fabc", "it is damaged"),
    "four exabytes": (b"\x80\x04\x8e" + struct.pack("<Q", 2**62) + b"abc.", "it is damaged"),
    "a negative length": (b"\x80\x02T\xff\xff\xff\xffabc.", "it is damaged"),
    "a memo of gigabytes": (b"\x80\x02}r\xff\xff\xff\x7f0.", r"opcode POP"),
    "what was never kept": (b"\x80\x02h\x05.", "it is damaged"),
    "no mark": (b"\x80\x02t.", "it is damaged"),
    "no mark but items": (b"\x80\x02NNt.", r"it is damaged \(a mark is missing\)"),
    "an empty stack": (b"\x80\x02a.", "it is damaged"),
    "a list": (b"\x80\x02].", "it does not hold one dictionary"),
    "two values": (b"\x80\x02}}.", "it does not hold one dictionary"),
    "appending to a dictionary": (b"\x80\x02}K\x01a.", r"it is damaged \(no list where one is expected\)"),
    "setting in a list": (b"\x80\x02]U\x01aK\x01s.", r"it is damaged \(no dict where one is expected\)"),
    "keys that are no text": (b"\x80\x02}K\x01K\x02s.", "it holds a dictionary whose keys are no text"),
    "a key without value": (b"\x80\x02}(U\x01au.", "it holds a dictionary whose keys are no text"),
    "tuples as keys": (b"\x80\x02})" + b"\x85" * 100_000 + b"K\x01s.", "it holds a dictionary whose keys are no text"),
    "a number as a module": (b"\x80\x04K\x01K\x02\x93.", "a int stands where text is expected"),
    "an attribute path": (b"\x80\x04\x8c\x05numpy\x8c\x0fndarray.__new__\x93.", r"it names 'numpy\.ndarray\.__new__'"),
    "a long name": (b"c" + b"a" * 10_000 + b"\nb\n.", "it names 'a{80}', which"),
    "a persistent id": (b"\x80\x02U\x01aQ.", r"opcode BINPERSID"),
    "an instance": (b"(ios\nsystem\n.", r"opcode INST"),
    "a new object": (b"\x80\x02cnumpy\ndtype\n)\x81.", r"opcode NEWOBJ"),
    "an extension": (b"\x80\x02\x82\x01.", r"opcode EXT1"),
    "the state of a list": (b"\x80\x02]Nb.", "it sets the state of something that is no array"),
    "a call of a number": (b"\x80\x02K\x01)R.", "it calls something, where plain data is expected"),
    "an array without values": (
        b"\x80\x02}U\x04datacnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\nK\x00\x85U\x01btRs.",
        "an array has no values",
    ),
    "too few values": (stated((2**40, 2**20), b"abc"), "it is damaged"),
    "a negative size": (stated((-1, 3), b"abc"), "it holds an array of an impossible shape"),
    "many dimensions": (stated((1,) * 65, b"a"), "it holds an array that is not of plain numbers"),
    "an unknown order": (stated((3,), b"abc", order=b"x"), "it holds an unknown byte order"),
    "a deep order": (
        b"\x80\x02}U\x04datacnumpy\ndtype\n(U\x02u1tR(K\x03)" + b"\x85" * 100_000 + b"tbs.",
        "it holds an unknown byte order",
    ),
    "an unknown dtype": (stated((1,), b"abcdefgh", dtype=b"O8"), "it holds an array of dtype 'O8'"),
    "the same bytes again and again": (
        b"\x80\x02}(U\x04datac_codecs\nencode\n(X\xe8\x03\x00\x00" + b"a" * 1000 + b"q\x01"
        + b"X\x06\x00\x00\x00latin1q\x02tR"
        + b"".join(b"U\x01%cc_codecs\nencode\n(h\x01h\x02tR" % letter for letter in b"abcdefgh") + b"u.",
        "it uses the same bytes again and again",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BYTES)
def test_damaged_and_hostile_bytes_are_refused(name: str) -> None:
    data, message = BYTES[name]
    with pytest.raises(PickleError, match=message):
        loads(data)


def test_nested_tuples_that_are_let_pass_do_no_harm() -> None:
    assert list(loads(DEEP + b"s.")) == ["data"]


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    for prefix in (b"", b"\x80\x02}(", b"\x80\x04\x95"):
        with contextlib.suppress(PickleError):
            assert isinstance(loads(prefix + data), dict)


@given(st.integers(0, 400), st.binary(min_size=1, max_size=3))
def test_a_damaged_array_is_read_or_refused(place: int, damage: bytes) -> None:
    whole = stated((2, 3), bytes(range(6)))
    place %= len(whole)
    with warnings.catch_warnings(action="ignore", category=DeprecationWarning), contextlib.suppress(PickleError):
        assert isinstance(loads(whole[:place] + damage + whole[place + len(damage) :]), dict)


def test_reading_agrees_with_pickle_itself() -> None:
    value = {"data": ARRAY, "labels": list(range(1000)), "filenames": [f"{number}.png" for number in range(1000)]}
    data = pickle.dumps(value, 2)
    ours, theirs = loads(data), pickle.load(io.BytesIO(data))  # noqa: S301 - our own
    np.testing.assert_array_equal(ours.pop("data"), theirs.pop("data"))
    assert ours == theirs
