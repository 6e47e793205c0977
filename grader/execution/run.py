"""Execute one job in a sandbox and observe what came of it."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import Any

from grader.errors import ProtocolError, SandboxError
from grader.execution.environment import environment
from grader.execution.executed import ExecutedNotebook
from grader.execution.handed_in import HANDED_IN, handed_in
from grader.model import CodeError, Failure, Job, Limits, Observation, Probe, Run, Stop
from grader.sandbox import Answer, Confined, DeadlineError, ProcessEndedError, Sandbox
from grader.sandbox.wire import encode, read_observation

#: Starting Python, or a kernel, is not the student's time. It has this deadline of its own.
START_SECONDS = 75.0
#: From the interrupt at the time limit to the kill.
GRACE_SECONDS = 3.0
#: For reading one variable after the run.
GET_SECONDS = 10.0
#: For reading all variables of a job, so that many slow ones do not add up. Honest ones take milliseconds.
READING_SECONDS = 30.0
_MAX_ERRORS = 1000
_MAX_TEXT_CHARS = 20_000
_MAX_DIED_CHARS = 200
#: JSON escapes a character with at most 6 bytes, 12 outside the basic plane; the rest is for keys and brackets.
_MOST_BYTES_OF_A_CHARACTER, _FORM_BYTES = 12, 64 * 1024
#: What a warm process needs for a Jupyter kernel. Where it is not needed it would only take memory.
_KERNEL = ("nbclient",)


class CancelledError(Exception):
    """The run was cancelled from outside; it has no result."""


@dataclass(frozen=True, slots=True)
class _Ran:
    """What running the code gave. ``lost`` says why nothing can be observed, empty if something can."""

    stop: Stop
    detail: str = ""
    lost: str = ""
    errors: tuple[CodeError, ...] = ()
    log: str = ""
    notebook: str | None = None


@dataclass(frozen=True, slots=True)
class _Part:
    """What one request runs, and how long: all of a module, or the cell that ``place`` names."""

    fields: Mapping[str, object]
    seconds: float
    max_bytes: int
    place: str = ""
    executed: ExecutedNotebook | None = None


def execute(job: Job, sandbox: Sandbox, cancel: threading.Event | None = None) -> Run:
    """Return what came of ``job``. Nothing that student code does raises; a fault of ours is a ``Run``, too.

    Such a run has ``stop`` ``infrastructure`` and says in ``detail`` what failed. For each probe there is an
    observation, in order. Raises CancelledError soon after ``cancel`` is set.
    """
    try:
        with sandbox.launch(_limits(job), cancel) as box:
            run = _execute_in(box, job, sandbox.name)
            log = box.close()
    except (SandboxError, OSError) as error:
        run, log = _infrastructure(job, sandbox.name, str(error)), ""
    if cancel is not None and cancel.is_set():
        raise CancelledError(f"{job.name}: cancelled")
    # A notebook's output lies in its cells; the pipe has what a cell printed before it ended the process, besides.
    if job.form == "module" or run.stop is not Stop.FINISHED:
        run = replace(run, log=max(run.log, log, key=len))
    return run


def _limits(job: Job) -> Limits:
    if job.form != "notebook" or job.runner != "nbclient":
        return job.limits
    return replace(job.limits, preload=(*job.limits.preload, *_KERNEL))


def _infrastructure(job: Job, isolation: str, detail: str) -> Run:
    lost = Failure("not_run", detail)
    observations = tuple(Observation(probe, lost) for probe in job.probes)
    return Run(Stop.INFRASTRUCTURE, 0.0, isolation, environment(), detail=detail, observations=observations)


def _execute_in(box: Confined, job: Job, isolation: str) -> Run:
    _load(box, job)
    began = time.monotonic()
    ran = _run(box, job)
    seconds, peak_bytes = time.monotonic() - began, box.peak_bytes()
    observations, ran = _observe_all(box, job, ran)
    return Run(
        stop=ran.stop,
        seconds=seconds,
        isolation=isolation,
        environment=environment(),
        detail=ran.detail,
        log=ran.log,
        notebook=ran.notebook,
        errors=ran.errors,
        observations=observations,
        peak_bytes=peak_bytes,
    )


def _load(box: Confined, job: Job) -> None:
    """Hand the job over. No student code runs yet: what fails here is ours, and raises SandboxError."""
    fields = {
        "form": "module" if job.form == "files" else job.form,
        "name": PurePosixPath(job.name).name.removesuffix(".py").removesuffix(".ipynb") or "submission",
        "source": job.source,
        "runner": job.runner,
        "seed": job.seed,
        "preload": job.limits.preload,
        "files": [[name, len(data)] for name, data in job.files],
        "memory_bytes": job.limits.memory_bytes,
        "output_bytes": job.limits.output_bytes,
        "value_bytes": job.limits.value_bytes,
    }
    try:
        box.channel.send("load", fields, b"".join(data for _, data in job.files))
        answer = box.channel.receive(START_SECONDS, 0)
    except ProcessEndedError as error:
        raise SandboxError(f"starting failed: {_why_ended(box, job)[1]}") from error
    except DeadlineError as error:
        raise SandboxError(f"starting failed: not ready after {START_SECONDS:g} s") from error
    if answer.fields.get("loaded") is not True:
        raise SandboxError(f"starting failed: {str(answer.fields.get('refused'))[:2000]}")


def _run(box: Confined, job: Job) -> _Ran:
    if job.form == "notebook":
        ran = _run_notebook(box, job)
    else:
        ran = _run_part(box, job, _Part({}, job.limits.timeout_seconds, 0))
    short = next((error for error in ran.errors if _is_out_of_memory(error)), None)
    if short is None or ran.stop is not Stop.FINISHED:
        return ran
    detail = f"the memory limit of {_mebibytes(job)} MiB was reached in {short.where}"
    return replace(ran, stop=Stop.MEMORY, detail=detail)


def _run_notebook(box: Confined, job: Job) -> _Ran:
    """Run cell by cell: what one printed and showed is on this side before the next can end the process."""
    max_bytes = _MOST_BYTES_OF_A_CHARACTER * job.limits.value_bytes + _FORM_BYTES
    executed, errors, ran = ExecutedNotebook(job.source, max_bytes), list[CodeError](), _Ran(Stop.FINISHED)
    deadline = time.monotonic() + job.limits.timeout_seconds
    for number, index in executed.cells():
        seconds = deadline - time.monotonic()
        if seconds <= 0:
            ran = _Ran(Stop.TIMEOUT, f"{_limit_reached(job)} before cell {number}")
            break
        executed.begin(number, index)
        fields = {"cell": index, "number": number}
        ran = _run_part(box, job, _Part(fields, seconds, max_bytes, f" in cell {number}", executed))
        errors += ran.errors[: _MAX_ERRORS - len(errors)]
        if ran.stop is not Stop.FINISHED:
            break
    log = _capped(executed.log(job.limits.output_bytes), job.limits.output_bytes)
    return replace(ran, errors=tuple(errors), notebook=executed.text(), log=log)


def _run_part(box: Confined, job: Job, part: _Part) -> _Ran:
    try:
        box.channel.send("run", {**part.fields, "seconds": part.seconds, "max_bytes": part.max_bytes})
        try:
            return _ran(job, box.channel.receive(part.seconds, part.max_bytes), part, interrupted=False)
        except DeadlineError:
            box.interrupt()
            return _ran(job, box.channel.receive(GRACE_SECONDS, part.max_bytes), part, interrupted=True)
    except DeadlineError:
        box.kill()
        detail = f"{_limit_reached(job)}{part.place}, and the code did not stop when interrupted"
        return _Ran(Stop.TIMEOUT, detail, lost=detail)
    except ProcessEndedError:
        stop, detail = _why_ended(box, job, part.place)
        return _Ran(stop, detail, lost=detail)
    except ProtocolError as error:
        # Student code has run in there: an answer that it spoiled costs its own marks and is not tried again.
        box.kill()
        return _Ran(Stop.KILLED, f"the process gave no valid answer{part.place}: {error}", lost="no valid answer")


def _limit_reached(job: Job) -> str:
    return f"the time limit of {job.limits.timeout_seconds:g} s was reached"


def _why_ended(box: Confined, job: Job, place: str = "") -> tuple[Stop, str]:
    """Return why the process ended. Raises SandboxError if that was no doing of the student's."""
    words = box.exit_words()
    if box.kill_reason == "lost":
        raise SandboxError("the process that confined the job ended; the job has to be run again")
    if box.kill_reason == "memory":
        return (
            Stop.MEMORY,
            f"the memory limit of {_mebibytes(job)} MiB was exceeded{place}; what was computed is lost",
        )
    return Stop.KILLED, _ended(place, words)


def _ended(place: str, words: str) -> str:
    return f"the process ended before its time{place} ({words}); what was computed is lost"


def _mebibytes(job: Job) -> int:
    return job.limits.memory_bytes // 1024**2


def _ran(job: Job, answer: Answer, part: _Part, *, interrupted: bool) -> _Ran:
    """Return what an answer to ``run`` says. Raises ProtocolError for another form than agreed."""
    errors = tuple(_code_errors(answer.fields.get("errors")))
    died = _capped(_text(answer.fields.get("died", "")), _MAX_DIED_CHARS)
    if part.executed is not None:
        part.executed.take(answer.blob)
    stopped = tuple(error for error in errors if error.name != "KeyboardInterrupt")
    if died:
        detail = _ended(part.place, died)
        return _Ran(Stop.KILLED, detail, detail, stopped)
    if interrupted or answer.fields.get("timed_out") is True:
        places = (f" in {error.where}" for error in errors if error.name == "KeyboardInterrupt")
        return _Ran(Stop.TIMEOUT, _limit_reached(job) + (part.place or next(places, "")), errors=stopped)
    return _Ran(Stop.FINISHED, errors=errors)


def _is_out_of_memory(error: CodeError) -> bool:
    return error.name.endswith("MemoryError") or "DefaultCPUAllocator: can't allocate memory" in error.message


def _code_errors(found: Any) -> Iterator[CodeError]:
    if not isinstance(found, list) or len(found) > _MAX_ERRORS:
        raise ProtocolError("answer refused: a list of errors expected")
    for entry in found:
        match entry:
            case [str() as where, str() as name, str() as message, str() as traceback]:
                yield CodeError(*(_capped(part, _MAX_TEXT_CHARS) for part in (where, name, message, traceback)))
            case _:
                raise ProtocolError("answer refused: an error is place, name, message and traceback")


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ProtocolError(f"answer refused: text expected, found {type(value).__name__}")
    return value


def _capped(text: str, max_chars: int) -> str:
    # Lone surrogates are legal in student code's text, and cannot be written to a file or a browser.
    return text[:max_chars].encode("utf-8", errors="replace").decode("utf-8")


def _observe_all(box: Confined, job: Job, ran: _Ran) -> tuple[tuple[Observation, ...], _Ran]:
    """Return one observation per probe, and what ran, told anew if observing ended the process.

    Variables are read before any function is called, which may change them, or take all the time that is left.
    """
    found: dict[Probe, Observation] = {}
    began = time.monotonic()
    for probe in sorted(job.probes, key=lambda one: one.kind != "value"):
        if probe.kind in HANDED_IN:
            found[probe] = Observation(probe, handed_in(job, probe))
            continue
        if ran.lost:
            found[probe] = Observation(probe, Failure("not_run", ran.lost))
            continue
        if probe.arguments is not None:
            box.seal_log()
        seconds = _seconds_for(job, probe, time.monotonic() - began)
        try:
            found[probe] = _observe(box, job, probe, seconds)
        except SandboxError as error:
            stop, detail = _why_unreadable(box, job, probe, error, seconds)
            box.kill()
            found[probe] = Observation(probe, Failure("raised", detail))
            ran = replace(ran, stop=stop, detail=detail, lost=detail)
    return tuple(found[probe] for probe in job.probes), ran


def _seconds_for(job: Job, probe: Probe, spent_seconds: float) -> float:
    """Return how long one probe may take. All together, too, are bounded: a hand-in that loops costs no evening."""
    if probe.kind == "value":
        each, together = GET_SECONDS, READING_SECONDS
    else:
        each = job.limits.timeout_seconds + GRACE_SECONDS
        together = READING_SECONDS + 2 * each
    return min(each, max(0.0, together - spent_seconds))


def _observe(box: Confined, job: Job, probe: Probe, seconds: float) -> Observation:
    max_bytes = job.limits.value_bytes
    # Student code runs where a function is called; to read a value is quick, whatever it is.
    own_seconds = 0.8 * seconds if probe.kind == "value" else seconds - GRACE_SECONDS
    arguments, blob = encode(probe.arguments)
    wanted = {"kind": probe.kind, "name": probe.name, "arguments": arguments}
    box.channel.send("observe", {**wanted, "max_bytes": max_bytes, "seconds": own_seconds}, blob)
    answer = box.channel.receive(seconds, max_bytes)
    return read_observation(probe, dict(answer.fields), answer.blob)


def _why_unreadable(box: Confined, job: Job, probe: Probe, error: SandboxError, seconds: float) -> tuple[Stop, str]:
    if isinstance(error, DeadlineError) and seconds < GET_SECONDS:
        return Stop.TIMEOUT, f"reading the variables up to {probe.name} took longer than {READING_SECONDS:g} s"
    if isinstance(error, DeadlineError):
        return Stop.TIMEOUT, f"reading {probe.name} took longer than {seconds:g} s"
    if isinstance(error, ProcessEndedError):
        stop, detail = _why_ended(box, job)
        return stop, f"while {probe.name} was read: {detail}"
    return Stop.KILLED, f"reading {probe.name} gave no valid answer: {error}"
