"""The unconfined run of a case: small, bounded, in a session of its own that is killed after a moment."""

from __future__ import annotations

import contextlib
import json
import math
import os
import re
import select
import signal
import subprocess
import sys
import tempfile
import textwrap
import time
from pathlib import Path

import psutil

from .case import OUTPUT_BYTES, Case, Control
from .harness import free_port, living, notebook, with_prelude
from .host import Host

_HANG_SECONDS = 1.5
_END_SECONDS = 40.0
_MAX_WORDS = 200
#: Processes' numbers, which differ from run to run.
_NUMBER = re.compile(r"(?<![\w.])\d{4,7}(?![\w.]| bytes)")
_COMPANION_SECONDS = 10.0
_FLOOD_BYTES = 20 * OUTPUT_BYTES
#: Hard limits for every control, whatever it does; and a report through a pipe that ``chroot`` does not close.
_BOUNDS = """
import os as _os, resource as _resource
for _kind, _most in ((_resource.RLIMIT_CORE, 0), (_resource.RLIMIT_FSIZE, 2 * 1024**3), (_resource.RLIMIT_CPU, 30),
                     (_resource.RLIMIT_DATA, 3 * 1024**3)):
    _hard = _resource.getrlimit(_kind)[1]
    _resource.setrlimit(_kind, (_most if _hard < 0 else min(_hard, _most), _hard))
"""
_REPORT = """
import os as _os
_os.write({report}, (",".join(map(str, globals().get("won", []))) + ".").encode())
"""
#: A plain nbclient, as other graders use it: outputs are collected without a bound. Prints as much as it keeps.
_NOTEBOOK = """
import nbformat, sys
from nbclient import NotebookClient
class Client(NotebookClient):
    def output(self, outs, msg, display_id, cell_index):
        sys.stdout.write("x" * len(str(msg["content"])))
        return super().output(outs, msg, display_id, cell_index)
Client(nbformat.read("work.ipynb", 4), timeout=None, allow_errors={allow_errors}).execute()
"""
#: Starts the attack and lives, unless the attack ends it.
_PARENT = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, sys.argv[1]])
time.sleep(3)
sys.exit(7)
"""


def shows(case: Case, control: Control, host: Host) -> str:
    """Return what the unconfined run showed, in words. Raises AssertionError if the attack did not work."""
    before = living()
    with tempfile.TemporaryDirectory(prefix="acceptance-control-", ignore_cleanup_errors=True) as name:
        try:
            words = _run(case, control, host, Path(name), before)
            return _NUMBER.sub("N", words.replace(str(host.folder), "HOST").replace(name, "OWN"))[:_MAX_WORDS]
        finally:
            _end(before)


def _run(case: Case, control: Control, host: Host, folder: Path, before: set[psutil.Process]) -> str:
    target: dict[str, object] = {
        **host.target(control=True),
        "scale": control.scale or case.scale,
        "mark": f"control-{folder.name}",
        "companion_port": free_port(),
        "companion_key": 2**16 + os.getpid(),
        "token": "0123456789abcdef" * 2,
        "secret": host.secret,
        "neighbour_seconds": 0.2,
    }
    (folder / "target.json").write_text(json.dumps(target))
    reader, writer = os.pipe()
    try:
        script = _script(case, control, folder, writer)
        with contextlib.ExitStack() as stack:
            if case.companion:
                companion = folder / "companion.py"
                companion.write_text(f"{_BOUNDS}\n{with_prelude(case.companion)}")
                stack.callback(_wait_and_kill, _started(companion, folder=folder))
            command = [script]
            if control.shows == "kills":
                parent = folder / "parent.py"
                parent.write_text(_PARENT)
                command = [parent, script]
            process = _started(*command, folder=folder, passed=(writer,))
            stack.callback(_kill, process)
            return _watch(process, control, reader, folder / f"{command[0].stem}.out", before)
    finally:
        os.close(reader)
        os.close(writer)


def _script(case: Case, control: Control, folder: Path, report: int) -> Path:
    script = folder / "attack.py"
    if isinstance(case.source, str):
        whole = with_prelude(case.source, control.before, control.after)
        script.write_text(f"{_BOUNDS}\n{whole}\n{_REPORT.format(report=report)}")
        return script
    # The kernel is another process: what it reports goes through a file.
    after = "open('report', 'w').write(','.join(map(str, won)) + '.')"
    book = notebook(tuple(map(textwrap.dedent, with_prelude(case.source, _BOUNDS + control.before, after))))
    (folder / "work.ipynb").write_text(book)
    copy = f"\nimport os\nif os.path.exists('report'):\n    os.write({report}, open('report', 'rb').read())"
    script.write_text(_NOTEBOOK.format(allow_errors=control.shows != "ends") + copy)
    return script


def _started(*command: Path, folder: Path, passed: tuple[int, ...] = ()) -> subprocess.Popen[bytes]:
    with (folder / f"{command[0].stem}.out").open("wb") as printed:
        return subprocess.Popen(
            [sys.executable, *map(str, command)],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=printed,
            stderr=subprocess.STDOUT,
            pass_fds=passed,
            start_new_session=True,
            env={**os.environ, "HOME": str(folder), "TMPDIR": str(folder), "PYTHONDONTWRITEBYTECODE": "1"},
        )


def _watch(
    process: subprocess.Popen[bytes], control: Control, report: int, printed: Path, before: set[psutil.Process]
) -> str:
    seconds = _HANG_SECONDS if control.shows == "hangs" else _END_SECONDS
    ended = _wait(process, printed, seconds, _FLOOD_BYTES if control.shows == "floods" else math.inf)
    words = ""
    match control.shows:
        case "hangs":
            words = "" if ended else f"still running after {seconds:g} s"
        case "floods":
            words = f"printed {_FLOOD_BYTES} bytes and more" if printed.stat().st_size >= _FLOOD_BYTES else ""
        case "kills":
            words = "ended the process that started it" if process.returncode == -signal.SIGKILL else ""
        case "ends":
            words = (
                f"ended with status {process.returncode}, nothing reported" if ended and not _reported(report) else ""
            )
        case "survives":
            left = [one for one in living() - before if one.pid != process.pid]
            words = f"{len(left)} process outlived it" if left else ""
        case "wins":
            words = _won(report)
    assert words, f"the attack does not work unconfined: {printed.read_text(errors='replace')[-2000:]}"
    return words


def _wait(process: subprocess.Popen[bytes], printed: Path, seconds: float, enough: float) -> bool:
    """Return whether the process ended within ``seconds``, before it had printed ``enough`` bytes."""
    deadline = time.monotonic() + seconds
    while process.poll() is None:
        if time.monotonic() > deadline or printed.stat().st_size >= enough:
            return False
        time.sleep(0.02)
    return True


def _reported(report: int) -> bytes:
    return os.read(report, 10**6) if select.select([report], [], [], 0)[0] else b""


def _won(report: int) -> str:
    won = _reported(report).decode()[:-1]
    return f"won: {won.replace(',', ', ')}" if won else ""


def _wait_and_kill(process: subprocess.Popen[bytes]) -> None:
    """End a companion. It gets the time to remove what it has shown to others."""
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(timeout=_COMPANION_SECONDS)
    _kill(process)


def _kill(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _end(before: set[psutil.Process]) -> None:
    """End what the control left behind: descendants of this process that were not there before."""
    for _ in range(100):
        left = living() - before
        if not left:
            return
        for one in left:
            with contextlib.suppress(psutil.NoSuchProcess):
                one.kill()
        time.sleep(0.02)
