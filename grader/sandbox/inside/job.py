"""The process of one job: take over the pipes, confine itself, answer requests one at a time.

Requests are ``load`` (files, source, limits), ``run`` and ``observe``. Each answer echoes the request's nonce.
"""

from __future__ import annotations

import importlib
import importlib.util
import json
import os
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import IO, Any, NoReturn, Protocol, TextIO

from . import frames, parent, state, warm

#: Nothing that a student's exercise should write is larger.
MAX_FILE_BYTES = 1024**3


class Runner(Protocol):
    """Runs one hand-in and answers for its variables."""

    def run(self, request: dict[str, Any]) -> tuple[dict[str, object], bytes]:
        """Run a module, or the notebook's cell ``request["cell"]``. Return the answer's fields and outputs as blob."""

    def observe(self, request: dict[str, Any], blob: bytes) -> tuple[bytes, bytes]:
        """Return header and blob that answer the probe in ``request``, whose inputs' arrays are in ``blob``."""


def main(arguments: list[str]) -> None:
    """Serve requests until the pipe is closed; then end at once, whatever student code left behind.

    ``arguments`` name modules to import ahead: this process stands by until it is needed.
    """
    parent.die_with_it()
    inbox, outbox = take_pipes()
    _import_ahead(arguments)
    answer_all(inbox, outbox, is_forked=False, is_warm=bool(arguments))


def _import_ahead(names: list[str]) -> None:
    for name in names:
        try:
            importlib.import_module(name)
            warm.exercise(name)
        except Exception:  # noqa: BLE001, S112 - whoever needs the module will be told when the job is loaded
            continue


def answer_all(inbox: IO[bytes], outbox: IO[bytes], *, is_forked: bool, is_warm: bool = False) -> NoReturn:
    """Serve requests and end. ``is_forked``: from a warm process, which has set all limits.

    ``is_warm``: this process itself has imported IPython already, and so runs a notebook's cells where it can.
    """
    status = 1
    # New ones: a warm process's own stand for other files than the ones behind these descriptors now.
    sys.stdout, sys.stderr = _printer(1), _printer(2)
    try:
        serve(inbox, outbox, is_forked=is_forked, is_warm=is_warm and os.name == "posix")
    except EOFError:
        status = 0
    finally:
        _flush()
        os._exit(status)


def _printer(descriptor: int) -> TextIO:
    """Return a stream that shows broken text instead of failing on it."""
    return open(descriptor, "w", 1, encoding="utf-8", errors="backslashreplace", closefd=False)


def take_pipes() -> tuple[IO[bytes], IO[bytes]]:
    """Return private copies of stdin and stdout; descriptor 0 becomes empty and 1 joins the log (2).

    So whatever is printed, from C or from a subprocess too, is log and never an answer.
    """
    inbox = os.fdopen(os.dup(0), "rb", buffering=0)
    outbox = os.fdopen(os.dup(1), "wb", buffering=0)
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)
    os.dup2(2, 1)
    return inbox, outbox


def serve(inbox: IO[bytes], outbox: IO[bytes], *, is_forked: bool, is_warm: bool) -> None:
    """Answer requests. Raises EOFError when there are no more."""
    runner: Runner | None = None
    owner = os.getpid()
    while True:
        header, blob = frames.read(lambda count: read_exactly(inbox, count), sys.maxsize)
        request = json.loads(header)
        if request["op"] == "load":
            runner, frame = load(request, blob, is_forked=is_forked, is_warm=is_warm)
        elif runner is not None and request["op"] == "run":
            fields, result = runner.run(request)
            frame = frames.pack({"nonce": request["nonce"], **fields}, result)
        elif runner is not None and request["op"] == "observe":
            frame = frames.pack_raw(*runner.observe(request, blob))
        else:
            frame = frames.pack({"nonce": request["nonce"], "refused": f"unexpected request {request['op']!r}"})
        _flush()
        if os.getpid() != owner:
            os._exit(0)  # a copy that student code forked and did not end: one answer is enough
        write_all(outbox, frame)


def load(
    request: dict[str, Any], blob: bytes, *, is_forked: bool, is_warm: bool = False
) -> tuple[Runner | None, bytes]:
    """Return a runner that is ready and the answer; ``refused`` in it says why there is none."""
    nonce = request["nonce"]
    try:
        check_modules(request.get("preload", ()))
        write_files(request["files"], blob)
        state.seed(request["seed"])
        if not is_forked:
            limit_resources(request["memory_bytes"])
        return _runner(request, is_forked=is_forked, is_warm=is_warm), frames.pack({"nonce": nonce, "loaded": True})
    except Exception as error:  # noqa: BLE001 - no student code has run: any fault here is ours, and is reported
        where = f" in {Path.cwd()}" if isinstance(error, OSError) and error.filename is None else ""
        return None, frames.pack({"nonce": nonce, "refused": f"{type(error).__name__}: {error}{where}"[:2000]})


def _runner(request: dict[str, Any], *, is_forked: bool, is_warm: bool) -> Runner:
    # Imported here, because nbclient and IPython take longer to import than most modules take to run.
    default = "shell" if is_forked or is_warm else "nbclient"
    if request["form"] == "notebook" and (request["runner"] or default) == "shell":
        from .shell import ShellRunner  # noqa: PLC0415

        return ShellRunner(request)
    if request["form"] == "notebook":
        from .notebook import NotebookRunner  # noqa: PLC0415

        return NotebookRunner(request, is_forked=is_forked)
    from .module import ModuleRunner  # noqa: PLC0415

    return ModuleRunner(request)


def check_modules(names: Iterable[str]) -> None:
    """Raise ImportError for a module that hand-ins import and that is not installed here: that is no fault of theirs.

    Where there is no warm process, nobody has imported it yet. No file of a hand-in can be taken for it so early.
    """
    for name in names:
        if name not in sys.modules and importlib.util.find_spec(name.partition(".")[0]) is None:
            raise ImportError(
                f"`preload` in exercise.yaml names {name}, which is not installed. "
                "Install it for this Python, or remove it from `preload`."
            )


def write_files(sizes: list[tuple[str, int]], blob: bytes) -> None:
    """Write the job's files into the working folder. Raises ValueError for a name that would leave it."""
    root, offset = Path.cwd().resolve(), 0
    for name, size in sizes:
        path = (root / name).resolve()
        if root not in path.parents:
            raise ValueError(f"file name {name!r} would leave the working folder")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(blob[offset : offset + size])
        offset += size


def limit_resources(memory_bytes: int) -> None:
    """Set rlimits where the system has them: private memory, no core dumps, files of at most 1 GiB."""
    try:
        import resource  # noqa: PLC0415
    except ImportError:  # Windows
        return
    # Not RLIMIT_AS: torch reserves far more address space than it ever uses.
    wanted = [(resource.RLIMIT_CORE, 0), (resource.RLIMIT_FSIZE, MAX_FILE_BYTES)]
    if sys.platform == "linux":
        wanted.append((resource.RLIMIT_DATA, memory_bytes))
    for kind, limit in wanted:
        hard = resource.getrlimit(kind)[1]
        value = limit if hard == resource.RLIM_INFINITY else min(limit, hard)
        resource.setrlimit(kind, (value, value))


def read_exactly(stream: IO[bytes], count: int) -> bytes:
    """Return ``count`` bytes. Raises EOFError when the stream ends before."""
    parts, left = [], count
    while left:
        part = stream.read(min(left, 1024**2))
        if not part:
            raise EOFError
        parts.append(part)
        left -= len(part)
    return b"".join(parts)


def write_all(stream: IO[bytes], data: bytes) -> None:
    """Write all of ``data`` to an unbuffered stream."""
    view = memoryview(data)
    while view:
        view = view[stream.write(view) :]


def _flush() -> None:
    flushes: list[Callable[[], object]] = [sys.stdout.flush, sys.stderr.flush]
    for flush in flushes:
        try:
            flush()
        except Exception:  # noqa: BLE001, S112 - student code may have replaced or closed the stream
            continue
