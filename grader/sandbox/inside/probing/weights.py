"""Reads .safetensors files strictly, and loads what they hold into a model. Nothing is unpickled.

The format: https://huggingface.co/docs/safetensors (eight bytes of length, a JSON header, the numbers).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from .networks import Network
from .objects import torch_module

MAX_FILE_BYTES = 1024**3
_MAX_HEADER_BYTES = 16 * 1024**2
_MAX_TENSORS = 10_000
_MAX_NAMED = 4
_DTYPES = {
    "BOOL": "?", "U8": "u1", "I8": "i1", "I16": "<i2", "U16": "<u2", "I32": "<i4", "U32": "<u4", "I64": "<i8",
    "U64": "<u8", "F16": "<f2", "F32": "<f4", "F64": "<f8", "BF16": "<u2",
}  # fmt: skip
#: Files of these kinds are pickles, or may hold one.
_PICKLES = frozenset({".pt", ".pth", ".ckpt", ".bin", ".pkl", ".pickle", ".joblib"})
_OTHERS = frozenset({".h5", ".keras", ".npz", ".npy", ".onnx"})
_HOW = '`from safetensors.torch import save_file`, `save_file(model.state_dict(), "{}")`'
_PREFIXES = ("module.", "_orig_mod.")


class WeightsError(Exception):
    """The weights cannot be used. The message is a sentence for the student."""


def load(network: Network, name: str, cases: Sequence[Sequence[Any]]) -> None:
    """Load the file ``name`` of the working folder into a torch model. Raises WeightsError; then nothing is changed."""
    found = read(_find(name), name)
    if network.framework != "torch":
        raise WeightsError("Weights are loaded into torch models only; hand in a torch module.")
    if any(one["shape"] is None for one in network.tensors()):
        try:
            network.run(cases[0])  # a lazy layer has no weights yet
        except Exception as error:
            raise WeightsError(f"The model cannot be run ({type(error).__name__}: {error}).") from error
    wanted = {key: one for key, one in torch_module().state_dict(network.model).items() if hasattr(one, "shape")}
    found = {_bare(key, wanted): array for key, array in found.items()}
    _check(name, found, wanted)
    network.restore([(tensor, found[key]) for key, tensor in wanted.items()])


def _bare(key: str, wanted: dict[str, Any]) -> str:
    """Return a name without what torch's wrappers put before it."""
    while key not in wanted and key.startswith(_PREFIXES):
        key = key.partition(".")[2]
    return key


def _check(name: str, found: dict[str, Any], wanted: dict[str, Any]) -> None:
    missing, extra = [key for key in wanted if key not in found], [key for key in found if key not in wanted]
    if missing or extra:
        parts = [f"it lacks {_listed(missing)}"] if missing else []
        parts += [f"it holds {_listed(extra)}, which the model does not have"] if extra else []
        raise WeightsError(f"`{name}` does not belong to the model: {', and '.join(parts)}.")
    for key, array in found.items():
        shape = tuple(wanted[key].shape)
        if array.shape != shape:
            raise WeightsError(f"`{name}`: `{key}` has shape {array.shape} there and {shape} in the model.")
        if (array.dtype.kind == "f") != wanted[key].is_floating_point():
            raise WeightsError(
                f"`{name}`: `{key}` is of dtype {array.dtype} there and {wanted[key].dtype} in the model."
            )
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            raise WeightsError(f"`{name}`: `{key}` holds NaN or infinity; the training has diverged.")


def _listed(names: list[str]) -> str:
    shown = ", ".join(f"`{one[:80]}`" for one in names[:_MAX_NAMED])
    return f"{shown} and {len(names) - _MAX_NAMED} more" if len(names) > _MAX_NAMED else shown


def _find(name: str) -> Path:
    root = Path.cwd()
    files = [path for path in sorted(root.rglob("*")) if path.is_file()]
    found = [path for path in files if path == root / name]
    found = found or [path for path in files if path.name.casefold() == Path(name).name.casefold()]
    if len(found) == 1:
        return found[0]
    if found:
        raise WeightsError(f"`{name}` is there {len(found)} times; hand it in once.")
    others = [path for path in files if path.suffix.lower() in _PICKLES | _OTHERS]
    if not others:
        raise WeightsError(f"`{name}` was not handed in.")
    other = others[0]
    why = (
        "is a pickle, which runs code when it is opened" if other.suffix.lower() in _PICKLES else "is of another format"
    )
    raise WeightsError(
        f"`{name}` was not handed in, but `{other.name}` was. That {why}, so it is not read. "
        f"Save the weights with {_HOW.format(name)}."
    )


def read(path: Path, name: str) -> dict[str, Any]:
    """Return the arrays in a .safetensors file by name; bfloat16 becomes float32. Raises WeightsError."""
    size = path.stat().st_size
    if size > MAX_FILE_BYTES:
        raise WeightsError(f"`{name}` has {size} bytes; at most {MAX_FILE_BYTES} are read.")
    data = path.read_bytes()
    length = int.from_bytes(data[:8], "little")
    if len(data) < 8 or not 2 <= length <= min(len(data) - 8, _MAX_HEADER_BYTES) or data[8:9] != b"{":
        if data.startswith((b"PK\x03\x04", b"\x80")):
            what = f"`{name}` is a pickle under another name, which runs code when it is opened, so it is not read"
            raise WeightsError(f"{what}. Save the weights with {_HOW.format(name)}.")
        raise WeightsError(f"`{name}` is no .safetensors file, or is cut off: save it again with {_HOW.format(name)}.")
    try:
        header = json.loads(data[8 : 8 + length], object_pairs_hook=_distinct)
        return _arrays(header, data[8 + length :])
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise WeightsError(f"`{name}` is damaged ({error}): save it again with {_HOW.format(name)}.") from error


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a name stands there twice")
    return found


def _arrays(header: dict[str, Any], data: bytes) -> dict[str, Any]:
    """Return the arrays. Raises ValueError unless they fill the data exactly, one after the other."""
    header.pop("__metadata__", None)
    if len(header) > _MAX_TENSORS:
        raise ValueError(f"more than {_MAX_TENSORS} tensors")
    found, end = {}, 0
    for key, entry in sorted(header.items(), key=lambda item: tuple(item[1]["data_offsets"])):
        if entry["dtype"] not in _DTYPES:
            raise ValueError(f"`{key[:80]}` is of dtype {str(entry['dtype'])[:20]}, which is not read")
        dtype, shape = np.dtype(_DTYPES[entry["dtype"]]), entry["shape"]
        if not all(type(side) is int and side >= 0 for side in (*shape, *entry["data_offsets"])):
            raise ValueError(f"`{key[:80]}` has an impossible shape or place")
        begin, stop = entry["data_offsets"]
        count = 1
        for side in shape:
            count *= side
        if begin != end or stop - begin != count * dtype.itemsize or stop > len(data):
            raise ValueError(f"`{key[:80]}` does not fill its place; the file may be cut off")
        array = np.frombuffer(data[begin:stop], dtype)
        if entry["dtype"] == "BF16":
            array = (array.astype("<u4") << 16).view("<f4")
        found[key], end = array.reshape(shape), stop
    if end != len(data):
        raise ValueError(f"{len(data) - end} bytes belong to no tensor")
    return found
