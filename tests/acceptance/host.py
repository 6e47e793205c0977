"""What stands outside the sandbox: secrets that must not be read, and things that must not be touched."""

from __future__ import annotations

import contextlib
import ctypes
import functools
import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

ENVIRONMENT_NAME = "GRADE_ACCEPTANCE_SECRET"
_ROOT = Path(__file__).parents[2]
_IPC_CREAT, _IPC_RMID = 0o1000, 0
#: Holds a secret in its memory and says where; ends when nobody holds its pipe any more.
_VICTIM = """
import ctypes, sys
held = ctypes.create_string_buffer(sys.stdin.readline().strip().encode(), 100)
print(ctypes.addressof(held), flush=True)
while sys.stdin.readline():
    print(held.value.decode(), flush=True)
"""


class Listeners:
    """Sockets of the host. Whoever comes is counted, and told a secret."""

    def __init__(self, path: Path, abstract: str, secret: str) -> None:
        self.visits = 0
        self._secret = secret.encode()
        tcp, named, hidden = socket.create_server(("", 0)), socket.socket(socket.AF_UNIX), socket.socket(socket.AF_UNIX)
        self._udp = socket.socket(type=socket.SOCK_DGRAM)
        named.bind(str(path))
        path.chmod(0o777)
        hidden.bind("\0" + abstract)
        self._udp.bind(("", 0))
        self.port, self.udp_port = tcp.getsockname()[1], self._udp.getsockname()[1]
        self._streams = (tcp, named, hidden)
        self._threads = [threading.Thread(target=self._serve, args=(one,), daemon=True) for one in self._streams]
        self._threads.append(threading.Thread(target=self._answer, daemon=True))
        for one in self._streams:
            one.listen()
        for thread in self._threads:
            thread.start()

    def _serve(self, listener: socket.socket) -> None:
        while True:
            try:
                visitor, _ = listener.accept()
            except OSError:
                return
            self.visits += 1
            with visitor, contextlib.suppress(OSError):
                visitor.sendall(self._secret)

    def _answer(self) -> None:
        while True:
            try:
                _, visitor = self._udp.recvfrom(100)
            except OSError:
                return
            if visitor is None:  # shut down
                return
            self.visits += 1
            self._udp.sendto(self._secret, visitor)

    def close(self) -> None:
        """Stop listening; threads are told by a shutdown, because closing alone wakes nobody."""
        for one in (*self._streams, self._udp):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()
        for thread in self._threads:
            thread.join(timeout=5)


@dataclass
class Host:
    """Everything that a program may try to reach, and whether it is as it was."""

    folder: Path
    secret: str
    shm: Path
    shm_key: int
    shm_number: int
    listeners: Listeners
    victim: subprocess.Popen[str]
    victim_address: int
    before: dict[str, tuple[str, int]] = field(default_factory=dict)

    def target(self, *, control: bool = False) -> dict[str, object]:
        """Return what a program is told. Where it may look for secrets, and no secret."""
        canary, sacrifice = self.folder / "canary.txt", self.folder / "sacrifice.txt"
        folder = str(self.folder)
        course = [str(_ROOT / name) for name in ("reference", "rubrics", "tests", "grader/pipeline")]
        return {
            "control": control,
            "folder": folder,
            "canary": str(canary),
            "canary_name": canary.name,
            "sacrifice": str(sacrifice),
            "paths": [str(path) for path in self.secrets()] + ([] if control else course),
            "roots": [folder if control else "/"],
            "places": [str(self.folder / "spare")]
            if control
            else ["/", "/etc", "/usr", "/dev", "/proc", folder, *course],
            "marker": str(self.folder / "marker"),
            "address": other_address() or "127.0.0.1",
            "port": self.listeners.port,
            "udp_port": self.listeners.udp_port,
            "path_socket": str(self.folder / "socket"),
            "abstract": self.folder.name,
            "shm_name": self.shm.name,
            "shm_key": self.shm_key,
            "victim_pid": self.victim.pid,
            "victim_address": self.victim_address,
            "host_pid": os.getpid(),
        }

    def secrets(self) -> list[Path]:
        """Return the files that hold the secret."""
        return [self.folder / name for name in ("canary.txt", "rubric.yaml", "answer.py")]

    def snapshot(self) -> dict[str, tuple[str, int]]:
        """Return each file's text and mode, by its path below the folder."""
        found = [path for path in sorted(self.folder.rglob("*")) if path.name != "spare" and "spare" not in path.parts]
        return {
            str(path.relative_to(self.folder)): (path.read_text() if path.is_file() else "", path.stat().st_mode)
            for path in found
        }

    def settle(self) -> None:
        """Note how things are now."""
        self.before = self.snapshot()
        self.listeners.visits = 0

    def changes(self) -> list[str]:
        """Return what is no longer as it was, in words; nothing is what is required."""
        now = self.snapshot()
        found = [
            f"host file {name} changed"
            for name in now.keys() | self.before.keys()
            if now.get(name) != self.before.get(name)
        ]
        if self.listeners.visits:
            found.append(f"the host's sockets were visited {self.listeners.visits} times")
        if self.shm.read_text() != self.secret:
            found.append("the host's shared memory changed")
        return found + self._victims_words()

    def _victims_words(self) -> list[str]:
        assert self.victim.stdin is not None
        assert self.victim.stdout is not None
        if self.victim.poll() is not None:
            return [f"the neighbouring process ended ({self.victim.returncode})"]
        self.victim.stdin.write("\n")
        self.victim.stdin.flush()
        held = self.victim.stdout.readline().strip()
        return [] if held == self.secret else ["the neighbouring process's memory changed"]


@contextlib.contextmanager
def stand() -> Iterator[Host]:
    """Yield a host, and remove it afterwards. Only what it made itself is removed."""
    secret = f"CANARY-{secrets.token_hex(16)}"
    folder = Path(tempfile.mkdtemp(prefix="acceptance-host-"))
    folder.chmod(0o755)
    shm = Path("/dev/shm") / folder.name
    key = secrets.randbelow(2**30) + 2**16
    os.environ[ENVIRONMENT_NAME] = secret
    with contextlib.ExitStack() as stack:
        stack.callback(os.environ.pop, ENVIRONMENT_NAME)
        stack.callback(shutil.rmtree, folder)
        number = _segment(key, secret)
        stack.callback(_libc().shmctl, number, _IPC_RMID, None)
        shm.write_text(secret)
        shm.chmod(0o666)
        stack.callback(shm.unlink)
        _fill(folder, secret)
        listeners = Listeners(folder / "socket", folder.name, secret)
        stack.callback(listeners.close)
        victim, address = stack.enter_context(_victim(secret))
        yield Host(folder, secret, shm, key, number, listeners, victim, address)


def _fill(folder: Path, secret: str) -> None:
    (folder / "spare").mkdir(mode=0o777)
    texts = {"canary.txt": secret, "rubric.yaml": f"expected: {secret}\n", "answer.py": f"expected = {secret!r}\n"}
    for name, text in {**texts, "sacrifice.txt": "for unconfined controls"}.items():
        (folder / name).write_text(text)
        (folder / name).chmod(0o666)


@contextlib.contextmanager
def _victim(secret: str) -> Iterator[tuple[subprocess.Popen[str], int]]:
    pipe = subprocess.PIPE
    with subprocess.Popen([sys.executable, "-c", _VICTIM], stdin=pipe, stdout=pipe, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(f"{secret}\n")
        process.stdin.flush()
        yield process, int(process.stdout.readline())
        process.kill()


@functools.cache
def _libc() -> ctypes.CDLL:
    libc = ctypes.CDLL(None, use_errno=True)
    libc.shmat.restype = ctypes.c_void_p
    libc.shmat.argtypes = [ctypes.c_int, ctypes.c_void_p, ctypes.c_int]
    libc.shmdt.argtypes = [ctypes.c_void_p]
    return libc


def _segment(key: int, secret: str) -> int:
    number: int = _libc().shmget(key, 4096, _IPC_CREAT | 0o666)
    if number < 0:
        raise OSError(ctypes.get_errno(), "no SysV shared memory")
    address = _libc().shmat(number, None, 0)
    ctypes.memmove(address, secret.encode(), len(secret))
    _libc().shmdt(address)
    return number


def other_address() -> str:
    """Return an address of this machine other than loopback, empty if there is none. Sends nothing."""
    with socket.socket(type=socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("198.51.100.1", 9))
        except OSError:
            return ""
        address: str = probe.getsockname()[0]
        return address


def lacking() -> dict[str, Callable[[], str]]:
    """Return why a control's need is not met here, by need; empty words if it is."""
    return {
        "": lambda: "",
        "root": lambda: "" if os.geteuid() == 0 else "shown only as root",
        "route": lambda: "" if other_address() else "this machine has no network",
        "io_uring": _io_uring,
    }


def _io_uring() -> str:
    try:
        level = Path("/proc/sys/kernel/io_uring_disabled").read_text().strip()
    except OSError:
        level = "0"
    return "" if level == "0" or (level == "1" and os.geteuid() == 0) else "io_uring is switched off on this machine"
