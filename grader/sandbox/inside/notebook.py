"""Drive a kernel through a notebook's cells with nbclient, in the job's process and so inside the sandbox."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import sys
from pathlib import Path
from queue import Empty
from typing import Any

import nbformat
from jupyter_client.kernelspec import KernelSpec, KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from nbclient.exceptions import DeadKernelError

from . import frames
from .meter import CUT_IN_TOTAL, size
from .transcript import packed

START_SECONDS = 60.0
#: How long an interrupted cell may take to end before it is left to itself.
INTERRUPT_SECONDS = 1.5
MAX_TRACEBACK_CHARS = 8000
_ANSI = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


class OneKernel(KernelSpecManager):
    """Knows one kernel, ours, whatever name a notebook carries."""

    def __init__(self, arguments: list[str]) -> None:
        super().__init__()
        self._arguments = arguments

    def get_kernel_spec(self, _kernel_name: str) -> KernelSpec:
        """Return the kernel of this folder under this Python."""
        start = Path(__file__).resolve().with_name("start.py")
        command = [sys.executable, "-P", "-s", str(start), "kernel", "{connection_file}", *self._arguments]
        return KernelSpec(argv=command, display_name="Python", language="python")


def _manager(seed: int, max_chars: int, *, is_forked: bool) -> AsyncKernelManager:
    """Return what starts and ends the kernel; if ``is_forked``, it runs already."""
    folder = Path(os.environ["JUPYTER_RUNTIME_DIR"])
    place: dict[str, Any] = {"connection_file": str(folder / "k.json")}
    if os.name == "posix":  # sockets in a private folder: no port that a neighbour could connect to
        place |= {"transport": "ipc", "ip": str(folder / "k")}
    specs = OneKernel([str(seed), str(max_chars)])
    manager = AsyncKernelManager(kernel_name="python3", kernel_spec_manager=specs, **place)
    if is_forked:
        from .forked import ForkedProvisioner, fork  # noqa: PLC0415 - imports ipykernel, which has its own process else

        manager.write_connection_file()
        pid = fork(manager.connection_file, seed, max_chars)
        manager.provisioner = ForkedProvisioner(pid, kernel_spec=manager.kernel_spec, parent=manager)
    return manager


class CappedClient(NotebookClient):
    """nbclient that keeps at most ``max_chars`` of output over the whole notebook."""

    def __init__(self, notebook: nbformat.NotebookNode, max_chars: int, **options: Any) -> None:
        super().__init__(notebook, **options)
        self._left = max_chars
        self._marked = False
        #: Cells whose outputs are not what they were.
        self.changed: set[int] = set()

    def output(self, outs: list[Any], msg: dict[str, Any], display_id: str | None, cell_index: int) -> Any:
        """Append an output if it still fits; the first that does not is replaced by a marker."""
        self._left -= size(msg["content"])
        if self._left >= 0:
            return super().output(outs, msg, display_id, cell_index)
        if not self._marked:
            self._marked = True
            outs.append(nbformat.from_dict({"output_type": "stream", "name": "stderr", "text": CUT_IN_TOTAL}))  # type: ignore[no-untyped-call]
        return None

    def _update_display_id(self, display_id: str, msg: dict[str, Any]) -> None:
        self.changed.update(self._display_id_map.get(display_id, ()))
        super()._update_display_id(display_id, msg)

    def handle_comm_msg(self, *_: Any) -> None:
        """Ignore a widget's message: its text is shown, and what an output widget takes is the cell's output.

        nbclient believes such a message to be complete, and ends where it is not, or where no state is kept.
        """


class NotebookRunner:
    """One notebook and its kernel, run cell by cell.

    ``is_forked``: this process was forked from a warm one, and so is its kernel; else that is started afresh.
    """

    def __init__(self, request: dict[str, Any], *, is_forked: bool) -> None:
        self._notebook = nbformat.from_dict(json.loads(request["source"]))  # type: ignore[no-untyped-call]
        if not isinstance(self._notebook.get("cells"), list):
            raise TypeError("the source is not a notebook of format 4")
        self._errors: list[list[str]] = []
        self._client = CappedClient(
            self._notebook,
            request["value_bytes"],
            allow_errors=True,
            timeout=None,
            store_widget_state=False,
            coalesce_streams=True,
            record_timing=False,
            on_cell_executed=self._note_error,
        )
        manager = _manager(request["seed"], request["output_bytes"], is_forked=is_forked)
        # A handler, not SIG_IGN, which the kernel would inherit. The time limit is kept here by clock.
        signal.signal(signal.SIGINT, lambda *_: None)
        self._loop = asyncio.SelectorEventLoop()
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._start(manager))

    async def _start(self, manager: AsyncKernelManager) -> None:
        await manager.start_kernel(cwd=str(Path.cwd()))
        client = manager.client()
        client.start_channels()
        await client.wait_for_ready(timeout=START_SECONDS)
        client.allow_stdin = False
        self._client.km, self._client.kc = manager, client

    def run(self, request: dict[str, Any]) -> tuple[dict[str, object], bytes]:
        """Run one cell.

        Return its ``errors``, ``timed_out``, ``died`` (how, or empty), and the outputs of all cells that it changed.
        """
        self._errors, self._number = [], request["number"]
        timed_out, died = self._loop.run_until_complete(self._ended(request["cell"], request["seconds"]))
        outputs = {index: self._notebook.cells[index].outputs for index in sorted(self._client.changed)}
        self._client.changed.clear()
        return {"errors": self._errors, "timed_out": timed_out, "died": died}, packed(outputs, request["max_bytes"])

    async def _ended(self, index: int, seconds: float) -> tuple[bool, str]:
        """Run a cell and return whether it ran out of time, and how the kernel ended if it did."""
        self._client.changed.add(index)
        try:
            return not await self._cell(self._notebook.cells[index], index, seconds), ""
        except DeadKernelError:
            return False, await self._why_dead()

    async def _cell(self, cell: Any, index: int, seconds: float) -> bool:
        """Return whether the cell ended in time. Raises DeadKernelError."""
        task = asyncio.ensure_future(self._client.async_execute_cell(cell, index))
        done, _ = await asyncio.wait({task}, timeout=seconds)
        if not done:
            await self._client.km.interrupt_kernel()  # type: ignore[union-attr, misc]
            await asyncio.wait({task}, timeout=INTERRUPT_SECONDS)
            return False
        task.result()
        return True

    async def _why_dead(self) -> str:
        provisioner = self._client.km.provisioner if self._client.km is not None else None
        status = None if provisioner is None else await provisioner.poll()
        return frames.exit_words(status)

    def _note_error(self, *, cell: Any, execute_reply: dict[str, Any], **_: Any) -> None:
        content = execute_reply["content"]
        if content.get("status") != "error":
            return
        if content.get("ename") == "NoneType":  # a repr that raised: ipykernel's reply does not name the exception
            shown = [output for output in cell.outputs if output.output_type == "error"]
            content = content | dict(shown[-1] if shown else {})
        name, message = str(content.get("ename", "")), str(content.get("evalue", ""))
        if name == "SystemExit":
            message = "called exit(); the rest of the cell was not run"
        trace = _ANSI.sub("", "\n".join(map(str, content.get("traceback", []))))
        self._errors.append([f"cell {self._number}", name[:200], message[:2000], trace[-MAX_TRACEBACK_CHARS:]])

    def observe(self, request: dict[str, Any], blob: bytes) -> tuple[bytes, bytes]:
        """Return header and blob for one probe, as the kernel made them."""
        return self._loop.run_until_complete(self._observe(request, blob))

    async def _observe(self, request: dict[str, Any], blob: bytes) -> tuple[bytes, bytes]:
        client: Any = self._client.kc
        message = client.session.msg("grade_observe", request)
        client.session.send(client.control_channel.socket, message, buffers=[blob])
        try:
            while True:
                reply = await client.control_channel.get_msg(timeout=request["seconds"])
                if reply["parent_header"].get("msg_id") == message["header"]["msg_id"]:
                    header, blob = reply["buffers"]
                    return bytes(header), bytes(blob)
        except Empty:
            text = f"{request['name']} could not be read: the kernel does not answer"
            return json.dumps({"nonce": request["nonce"], "failure": ["not_run", text]}).encode("ascii"), b""
