"""Run a notebook's cells in this process, through IPython's own shell, as ipykernel does in a process of its own.

What differs from Jupyter: ``!command`` runs without a terminal; widgets show their text; a debugger, a pager
and other kernels' languages are not there.
"""

from __future__ import annotations

import asyncio
import builtins
import getpass
import io
import json
import os
import re
import signal
import subprocess
import sys
import types
from pathlib import Path
from typing import Any

from IPython.core import page
from IPython.core.autocall import ExitAutocall
from IPython.core.displayhook import DisplayHook
from IPython.core.displaypub import DisplayPublisher
from IPython.core.interactiveshell import ExecutionResult, InteractiveShell
from traitlets import Type, default
from traitlets.config import Config

from . import colab, encode, figures, module, observe, state, trace
from .transcript import Descriptors, Transcript, packed

MAX_TRACEBACK_CHARS = 8000
_MAX_NAME_CHARS, _MAX_MESSAGE_CHARS = 200, 2000
_ANSI = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


class Stream(io.TextIOBase):
    """stdout or stderr of the cells. In a process forked by student code it writes to the descriptor."""

    encoding = "utf-8"
    errors = "replace"

    def __init__(self, transcript: Transcript, name: str, log: int) -> None:
        super().__init__()
        self.name = f"<{name}>"
        self._kind, self._transcript, self._log = name, transcript, log
        self._owner = os.getpid()

    def write(self, text: str) -> int:
        """Keep what still fits. Returns the length of ``text``, as a stream that kept all would."""
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text)}")
        if os.getpid() != self._owner:
            os.write(self.fileno(), text.encode("utf-8", errors="replace"))
        elif text:
            kept = self._transcript.stream(self._kind, text)
            os.write(self._log, kept.encode("utf-8", errors="replace"))
        return len(text)

    def writable(self) -> bool:
        """Return True."""
        return True

    def fileno(self) -> int:
        """Return the descriptor, for subprocesses."""
        return 1 if self._kind == "stdout" else 2

    def close(self) -> None:
        """Do nothing: later cells print, too."""


class Publisher(DisplayPublisher):
    """``display(…)``, into the transcript."""

    transcript: Transcript

    def publish(
        self,
        data: dict[str, Any],
        metadata: dict[str, Any] | None = None,
        *_: Any,
        transient: dict[str, Any] | None = None,
        update: bool = False,
        **__: Any,
    ) -> None:
        """Show ``data``, or change what is shown under the same id."""
        self._validate_data(data, metadata)  # type: ignore[no-untyped-call]
        display_id = (transient or {}).get("display_id")
        if not update:
            self.transcript.display(data, metadata or {}, display_id)
        if display_id is not None:
            self.transcript.update(display_id, data, metadata or {})

    def clear_output(self, wait: bool = False) -> None:  # noqa: FBT001, FBT002 - IPython's signature
        """Remove the cell's outputs."""
        self.transcript.clear(wait=wait)


class Hook(DisplayHook):
    """The value of a cell's last line, into the transcript."""

    transcript: Transcript

    def write_output_prompt(self) -> None:
        """Write nothing: the number is part of the output."""

    def write_format_data(self, format_dict: dict[str, Any], md_dict: dict[str, Any] | None = None) -> None:
        """Keep the value's forms."""
        self.transcript.result(self.prompt_count, format_dict, md_dict or {})

    def finish_displayhook(self) -> None:
        """Write no line end."""
        self._is_active = False


class Exit(ExitAutocall):
    """``exit`` and ``quit``, which take an argument in a notebook."""

    def __call__(self, *_: object) -> None:
        """Ask the shell, which goes on."""
        super().__call__()  # type: ignore[no-untyped-call]


class Shell(InteractiveShell):
    """IPython's shell with its output in a transcript."""

    display_pub_class = Type(Publisher)
    displayhook_class = Type(Hook)
    transcript: Transcript | None = None
    last_trace: list[str]
    #: What a value's repr raised while it was shown: an error of the cell, as in Jupyter, though IPython has none.
    repr_error: BaseException | None = None

    @default("exiter")
    def _exit(self) -> Exit:
        return Exit(self)  # type: ignore[no-untyped-call]

    def init_virtualenv(self) -> None:
        """Look for no other environment."""

    def init_environment(self) -> None:
        """Tell subprocesses what ipykernel tells them."""
        colour = {"TERM": "xterm-color", "CLICOLOR": "1", "FORCE_COLOR": "1", "CLICOLOR_FORCE": "1"}
        os.environ.update(colour | {"PAGER": "cat", "GIT_PAGER": "cat"})

    def init_hooks(self) -> None:
        """Page nothing: what ``name?`` shows is no output."""
        super().init_hooks()  # type: ignore[no-untyped-call]
        self.set_hook("show_in_pager", page.as_hook(lambda *_, **__: None), 99)  # type: ignore[no-untyped-call]

    def enable_gui(self, gui: object = None) -> None:
        """Do nothing: there is no window."""

    def ask_exit(self) -> None:
        """Do nothing, so that cells after ``exit()`` still count."""

    def system(self, cmd: str) -> None:
        """Run ``!cmd``; what it prints belongs to the cell."""
        command = self.var_expand(cmd, depth=1)  # type: ignore[no-untyped-call]
        if note := colab.skipped(command):
            sys.stdout.write(f"{note}\n")
            self.user_ns["_exit_code"] = 0
            return
        ended = subprocess.run(command, shell=True, stdin=subprocess.DEVNULL, stdout=1, stderr=1, check=False)  # noqa: S602
        self.user_ns["_exit_code"] = ended.returncode

    system_piped = system_raw = system

    def _get_exc_info(self, exc_tuple: Any = None) -> tuple[Any, Any, Any]:
        """Return type, exception and traceback of what is to be shown, without this package's frames."""
        return trace.hidden(super()._get_exc_info(exc_tuple))  # type: ignore[no-untyped-call]

    def _showtraceback(self, etype: type[BaseException], evalue: BaseException, stb: list[str]) -> None:
        self.last_trace = stb
        if self.displayhook.is_active:
            self.repr_error = evalue
        if self.transcript is not None:
            self.transcript.error(str(etype.__name__), encode.safe_text(evalue), stb)


def make_shell(transcript: Transcript) -> Shell:
    """Return this process's shell, ready for its first cell."""
    config = Config()
    config.HistoryManager.enabled = False
    config.HistoryManager.hist_file = ":memory:"
    config.IPKernelApp.name = "python3"  # libraries look for this name to see whether they are in a notebook
    shell = Shell.instance(config=config)
    for part in (shell, shell.display_pub, shell.displayhook):
        part.transcript = transcript  # type: ignore[union-attr]
    shell.last_trace = []
    colab.prepare(shell)
    return shell


def prepare() -> None:
    """Run a cell of each sort and forget it, so that no child has to import what printing and failing need."""
    kept = (sys.modules["__main__"], sys.displayhook, sys.excepthook, dict(os.environ), dict(vars(builtins)))
    make_shell(Transcript(1000, 1000))
    shell: Any = Shell.instance()
    for source in ("1 + 1", "%time 1", "def f(): 1 / 0\nf()", "("):
        shell.run_cell(source, store_history=True)
    Shell.clear_instance()
    sys.modules["__main__"], sys.displayhook, sys.excepthook = kept[:3]
    for mapping, before in ((os.environ, kept[3]), (vars(builtins), kept[4])):
        for name in set(mapping) - set(before):
            del mapping[name]
        mapping.update(before)


class ShellRunner:
    """One notebook, run cell by cell."""

    def __init__(self, request: dict[str, Any]) -> None:
        self._cells = json.loads(request["source"]).get("cells")
        if not isinstance(self._cells, list):
            raise TypeError("the source is not a notebook of format 4")
        self._armed = self._interrupted = False
        log = os.dup(2)
        self._transcript = Transcript(request["output_bytes"], request["value_bytes"])
        self._streams = {name: Stream(self._transcript, name, log) for name in ("stdout", "stderr")}
        self._take_over()
        self._shell = make_shell(self._transcript)
        self._descriptors = Descriptors(self._transcript, log)
        self._loop = asyncio.SelectorEventLoop()
        asyncio.set_event_loop(self._loop)

    def _take_over(self) -> None:
        state.use_backend(state.INLINE_BACKEND)
        figures.keep_figures()
        sys.stdout, sys.stderr = self._streams["stdout"], self._streams["stderr"]
        sys.argv = [""]
        sys.path.append(str(Path.cwd()))  # at the end: a student's torch.py must not be found first
        builtins.input = module.no_input
        getpass.getpass = module.no_input  # type: ignore[assignment]
        signal.signal(signal.SIGINT, self._interrupt)

    def _interrupt(self, _signal: int, _frame: types.FrameType | None) -> None:
        # Only student code is interrupted; a late signal must not hit the code that answers.
        self._interrupted = True
        if self._armed:
            self._armed = False
            raise KeyboardInterrupt

    def run(self, request: dict[str, Any]) -> tuple[dict[str, object], bytes]:
        """Run one cell. Return its ``errors``, ``timed_out``, and as blob the outputs of all cells that it changed."""
        self._transcript.begin(request["cell"])
        error = self._run_cell(self._cells[request["cell"]]["source"])
        self._descriptors.drain()
        errors = [] if error is None else [self._described(f"cell {request['number']}", error)]
        fields: dict[str, object] = {"errors": errors, "timed_out": self._interrupted}
        return fields, packed(self._transcript.changed(), request["max_bytes"])

    def _run_cell(self, source: str) -> BaseException | None:
        """Run a cell and return the exception that ended it, if one did."""
        self._shell.last_trace, self._shell.repr_error = [], None
        error: BaseException | None = None
        self._armed = True
        try:
            try:
                result = self._loop.run_until_complete(self._execute(source))
                error = result.error_before_exec or result.error_in_exec or self._shell.repr_error
            finally:
                self._armed = False
        except BaseException as escaped:  # noqa: BLE001 - an interrupt while awaiting, or a student's own exception class
            error = escaped
            self._transcript.error(encode.type_name(escaped), encode.safe_text(escaped), [])
        self._repair_streams()
        return error

    async def _execute(self, source: str) -> ExecutionResult:
        """Run one cell inside a running loop, awaited only where it awaits: as in ipykernel."""
        shell: Any = self._shell
        transformed, failure = source, None
        try:
            transformed = shell.transform_cell(source)
        except Exception:  # noqa: BLE001 - IPython shows it when it runs the cell
            failure = sys.exc_info()
        prepared: dict[str, Any] = {"transformed_cell": transformed, "preprocessing_exc_tuple": failure}
        if not shell.should_run_async(source, **prepared):
            done: ExecutionResult = shell.run_cell(source, store_history=True)
            return done
        result: ExecutionResult | None = None
        try:
            result = await shell.run_cell_async(source, store_history=True, **prepared)
        finally:
            shell.events.trigger("post_execute")
            shell.events.trigger("post_run_cell", result)
        return result

    def _repair_streams(self) -> None:
        """Put back stdout and stderr where a cell left something that nobody can print to."""
        for name, stream in self._streams.items():
            try:
                getattr(sys, name).flush()
            except BaseException:  # noqa: BLE001 - closed, None, or an object of the student's
                setattr(sys, name, stream)

    def _described(self, where: str, error: BaseException) -> list[str]:
        message = encode.safe_text(error)
        if isinstance(error, SystemExit):
            message = "called exit(); the rest of the cell was not run"
        told = _ANSI.sub("", "\n".join(map(str, self._shell.last_trace)))
        name, message = encode.type_name(error)[:_MAX_NAME_CHARS], message[:_MAX_MESSAGE_CHARS]
        return [where, name, message, told[-MAX_TRACEBACK_CHARS:]]

    def observe(self, request: dict[str, Any], blob: bytes) -> tuple[bytes, bytes]:
        """Return header and blob that answer one probe."""
        return observe.answer(self._shell.user_ns, request, blob)
