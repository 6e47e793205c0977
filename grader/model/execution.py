"""What is run, and what came of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

from grader.model.values import Plain, fingerprint


class Stop(StrEnum):
    """Why a run ended. Only ``INFRASTRUCTURE`` is our fault; it makes scores pending and is tried again."""

    FINISHED = "finished"
    TIMEOUT = "timeout"
    MEMORY = "memory"
    KILLED = "killed"
    INFRASTRUCTURE = "infrastructure"


_SEVERITY = (Stop.FINISHED, Stop.KILLED, Stop.TIMEOUT, Stop.MEMORY, Stop.INFRASTRUCTURE)


def worst_stop(stops: Iterable[Stop]) -> Stop:
    """Return the most serious of ``stops``; ``FINISHED`` when there are none."""
    return max(stops, key=_SEVERITY.index, default=Stop.FINISHED)


@dataclass(frozen=True, slots=True)
class Limits:
    """What one run may use. ``output_bytes`` caps what is kept of the output, not what may be printed.

    ``preload`` are modules that a warm process imports before it is forked for the run, where there is one.
    """

    timeout_seconds: float = 60.0
    memory_bytes: int = 2 * 1024**3
    output_bytes: int = 64 * 1024
    value_bytes: int = 16 * 1024**2
    preload: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Probe:
    """One thing to observe after execution.

    Seen in the process that ran the hand-in: ``value`` (bound to ``name``), ``call`` (what a function returns for given
    inputs), ``model``, ``figures``, ``pytest``, ``pdf``. Seen in what was handed in, without running it: ``source``,
    ``cells``, ``file``, ``files``. ``arguments`` are inputs, none of them secret answers; ``digest`` stands for them
    where a probe is stored or compared.
    """

    kind: str
    name: str
    arguments: Plain = field(default=None, compare=False, repr=False)
    digest: str = ""

    def __post_init__(self) -> None:
        if self.arguments is not None and not self.digest:
            object.__setattr__(self, "digest", fingerprint(self.arguments))


@dataclass(frozen=True, slots=True)
class Job:
    """One execution: student code as text, the files beside it, what to observe and the limits.

    ``source`` is the text of a module, or a notebook (format 4) as JSON; empty for the form ``files``, where nothing
    is run. ``files`` lie in the working folder.
    A job holds nothing secret: all of it enters the sandbox. ``runner`` says how cells are run: in the job's own
    process (``shell``), by a Jupyter kernel (``nbclient``), or as the sandbox prefers.
    """

    form: Literal["notebook", "module", "files"]
    name: str
    source: str
    files: tuple[tuple[str, bytes], ...]
    probes: tuple[Probe, ...]
    limits: Limits
    seed: int = 0
    runner: Literal["", "shell", "nbclient"] = ""


@dataclass(frozen=True, slots=True)
class CodeError:
    """An exception that student code raised. ``where`` is a place that they know: ``cell 4`` or ``line 12``."""

    where: str
    name: str
    message: str
    traceback: str = ""

    def __str__(self) -> str:
        return (
            f"{self.where} raised {self.name}: {self.message}" if self.message else f"{self.where} raised {self.name}"
        )


@dataclass(frozen=True, slots=True)
class Environment:
    """What a run ran on; equal fingerprints make stored runs reusable.

    ``platform`` names system and processor. ``threads`` is how many the libraries for linear algebra may use: sums
    come out differently with other numbers of them.
    """

    python: str
    platform: str
    packages: tuple[tuple[str, str], ...]
    threads: int = 1


@dataclass(frozen=True, slots=True)
class Failure:
    """Why nothing was observed: ``missing`` (no such name), ``too_large``, ``raised`` or ``not_run``."""

    kind: Literal["missing", "too_large", "raised", "not_run"]
    message: str = ""

    @property
    def is_absence(self) -> bool:
        """Whether nothing has the name that was asked for; otherwise something is there that cannot be used."""
        return self.kind == "missing" and self.message.startswith(("there is no variable", "no such file"))


@dataclass(frozen=True, slots=True)
class Observation:
    """A probe's answer: a plain value, or the failure to get one."""

    probe: Probe
    value: Plain | Failure


@dataclass(frozen=True, slots=True)
class Run:
    """One execution of one hand-in.

    ``detail`` says in one sentence what happened when ``stop`` is not ``finished``. ``log`` is what was printed,
    capped. ``notebook`` is the executed notebook as JSON text, for a job of that form. ``peak_bytes`` is the most
    memory that it was seen to use, beyond what a warm process had before; 0 where nobody looked.
    """

    stop: Stop
    seconds: float
    isolation: str
    environment: Environment
    detail: str = ""
    log: str = ""
    notebook: str | None = None
    errors: tuple[CodeError, ...] = ()
    observations: tuple[Observation, ...] = field(default=(), repr=False)
    peak_bytes: int = 0
