"""Boards and runtimes, as YAML files: what memory there is, and what a runtime takes of it before any network does."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from grader.errors import CourseError, UsageError
from grader.yamlfile import read_yaml, validated

_FOLDER = Path(__file__).parent
_UNITS = {"": 1, "B": 1, "KiB": 1024, "MiB": 1024**2, "GiB": 1024**3, "kB": 1000, "MB": 1000**2, "GB": 1000**3}


def _read_size(value: Any) -> Any:
    """Return bytes from a number or text such as ``564 KiB``; anything else as it is, for the message."""
    if not isinstance(value, str):
        return value
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([A-Za-z]*)", value.strip())
    if match is None or match[2] not in _UNITS:
        known = ", ".join(one for one in _UNITS if one)
        raise ValueError(f"{value!r} is no size; write a number and one of {known}, as in 564 KiB")
    return round(float(match[1]) * _UNITS[match[2]])


_Size = Annotated[int, BeforeValidator(_read_size), Field(ge=0)]


_Kind = TypeVar("_Kind", bound=BaseModel)


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Region(_Strict):
    """A memory: ``size`` in bytes, and how much of it a network may use (all, unless said)."""

    size: _Size
    available: _Size | None = None

    @model_validator(mode="after")
    def _within(self) -> Region:
        if self.available is not None and self.available > self.size:
            raise ValueError(f"available: {self.available} bytes of {self.size} cannot be")
        return self

    @property
    def usable(self) -> int:
        """Bytes that a network may use."""
        return self.size if self.available is None else self.available


class Memory(_Strict):
    """The memories of a board; external ones are None where there are none."""

    internal_flash: Region
    internal_ram: Region
    external_flash: Region | None = None
    external_ram: Region | None = None


class Board(_Strict):
    """A board. ``sources`` say where its figures are from."""

    title: str
    core: str
    memory: Memory
    sources: list[str] = Field(min_length=1)


class Runtime(_Strict):
    """What runs a network: bytes of its code in flash and of its state in RAM, each as ``[least, most]``."""

    title: str
    code: tuple[_Size, _Size]
    ram: tuple[_Size, _Size]
    sources: list[str] = Field(min_length=1)

    @model_validator(mode="after")
    def _ordered(self) -> Runtime:
        for name, (least, most) in (("code", self.code), ("ram", self.ram)):
            if least > most:
                raise ValueError(f"{name}: {least} is more than {most}; write the smaller number first")
        return self


#: A runtime that takes nothing: for the network alone.
BARE = Runtime(title="the network alone", code=(0, 0), ram=(0, 0), sources=["none"])


@dataclass(frozen=True, slots=True)
class _Shelf:
    """A folder of YAML files."""

    folder: Path
    what: str

    def names(self) -> list[str]:
        return sorted(path.stem for path in self.folder.glob("*.yaml"))

    def find(self, name: str) -> Path:
        path, known = Path(name), ", ".join(self.names())
        if path.suffix in {".yaml", ".yml"}:
            if not path.is_file():
                raise UsageError(f"{name}: no such file; give a {self.what}'s file or one of: {known}")
            return path
        if name not in self.names():
            near = get_close_matches(name.lower(), self.names(), n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"there are: {known}"
            raise UsageError(f"no {self.what} {name!r}; {hint}")
        return self.folder / f"{name}.yaml"


_BOARDS = _Shelf(_FOLDER / "boards", "board")
_RUNTIMES = _Shelf(_FOLDER / "runtimes", "runtime")


def board_names() -> list[str]:
    """Return the names of the boards that ship."""
    return _BOARDS.names()


def runtime_names() -> list[str]:
    """Return the names of the runtimes that ship."""
    return _RUNTIMES.names()


def read_board(name: str) -> Board:
    """Return the board of that name, or in that file. Raises UsageError; CourseError for a wrong file."""
    return _read(Board, _BOARDS.find(name))


def read_runtime(name: str) -> Runtime:
    """Return the runtime of that name, or in that file; ``none`` takes nothing. Raises UsageError, CourseError."""
    return BARE if name == "none" else _read(Runtime, _RUNTIMES.find(name))


def _read(kind: type[_Kind], path: Path) -> _Kind:
    found = validated(kind, read_yaml(path))
    if isinstance(found, list):
        raise CourseError(found)
    return found


def all_boards() -> Mapping[str, Board]:
    """Return the boards that ship, by name."""
    return {name: read_board(name) for name in board_names()}
