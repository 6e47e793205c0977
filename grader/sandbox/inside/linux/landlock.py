"""Landlock: what files this process may still reach, and that its signals and sockets stay with it.

Figures are those of the kernel's ``linux/landlock.h``.
"""

from __future__ import annotations

import ctypes
import os
import struct
from pathlib import Path

from . import syscalls

#: Since this version of the interface (Linux 6.12), signals and abstract sockets are governed, too.
MIN_VERSION = 6
_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446  # the same on every architecture
_VERSION = 1
_PATH_BENEATH = 1
_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR = 1 << 0, 1 << 1, 1 << 2, 1 << 3
_TRUNCATE, _IOCTL_DEV = 1 << 14, 1 << 15
_ALL_FILES = (1 << 16) - 1
_ALL_NETWORK = (1 << 2) - 1
_ALL_SCOPES = (1 << 2) - 1
_NODES = (1 << 6) | (1 << 9) | (1 << 11)  # making character devices, sockets and block devices
#: All that can be granted for what is no folder.
_ON_A_FILE = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE | _IOCTL_DEV
#: What can be granted, by its name in a rule.
_RIGHTS = {
    "run": _EXECUTE | _READ_FILE | _READ_DIR,
    "read": _READ_FILE | _READ_DIR,
    "use": _READ_FILE | _WRITE_FILE,
    "own": _ALL_FILES & ~_NODES,
}


def version() -> int:
    """Return the version of Landlock's interface. Raises OSError where there is none."""
    return syscalls.call(_CREATE_RULESET, "Landlock", None, ctypes.c_size_t(0), ctypes.c_uint32(_VERSION))


def restrict(rules: dict[str, list[str]]) -> None:
    """Deny this process, for good, all but the named rights on these paths and below. A missing path is skipped.

    It may signal nobody but itself and what it starts. Raises OSError.
    """
    if (found := version()) < MIN_VERSION:
        raise OSError(f"Landlock has version {found} here; {MIN_VERSION} or later is needed")
    syscalls.prctl(syscalls.PR_SET_NO_NEW_PRIVS, 1)
    wanted = ctypes.create_string_buffer(struct.pack("=QQQ", _ALL_FILES, _ALL_NETWORK, _ALL_SCOPES), 24)
    ruleset = syscalls.call(_CREATE_RULESET, "landlock_create_ruleset", wanted, ctypes.c_size_t(24), ctypes.c_uint32(0))
    for name, paths in rules.items():
        for path in filter(os.path.exists, paths):
            _allow(ruleset, _RIGHTS[name], path)
    syscalls.call(_RESTRICT_SELF, "landlock_restrict_self", ctypes.c_int(ruleset), ctypes.c_uint32(0))
    os.close(ruleset)


def _allow(ruleset: int, rights: int, path: str) -> None:
    descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
    granted = rights if Path(path).is_dir() else rights & _ON_A_FILE
    rule = ctypes.create_string_buffer(struct.pack("=Qi", granted, descriptor), 12)
    kind = ctypes.c_int(_PATH_BENEATH)
    syscalls.call(_ADD_RULE, f"landlock_add_rule {path}", ctypes.c_int(ruleset), kind, rule, ctypes.c_uint32(0))
    os.close(descriptor)
