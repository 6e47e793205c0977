"""What a case of the acceptance suite says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from grader.model import Limits, Stop

Group = Literal[
    "time", "processes", "memory", "disk", "output", "reading", "writing", "network", "privilege", "forgery", "working"
]
#: How an unconfined run shows that the attack works: ``wins`` leaves something in ``won``; ``hangs`` is still running
#: after a second; ``ends`` takes its process along before it could report; ``kills`` ends the process that started it;
#: ``survives`` leaves a process behind; ``floods`` prints more than was to be kept.
Shows = Literal["wins", "hangs", "ends", "kills", "survives", "floods"]

MEMORY_BYTES = 512 * 1024**2
OUTPUT_BYTES = 10_000
QUICK = Limits(timeout_seconds=20.0, memory_bytes=MEMORY_BYTES, output_bytes=OUTPUT_BYTES, value_bytes=1024**2)
#: For what never ends by itself.
HANGING = Limits(timeout_seconds=1.0, memory_bytes=MEMORY_BYTES, output_bytes=OUTPUT_BYTES, value_bytes=1024**2)
#: For what imports torch, and for what needs its memory.
HEAVY = Limits(timeout_seconds=60.0, memory_bytes=4 * 1024**3, output_bytes=OUTPUT_BYTES, value_bytes=1024**2)

FINISHED = (Stop.FINISHED,)
TIMEOUT = (Stop.TIMEOUT,)
KILLED = (Stop.KILLED,)
MEMORY = (Stop.MEMORY,)
#: The attack may end any way but as our fault.
THEIRS = (Stop.FINISHED, Stop.TIMEOUT, Stop.MEMORY, Stop.KILLED)


@dataclass(frozen=True, slots=True)
class Fails:
    """A required failure to observe, by its kind."""

    kind: Literal["missing", "too_large", "raised", "not_run"]


@dataclass(frozen=True, slots=True)
class Control:
    """The unconfined run that shows that the attack works.

    ``before`` and ``after`` are lines around the program: what makes it harmless here, or the naive grader that it
    would deceive. ``scale`` replaces the case's own. It is left out where the machine lacks what it ``needs``.
    """

    shows: Shows = "wins"
    scale: int = 0
    before: str = ""
    after: str = ""
    needs: Literal["", "root", "route", "io_uring"] = ""


@dataclass(frozen=True, slots=True)
class Case:
    """One attack. ``source`` is a module, or the cells of a notebook.

    The program finds ``target.json`` (see ``host``) in its working folder as ``T`` and notes in ``won`` what it
    achieved: nothing, is required, wherever that can be observed. ``values`` are required exactly. ``control`` is the
    unconfined run, or the reason why there is none. ``says`` must be somewhere in what comes out.
    ``companion`` runs beside it instead of the ordinary neighbour.
    """

    name: str
    group: Group
    source: str | tuple[str, ...]
    control: Control | str
    stops: tuple[Stop, ...] = FINISHED
    values: Mapping[str, object] = field(default_factory=dict)
    limits: Limits = QUICK
    scale: int = 0
    companion: str = ""
    says: str = ""
    preload: tuple[str, ...] = ()
    needs_module: str = ""

    @property
    def id(self) -> str:
        """Group and name, as pytest shows them."""
        return f"{self.group}: {self.name}"
