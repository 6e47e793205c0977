"""Turn tagged plain data (see ``frames``) into values for student code. What arrives comes from the trusted side."""

from __future__ import annotations

from typing import Any

from . import frames


def decode(tagged: Any, blob: bytes) -> Any:
    """Return the value: arrays as NumPy arrays of their own memory, or as torch tensors where they were such."""
    return _Decoder(blob).value(tagged)


class _Decoder:
    def __init__(self, blob: bytes) -> None:
        self._blob, self._offset = blob, 0

    def value(self, tagged: Any) -> Any:  # noqa: PLR0911 - one for each tag
        if not isinstance(tagged, list):
            return tagged
        tag, parts = tagged[0], tagged[1:]
        match tag:
            case "i":
                return int(parts[0])
            case "f":
                return float.fromhex(parts[0])
            case "c":
                return complex(float.fromhex(parts[0]), float.fromhex(parts[1]))
            case "l":
                return [self.value(part) for part in parts]
            case "d":
                return {key: self.value(part) for key, part in parts}
            case "a":
                return self._array(*parts)
        raise ValueError(f"unknown tag {tag!r}")

    def _array(self, dtype: str, shape: list[int], origin: str) -> Any:
        import numpy as np  # noqa: PLC0415 - only where arrays are sent

        size = frames.ITEM_BYTES[dtype]
        for length in shape:
            size *= length
        data = self._blob[self._offset : self._offset + size]
        self._offset += size
        array = np.frombuffer(data, np.dtype(dtype).newbyteorder("<")).astype(dtype).reshape(shape)
        if origin == "torch tensor":
            import torch  # noqa: PLC0415

            return torch.from_numpy(array)
        return array[()] if origin == "numpy scalar" else array
