"""Execute one job in a sandbox and observe what came of it."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import Any

from grader.errors import ProtocolError, SandboxError
from grader.execution.environment import environment
from grader.execution.handed_in import HANDED_IN, handed_in
from grader.model import CodeError, Failure, Job, Observation, Probe, Run, Stop
from grader.sandbox import Answer, Confined, DeadlineError, ProcessEndedError, Sandbox
from grader.sandbox.wire import encode, read_observation

#: Starting Python, or a kernel, is not the student's time. It has this deadline of its own.
START_SECONDS = 75.0
#: From the interrupt at the time limit to the kill.
GRACE_SECONDS = 3.0
#: For reading one variable after the run.
GET_SECONDS = 10.0
_MAX_ERRORS = 1000
_MAX_TEXT_CHARS = 20_000
_MAX_DIED_CHARS = 200


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


def execute(job: Job, sandbox: Sandbox, cancel: threading.Event | None = None) -> Run:
    """Return what came of ``job``. Nothing that student code does raises; a fault of ours is a ``Run``, too.

    Such a run has ``stop`` ``infrastructure`` and says in ``detail`` what failed. For each probe there is an
    observation, in order. Raises CancelledError soon after ``cancel`` is set.
    """
    try:
        with sandbox.launch(job.limits, cancel) as box:
            run = _execute_in(box, job, sandbox.name)
            log = box.close()
    except (SandboxError, OSError) as error:
        run, log = _infrastructure(job, sandbox.name, str(error)), ""
    if cancel is not None and cancel.is_set():
        raise CancelledError(f"{job.name}: cancelled")
    # A notebook's output lies in its cells; what else was printed is of use only if something broke.
    return replace(run, log=run.log or log) if job.form == "module" or run.stop is not Stop.FINISHED else run


def _infrastructure(job: Job, isolation: str, detail: str) -> Run:
    lost = Failure("not_run", detail)
    observations = tuple(Observation(probe, lost) for probe in job.probes)
    return Run(Stop.INFRASTRUCTURE, 0.0, isolation, environment(), detail=detail, observations=observations)


def _execute_in(box: Confined, job: Job, isolation: str) -> Run:
    _load(box, job)
    began = time.monotonic()
    ran = _run(box, job)
    seconds = time.monotonic() - began
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
    )


def _load(box: Confined, job: Job) -> None:
    """Hand the job over. No student code runs yet: what fails here is ours, and raises SandboxError."""
    fields = {
        "form": "module" if job.form == "files" else job.form,
        "name": PurePosixPath(job.name).name.removesuffix(".py").removesuffix(".ipynb") or "submission",
        "source": job.source,
        "runner": job.runner,
        "seed": job.seed,
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
    seconds, max_bytes = job.limits.timeout_seconds, _max_notebook_bytes(job)
    try:
        box.channel.send("run", {"seconds": seconds, "max_bytes": max_bytes})
        try:
            return _ran(job, box.channel.receive(seconds, max_bytes), interrupted=False)
        except DeadlineError:
            box.interrupt()
            return _ran(job, box.channel.receive(GRACE_SECONDS, max_bytes), interrupted=True)
    except DeadlineError:
        box.kill()
        detail = f"the time limit of {seconds:g} s was reached, and the code did not stop when interrupted"
        return _Ran(Stop.TIMEOUT, detail, lost=detail)
    except ProcessEndedError:
        stop, detail = _why_ended(box, job)
        return _Ran(stop, detail, lost=detail)
    except ProtocolError as error:
        # Student code has run in there: an answer that it spoiled costs its own marks and is not tried again.
        box.kill()
        return _Ran(Stop.KILLED, f"the process gave no valid answer: {error}", lost="no valid answer")


def _max_notebook_bytes(job: Job) -> int:
    # JSON escapes a character with at most 6 bytes, 12 outside the basic plane.
    return 6 * len(job.source) + 12 * job.limits.value_bytes if job.form == "notebook" else 0


def _why_ended(box: Confined, job: Job) -> tuple[Stop, str]:
    """Return why the process ended. Raises SandboxError if that was no doing of the student's."""
    words = box.exit_words()
    if box.kill_reason == "lost":
        raise SandboxError("the process that confined the job ended; the job has to be run again")
    if box.kill_reason == "memory":
        return (
            Stop.MEMORY,
            f"the memory limit of {_mebibytes(job)} MiB was exceeded; what was computed is lost",
        )
    return Stop.KILLED, f"the process ended before its time ({words}); what was computed is lost"


def _mebibytes(job: Job) -> int:
    return job.limits.memory_bytes // 1024**2


def _ran(job: Job, answer: Answer, *, interrupted: bool) -> _Ran:
    """Return what an answer to ``run`` says. Raises ProtocolError for another form than agreed."""
    errors = tuple(_code_errors(answer.fields.get("errors")))
    died = _capped(_text(answer.fields.get("died", "")), _MAX_DIED_CHARS)
    ran = _Ran(
        Stop.FINISHED,
        errors=tuple(error for error in errors if error.name != "KeyboardInterrupt"),
        log=_capped(_text(answer.fields.get("log", "")), job.limits.output_bytes),
        notebook=answer.blob.decode("utf-8", errors="replace") if answer.blob else None,
    )
    if died:
        detail = f"{died}; what was computed is lost"
        return replace(ran, stop=Stop.KILLED, detail=detail, lost=detail)
    if interrupted or answer.fields.get("timed_out") is True:
        place = next((f" in {error.where}" for error in errors if error.name == "KeyboardInterrupt"), "")
        return replace(
            ran,
            stop=Stop.TIMEOUT,
            detail=f"the time limit of {job.limits.timeout_seconds:g} s was reached{place}",
        )
    short = next((error for error in errors if _is_out_of_memory(error)), None)
    if short is not None:
        return replace(
            ran,
            stop=Stop.MEMORY,
            detail=f"the memory limit of {_mebibytes(job)} MiB was reached in {short.where}",
        )
    return replace(ran, errors=errors)


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
    """Return one observation per probe, and what ran, told anew if reading a variable ended the process."""
    observations = []
    if any(probe.arguments is not None for probe in job.probes):
        box.seal_log()
    for probe in job.probes:
        if probe.kind in HANDED_IN:
            observations.append(Observation(probe, handed_in(job, probe)))
            continue
        if ran.lost:
            observations.append(Observation(probe, Failure("not_run", ran.lost)))
            continue
        try:
            observations.append(_observe(box, job, probe))
        except SandboxError as error:
            stop, detail = _why_unreadable(box, job, probe, error)
            box.kill()
            observations.append(Observation(probe, Failure("raised", detail)))
            ran = replace(ran, stop=stop, detail=detail, lost=detail)
    return tuple(observations), ran


def _observe(box: Confined, job: Job, probe: Probe) -> Observation:
    max_bytes = job.limits.value_bytes
    # Student code runs where a function is called; to read a value is quick, whatever it is.
    own_seconds = GET_SECONDS - 2 if probe.kind == "value" else job.limits.timeout_seconds
    arguments, blob = encode(probe.arguments)
    wanted = {"kind": probe.kind, "name": probe.name, "arguments": arguments}
    box.channel.send("observe", {**wanted, "max_bytes": max_bytes, "seconds": own_seconds}, blob)
    answer = box.channel.receive(max(GET_SECONDS, own_seconds + GRACE_SECONDS), max_bytes)
    return read_observation(probe, dict(answer.fields), answer.blob)


def _why_unreadable(box: Confined, job: Job, probe: Probe, error: SandboxError) -> tuple[Stop, str]:
    if isinstance(error, DeadlineError):
        return Stop.TIMEOUT, f"reading {probe.name} took longer than {GET_SECONDS:g} s"
    if isinstance(error, ProcessEndedError):
        stop, detail = _why_ended(box, job)
        return stop, f"while {probe.name} was read: {detail}"
    return Stop.KILLED, f"reading {probe.name} gave no valid answer: {error}"
