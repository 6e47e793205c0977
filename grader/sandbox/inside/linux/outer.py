"""The sandbox around one warm process: a read-only root that holds Python, its libraries and nothing else.

It is started as ``start.py linux.outer FD``, where FD is a socket to the trusted side. The first message on
it is a JSON object: ``paths`` to be seen inside (pairs: real path, path inside), ``program`` (a command line), ``uid``
and ``gid`` to become when started as root, ``inside`` (the folder of this package). The program finds the socket as
descriptor FD.

Started as root, this process makes the new root as root, since an ordinary user cannot look into every folder
that Python may lie in, and drops to the ordinary user before the program starts and before any user namespace
is made. Started by an ordinary user, it does all of it in a user namespace.
"""

from __future__ import annotations

import json
import os
import select
import signal
import socket
from pathlib import Path
from typing import Any, NoReturn

from . import owner, syscalls
from .syscalls import MS_BIND, MS_NODEV, MS_NOEXEC, MS_NOSUID, MS_PRIVATE, MS_REC

#: Where this package lies inside, whatever its path outside.
INSIDE = "/grade/inside"
#: Where that which lies below /tmp outside can be found, to be put back over each job's own /tmp.
BELOW_TMP = "/grade/tmp"
#: The user that student code believes to be. Not 0: nothing should think that it may do everything.
UID = GID = 1000

SYSTEM = (
    "/usr", "/bin", "/sbin", "/lib", "/lib64",
    "/etc/alternatives", "/etc/fonts", "/etc/ld.so.cache", "/etc/localtime",
)  # fmt: skip
DEVICES = ("null", "zero", "full", "random", "urandom")
FILES = {
    "etc/passwd": f"student:x:{UID}:{GID}::/tmp/home:/bin/sh\n",
    "etc/group": f"student:x:{GID}:\n",
    "etc/hosts": "127.0.0.1 localhost sandbox\n",
    "etc/nsswitch.conf": "passwd: files\ngroup: files\nhosts: files\n",
}
_OLD = "/.old"
_NAMESPACES = (
    syscalls.CLONE_NEWNS | syscalls.CLONE_NEWPID | syscalls.CLONE_NEWNET | syscalls.CLONE_NEWIPC
    | syscalls.CLONE_NEWUTS
)  # fmt: skip
_PRELOAD_TMP_BYTES = 256 * 1024**2


def main(arguments: list[str]) -> NoReturn:
    """Set everything up and keep watch. A failure is one message ``{"error": …}`` on the socket."""
    descriptor = int(arguments[0])
    with socket.socket(fileno=descriptor) as control:
        settings = json.loads(control.recv(1024**2))
        try:
            child = _start(settings, descriptor)
        except OSError as error:
            _fail(control, error)
        _watch(descriptor, child)


def _fail(control: socket.socket, error: OSError) -> NoReturn:
    control.send(json.dumps({"error": error.strerror or str(error)}).encode())
    os._exit(1)


def _start(settings: dict[str, Any], descriptor: int) -> int:
    """Return the process that becomes the program: process 1 of its namespace."""
    uid, gid = os.geteuid(), os.getegid()
    is_root = uid == 0
    if not is_root:
        syscalls.unshare(syscalls.CLONE_NEWUSER)
        map_user(uid, gid)
    syscalls.unshare(_NAMESPACES)
    child = os.fork()
    if child:
        return child
    control = socket.socket(fileno=descriptor)
    try:
        # For good: a new root cannot leak back to the host.
        syscalls.mount("", "/", flags=MS_REC | MS_PRIVATE)
        _make_root(settings)
        if is_root:
            owner.become(settings["uid"], settings["gid"])
        _execute(settings["program"], descriptor)
    except OSError as error:
        _fail(control, error)
    raise AssertionError("the program replaces this process")


def map_user(uid: int, gid: int) -> None:
    """Make the user and group of outside, ``uid`` and ``gid``, the student in this new user namespace."""
    for name, text in (("setgroups", "deny"), ("uid_map", f"{UID} {uid} 1"), ("gid_map", f"{GID} {gid} 1")):
        try:
            Path("/proc/self", name).write_text(text, encoding="utf-8")
        except OSError as error:
            raise OSError(error.errno, f"writing /proc/self/{name}: {error.strerror}") from error


def _make_root(settings: dict[str, Any]) -> None:
    # Any folder will do as a place to build on; what was there is seen again below /.old.
    syscalls.mount("tmpfs", "/tmp", "tmpfs", MS_NOSUID | MS_NODEV, "size=1m,mode=755")  # noqa: S108
    Path("/tmp", _OLD[1:]).mkdir()  # noqa: S108
    syscalls.pivot_root("/tmp", f"/tmp{_OLD}")  # noqa: S108
    os.chdir("/")
    for name in ("proc", "dev/shm", "dev/pts", "etc", "tmp", BELOW_TMP[1:]):
        Path("/", name).mkdir(parents=True, exist_ok=True)
    for name, text in FILES.items():
        Path("/", name).write_text(text, encoding="utf-8")
    syscalls.mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC)
    for path in SYSTEM:
        _show_system(path)
    below = _show_all(settings["paths"])
    _bind(settings["inside"], INSIDE)
    for name in DEVICES:
        Path("/dev", name).touch()
        syscalls.mount(f"{_OLD}/dev/{name}", f"/dev/{name}", flags=MS_BIND)
    for name, target in (("fd", "self/fd"), ("stdin", "self/fd/0"), ("stdout", "self/fd/1"), ("stderr", "self/fd/2")):
        Path("/dev", name).symlink_to(f"/proc/{target}")
    Path("/dev/ptmx").symlink_to("pts/ptmx")
    syscalls.unmount(_OLD)
    Path(_OLD).rmdir()
    # Not what is below: /proc must stay writable, to map the users of the jobs' namespaces.
    syscalls.restrict_mount("/", syscalls.MOUNT_ATTR_RDONLY | syscalls.MOUNT_ATTR_NOSUID, below=False)
    _mount_preload_folders(below)


def _show_system(path: str) -> None:
    source = Path(_OLD + path)
    if source.is_symlink():
        Path(path).symlink_to(source.readlink())
    elif source.exists():
        _bind(path, path)


def _show_all(paths: list[list[str]]) -> list[str]:
    """Show each path in the new root; return those below /tmp, which are put at their place later."""
    below: list[str] = []
    for source, target in paths:
        if target.startswith("/tmp/"):  # noqa: S108
            _bind(source, f"{BELOW_TMP}/{len(below)}")
            below.append(target)
        elif not Path(target).exists():  # it does if it lies in what is shown already
            _bind(source, target)
    Path(BELOW_TMP, "paths").write_text(json.dumps(below), encoding="utf-8")
    return below


def _bind(source: str, target: str) -> None:
    old = Path(_OLD + source)
    owner.make_place(old, Path(target))
    syscalls.mount(str(old), target, flags=MS_BIND | MS_REC)
    syscalls.restrict_mount(target, syscalls.MOUNT_ATTR_RDONLY | syscalls.MOUNT_ATTR_NOSUID | syscalls.MOUNT_ATTR_NODEV)


def _mount_preload_folders(below: list[str]) -> None:
    """Give the warm process a /tmp and a /dev/shm to write to: joblib looks once, at import, and remembers."""
    for path in ("/tmp", "/dev/shm"):  # noqa: S108
        options = f"size={_PRELOAD_TMP_BYTES},mode=1777"
        syscalls.mount("tmpfs", path, "tmpfs", MS_NOSUID | MS_NODEV, options)
    show_below_tmp(below)


def show_below_tmp(paths: list[str]) -> None:
    """Put libraries that lie below /tmp outside back at their place, over a new /tmp."""
    for number, path in enumerate(paths):
        source = Path(BELOW_TMP, str(number))
        owner.make_place(source, Path(path))
        syscalls.mount(str(source), path, flags=MS_BIND | MS_REC)


def below_tmp() -> list[str]:
    """Return the paths below /tmp that the trusted side asked for."""
    found: list[str] = json.loads(Path(BELOW_TMP, "paths").read_text(encoding="utf-8"))
    return found


def _execute(program: list[str], descriptor: int) -> NoReturn:
    # After the user has changed, because that clears it.
    syscalls.prctl(syscalls.PR_SET_PDEATHSIG, signal.SIGKILL)
    syscalls.prctl(syscalls.PR_SET_NO_NEW_PRIVS, 1)
    syscalls.fix_addresses()
    for name in ("home", "work"):
        Path("/tmp", name).mkdir()  # noqa: S108
    os.chdir("/tmp/work")  # noqa: S108
    os.set_inheritable(descriptor, True)  # noqa: FBT003 - positional in the standard library
    try:
        os.execv(program[0], program)  # noqa: S606 - a shell would be one thing more
    except OSError as error:
        raise OSError(error.errno, f"starting {program[0]}: {error.strerror}") from error


def _watch(descriptor: int, child: int) -> NoReturn:
    """Wait for the end of the program or of the trusted side. Ending here ends all that is inside."""
    ended = os.pidfd_open(child)
    poll = select.poll()
    poll.register(descriptor, 0)  # only its hanging up
    poll.register(ended, select.POLLIN)
    while True:
        for ready, _ in poll.poll():
            if ready != ended:
                os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            os._exit(0)
