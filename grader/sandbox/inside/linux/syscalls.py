"""The kernel's calls that Python's standard library lacks. Each raises OSError and names what was refused."""

from __future__ import annotations

import ctypes
import errno
import fcntl
import os
import platform
import socket
import struct

CLONE_NEWTIME = 0x80
CLONE_NEWNS = 0x20000
CLONE_NEWCGROUP = 0x02000000
CLONE_NEWUTS = 0x04000000
CLONE_NEWIPC = 0x08000000
CLONE_NEWUSER = 0x10000000
CLONE_NEWPID = 0x20000000
CLONE_NEWNET = 0x40000000

MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC = 1, 2, 4, 8
MS_BIND, MS_REC, MS_PRIVATE = 4096, 16384, 1 << 18
MNT_DETACH = 2
MOUNT_ATTR_RDONLY, MOUNT_ATTR_NOSUID, MOUNT_ATTR_NODEV = 1, 2, 4

PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_SET_SECCOMP, PR_CAPBSET_DROP = 1, 4, 22, 24
PR_SET_NO_NEW_PRIVS, PR_CAP_AMBIENT = 38, 47
ADDR_NO_RANDOMIZE = 0x0040000
_PR_CAP_AMBIENT_CLEAR_ALL = 4
_CAPABILITY_VERSION_3 = 0x20080522
_AT_FDCWD, _AT_RECURSIVE = -100, 0x8000
_MOUNT_SETATTR = 442  # the same on every architecture
_PIVOT_ROOT = {"x86_64": 155, "aarch64": 41}
_SIOCGIFFLAGS, _SIOCSIFFLAGS, _IFF_UP = 0x8913, 0x8914, 1

_UNSHARE = "unshare (new namespaces)"
#: What the kernel's words do not say.
_HINTS = {
    (_UNSHARE, errno.ENOSPC): "no more namespaces are allowed here: sysctl user.max_user_namespaces and the like",
    (_UNSHARE, errno.EPERM): "namespaces are forbidden here, as in most containers and by some kernel settings",
    ("mount proc on /proc", errno.EPERM): "parts of the present /proc are covered, as in most containers",
}

_libc = ctypes.CDLL(None, use_errno=True)


def _check(result: int, what: str) -> int:
    if result < 0:
        number = ctypes.get_errno()
        hint = _HINTS.get((what, number), "")
        raise OSError(number, f"{what}: {os.strerror(number)}{hint and f' ({hint})'}")
    return result


def call(number: int, what: str, *arguments: object) -> int:
    """Call the kernel by number; ``arguments`` as ctypes takes them. Raises OSError that names ``what``."""
    return _check(_libc.syscall(ctypes.c_long(number), *arguments), what)


def mount(source: str, target: str, kind: str = "", flags: int = 0, options: str = "") -> None:
    """Mount ``source`` at ``target``."""
    parts = [text.encode() or None for text in (source, target, kind)]
    _check(_libc.mount(*parts, ctypes.c_ulong(flags), options.encode() or None), f"mount {kind or source} on {target}")


def restrict_mount(path: str, attributes: int, *, below: bool = True) -> None:
    """Add ``attributes`` (read-only, nosuid, nodev) to the mount at ``path`` and all ``below`` it. Linux 5.12."""
    settings = ctypes.create_string_buffer(struct.pack("=QQQQ", attributes, 0, 0, 0))
    arguments = (_AT_FDCWD, path.encode(), _AT_RECURSIVE if below else 0, settings, ctypes.c_size_t(32))
    _check(_libc.syscall(ctypes.c_long(_MOUNT_SETATTR), *arguments), f"mount_setattr {path}")


def pivot_root(new: str, old: str) -> None:
    """Make ``new`` the root and put the present one at ``old``."""
    number = _PIVOT_ROOT.get(platform.machine())
    if number is None:
        raise OSError(f"pivot_root: not known for {platform.machine()}")
    _check(_libc.syscall(ctypes.c_long(number), new.encode(), old.encode()), f"pivot_root {new}")


def unmount(path: str) -> None:
    """Detach what is mounted at ``path``."""
    _check(_libc.umount2(path.encode(), MNT_DETACH), f"umount {path}")


def unshare(flags: int) -> None:
    """Enter new namespaces."""
    _check(_libc.unshare(ctypes.c_int(flags)), _UNSHARE)


def prctl(option: int, value: int = 0, extra: int = 0) -> int:
    """Change a property of this process."""
    arguments = (ctypes.c_ulong(number) for number in (value, extra, 0, 0))
    return _check(_libc.prctl(ctypes.c_int(option), *arguments), f"prctl {option}")


def install_filter(program: bytes) -> None:
    """Install a seccomp filter, given as BPF instructions of 8 bytes each. It stays for good."""
    code = ctypes.create_string_buffer(program)
    header = ctypes.create_string_buffer(struct.pack("@HP", len(program) // 8, ctypes.addressof(code)))
    prctl(PR_SET_SECCOMP, 2, ctypes.addressof(header))


def drop_bounding_set() -> None:
    """Keep every program that is executed later from getting any capability, where this process may decide so."""
    for number in range(64):
        try:
            prctl(PR_CAPBSET_DROP, number)
        except OSError:
            break  # the first number that this kernel does not know


def drop_capabilities() -> None:
    """Give up every capability, now and for everything that is executed later."""
    prctl(PR_CAP_AMBIENT, _PR_CAP_AMBIENT_CLEAR_ALL)
    drop_bounding_set()
    header = ctypes.create_string_buffer(struct.pack("=Ii", _CAPABILITY_VERSION_3, 0))
    _check(_libc.capset(header, ctypes.create_string_buffer(24)), "capset")


def fix_addresses() -> None:
    """Have the next program that is executed find its memory at the same addresses each time.

    So what depends on addresses (the order of a set of objects) comes out the same each time. Where that is
    not allowed, as in some containers, it does not.
    """
    _libc.personality(ctypes.c_ulong(ADDR_NO_RANDOMIZE))


def raise_loopback() -> None:
    """Switch on the loopback interface of this network namespace."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        request = fcntl.ioctl(any_socket, _SIOCGIFFLAGS, struct.pack("16sh22x", b"lo", 0))
        flags = struct.unpack("16sh22x", request)[1]
        fcntl.ioctl(any_socket, _SIOCSIFFLAGS, struct.pack("16sh22x", b"lo", flags | _IFF_UP))
