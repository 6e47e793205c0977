"""A kernel that is forked from the job's process, for nbclient: what that has imported is there already.

The fork comes first: before there is a ZeroMQ context, an event loop or a second thread in this process. None of
them would survive it, but their locks and descriptors would.
"""

from __future__ import annotations

import os
import signal
import traceback
from typing import Any, NoReturn

from jupyter_client.provisioning.local_provisioner import LocalProvisioner

from . import kernel, parent


def fork(connection_file: str, seed: int, max_chars: int) -> int:
    """Return the number of a new process that is a kernel. Raises RuntimeError if this one has a second thread."""
    threads = len(os.listdir("/proc/self/task"))  # noqa: PTH208 - counts those of C libraries, too
    if threads > 1:
        raise RuntimeError(f"a process with {threads} threads cannot be forked")
    child = os.fork()
    if child == 0:
        _become_kernel(connection_file, seed, max_chars)
    return child


def _become_kernel(connection_file: str, seed: int, max_chars: int) -> NoReturn:
    try:
        parent.die_with_it()
        os.setsid()  # so that an interrupt reaches what a cell has started, and not the job's process
        os.closerange(3, 2**20)  # answers are not for the kernel to give
        signal.signal(signal.SIGINT, signal.default_int_handler)
        kernel.serve(connection_file, seed, max_chars)
    except BaseException:  # noqa: BLE001 - a fault of ours: the log is where somebody may look for it
        os.write(2, traceback.format_exc().encode("utf-8", errors="replace"))
    finally:
        os._exit(1)  # never on as if it were the job's process, and no exit handler of its


class ForkedProvisioner(LocalProvisioner):
    """Gives jupyter_client a kernel that runs already, as if it had been launched just now."""

    def __init__(self, pid: int, **options: Any) -> None:
        super().__init__(**options)
        self._forked = pid

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> Any:  # noqa: ARG002 - jupyter_client's names
        """Return how to connect to the kernel."""
        self.process = _Process(self._forked)  # type: ignore[assignment]
        self.pid = self.pgid = self._forked
        return self.connection_info


class _Process:
    """What ``LocalProvisioner`` uses of ``subprocess.Popen``, for a child that was forked."""

    stdin = stdout = stderr = None

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self._status: int | None = None

    def poll(self) -> int | None:
        """Return how it ended, negative for a signal; None while it runs."""
        return self._wait(os.WNOHANG)

    def wait(self) -> int | None:
        """Wait for its end and return how it ended."""
        return self._wait(0)

    def _wait(self, options: int) -> int | None:
        if self._status is None:
            pid, status = os.waitpid(self.pid, options)
            self._status = os.waitstatus_to_exitcode(status) if pid else None
        return self._status

    def send_signal(self, number: int) -> None:
        """Send it a signal, unless it has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """End it."""
        self.send_signal(signal.SIGKILL)

    def terminate(self) -> None:
        """Ask it to end."""
        self.send_signal(signal.SIGTERM)
