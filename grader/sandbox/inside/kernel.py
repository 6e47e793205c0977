"""The kernel that runs a notebook's cells: ipykernel, with output capped as it is produced.

It answers ``grade_observe`` on the control channel, which has a thread of its own: a variable can be read even
while a cell swallows interrupts, and nothing that student code binds, prints or redirects is in the way.
"""

# ruff: noqa: E402
from __future__ import annotations

import os
import sys
from typing import Any, NoReturn

# The debugger is never used here, and costs a fifth of the kernel's start.
sys.modules["debugpy"] = None  # type: ignore[assignment]

from ipykernel.displayhook import ZMQShellDisplayHook
from ipykernel.iostream import OutStream
from ipykernel.ipkernel import IPythonKernel
from ipykernel.kernelapp import IPKernelApp
from ipykernel.zmqshell import ZMQDisplayPublisher, ZMQInteractiveShell
from traitlets import Type
from traitlets.config import Config

from . import colab, figures, module, observe, parent, state, trace
from .meter import Meter

METER = Meter()
_STREAMS: dict[str, Any] = {}


def repair_streams() -> None:
    """Put back stdout and stderr where a cell left something that cannot be flushed: ipykernel would hang."""
    for name, stream in _STREAMS.items():
        try:
            getattr(sys, name).flush()
        except Exception:  # noqa: BLE001 - closed, None, or an object of the student's
            setattr(sys, name, stream)


class CappedStream(OutStream):
    """stdout and stderr of the cells, what C code and subprocesses print included."""

    def write(self, string: object) -> int | None:  # type: ignore[override]
        """Keep what still fits. Returns the length of ``string``, as a stream that kept all would."""
        if not isinstance(string, str):
            return super().write(string)  # type: ignore[arg-type]
        kept = METER.text(string)
        if kept:
            super().write(kept)
        return len(string)


class CappedPublisher(ZMQDisplayPublisher):
    """``display(…)``, capped in number and size."""

    def publish(self, data: dict[str, Any], *arguments: Any, **options: Any) -> None:
        """Publish what still fits."""
        if METER.may_display():
            super().publish(METER.trim(data), *arguments, **options)  # type: ignore[no-untyped-call]


class CappedHook(ZMQShellDisplayHook):
    """The value of a cell's last line, capped in size."""

    def write_format_data(self, format_dict: dict[str, Any], md_dict: dict[str, Any] | None = None) -> None:
        """Publish what still fits."""
        super().write_format_data(METER.trim(format_dict), md_dict)  # type: ignore[no-untyped-call]


class Shell(ZMQInteractiveShell):
    """A shell whose ``exit()`` and ``quit()`` leave the kernel running, so that later cells still count."""

    display_pub_class = Type(CappedPublisher)
    displayhook_class = Type(CappedHook)

    def ask_exit(self) -> None:
        """Do nothing."""

    def system_piped(self, cmd: str) -> None:
        """Run ``!cmd``, unless it only installs."""
        if note := colab.skipped(self.var_expand(cmd, depth=1)):  # type: ignore[no-untyped-call]
            sys.stdout.write(f"{note}\n")
            self.user_ns["_exit_code"] = 0
        else:
            super().system_piped(cmd)  # type: ignore[no-untyped-call]

    system = system_piped

    def _get_exc_info(self, exc_tuple: Any = None) -> tuple[Any, Any, Any]:
        """Return type, exception and traceback of what is to be shown, without this package's frames."""
        return trace.hidden(super()._get_exc_info(exc_tuple))  # type: ignore[no-untyped-call]

    def _showtraceback(self, *parts: Any) -> None:
        repair_streams()
        super()._showtraceback(*parts)  # type: ignore[no-untyped-call]


class Kernel(IPythonKernel):
    """ipykernel that can be asked for variables."""

    shell_class = Type(Shell)
    #: For the first cell to start from: setting up and being asked for its banner make ipykernel draw numbers, too.
    seed: int | None = None

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)  # type: ignore[no-untyped-call]
        self.control_handlers["grade_observe"] = self.grade_observe

    def grade_observe(self, stream: Any, ident: Any, parent: dict[str, Any]) -> None:
        """Answer with two buffers: the header (JSON, nonce included) and the blob of a protocol frame."""
        blob = b"".join(map(bytes, parent.get("buffers") or ()))
        buffers = observe.answer(self.shell.user_ns, parent["content"], blob)  # type: ignore[union-attr]
        self.session.send(stream, "grade_reply", {}, parent, ident=ident, buffers=list(buffers))  # type: ignore[union-attr]

    async def do_execute(self, *arguments: Any, **options: Any) -> Any:
        """Run one cell with a fresh allowance of output."""
        METER.reset()
        if self.seed is not None:
            state.seed(self.seed)
            self.seed = None
        try:
            return await super().do_execute(*arguments, **options)  # type: ignore[no-untyped-call]
        finally:
            repair_streams()

    def raw_input(self, prompt: object = "") -> NoReturn:
        """Stand in for ``input``. Raises RuntimeError always."""
        module.no_input(prompt)

    def getpass(self, prompt: object = "", *_arguments: Any, **_options: Any) -> NoReturn:
        """Stand in for ``getpass.getpass``. Raises RuntimeError always."""
        module.no_input(prompt)


def main(arguments: list[str]) -> None:
    """Run the kernel: ``kernel CONNECTION_FILE SEED MAX_OUTPUT_CHARS``."""
    connection_file, seed, max_chars = arguments
    parent.die_with_it()
    serve(connection_file, int(seed), int(max_chars))


def serve(connection_file: str, seed: int, max_chars: int) -> None:
    """Be the kernel that ``connection_file`` describes, until it is asked to end."""
    METER.max_chars = max_chars
    sys.argv = [""]
    state.use_backend(state.INLINE_BACKEND)
    figures.keep_figures()
    sys.path.append(os.getcwd())  # noqa: PTH109 - at the end: a student's torch.py must not be found first
    app = IPKernelApp.instance(kernel_class=Kernel, config=_config())
    app.initialize(["-f", connection_file])  # type: ignore[no-untyped-call]
    colab.prepare(app.shell)
    Kernel.seed = seed
    _STREAMS.update(stdout=sys.stdout, stderr=sys.stderr)
    app.start()  # type: ignore[no-untyped-call]


def _config() -> Config:
    config = Config()
    config.IPKernelApp.outstream_class = f"{__name__}.CappedStream"
    config.InteractiveShellApp.ignore_cwd = True
    config.IPKernelApp.ignore_cwd = True
    config.HistoryManager.enabled = False
    config.HistoryManager.hist_file = ":memory:"
    return config
