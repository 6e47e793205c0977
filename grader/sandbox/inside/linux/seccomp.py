"""What student code may not ask the kernel for, as a classic BPF program.

Refused calls fail with EPERM, sockets of refused families with EOPNOTSUPP. ``clone3`` fails with ENOSYS, so that
the C library uses ``clone``, whose flags a filter can read. Calls by another architecture's numbers (32-bit, x32)
end the process.
"""

from __future__ import annotations

import errno
import platform
import struct

from . import syscalls

#: Name: number on x86_64 and on aarch64. None where the architecture lacks it.
_DENIED: dict[str, tuple[int | None, int | None]] = {
    # namespaces and mounts
    "unshare": (272, 97), "setns": (308, 268), "mount": (165, 40), "umount2": (166, 39), "pivot_root": (155, 41),
    "chroot": (161, 51), "open_tree": (428, 428), "move_mount": (429, 429), "fsopen": (430, 430),
    "fsconfig": (431, 431), "fsmount": (432, 432), "fspick": (433, 433), "mount_setattr": (442, 442),
    "open_tree_attr": (467, 467), "name_to_handle_at": (303, 264), "open_by_handle_at": (304, 265),
    # memory that no limit counts: of a memfd, or of System V
    "memfd_create": (319, 279), "memfd_secret": (447, 447), "shmget": (29, 194),
    # other processes
    "ptrace": (101, 117), "process_vm_readv": (310, 270), "process_vm_writev": (311, 271), "kcmp": (312, 272),
    "pidfd_getfd": (438, 438), "process_madvise": (440, 440), "migrate_pages": (256, 238), "move_pages": (279, 239),
    # large attack surface
    "bpf": (321, 280), "perf_event_open": (298, 241), "userfaultfd": (323, 282), "io_uring_setup": (425, 425),
    "io_uring_enter": (426, 426), "io_uring_register": (427, 427), "keyctl": (250, 219), "add_key": (248, 217),
    "request_key": (249, 218), "fanotify_init": (300, 262), "lookup_dcookie": (212, 18), "vhangup": (153, 58),
    "personality": (135, 92), "modify_ldt": (154, None), "iopl": (172, None), "ioperm": (173, None),
    # the machine
    "kexec_load": (246, 104), "kexec_file_load": (320, 294), "init_module": (175, 105), "finit_module": (313, 273),
    "delete_module": (176, 106), "reboot": (169, 142), "swapon": (167, 224), "swapoff": (168, 225),
    "acct": (163, 89), "syslog": (103, 116), "quotactl": (179, 60), "quotactl_fd": (443, 443),
    "settimeofday": (164, 170), "clock_settime": (227, 112), "clock_adjtime": (305, 266), "adjtimex": (159, 171),
    "sethostname": (170, 161), "setdomainname": (171, 162), "nfsservctl": (180, 42),
}  # fmt: skip
#: Denied besides where the job has no namespaces of its own. What others may notice there, and Landlock lets pass:
_DENIED_ALONE: dict[str, tuple[int | None, int | None]] = {
    # other processes: none is started, none is reached
    "fork": (57, None), "vfork": (58, None), "sched_setparam": (142, 118), "sched_setscheduler": (144, 119),
    "sched_setaffinity": (203, 122), "sched_setattr": (314, 274), "setpriority": (141, 140), "ioprio_set": (251, 30),
    "process_mrelease": (448, 448),
    # attributes of files
    "setxattr": (188, 5), "lsetxattr": (189, 6), "fsetxattr": (190, 7), "removexattr": (197, 14),
    "lremovexattr": (198, 15), "fremovexattr": (199, 16), "setxattrat": (463, 463), "removexattrat": (466, 466),
    "file_setattr": (469, 469), "inotify_add_watch": (254, 27),
    # sockets of others, and what is shared by number or name
    "connect": (42, 203), "bind": (49, 200), "listen": (50, 201), "shmat": (30, 196), "shmctl": (31, 195),
    "semget": (64, 190), "semop": (65, 193), "semtimedop": (220, 192), "semctl": (66, 191), "msgget": (68, 186),
    "msgsnd": (69, 189), "msgrcv": (70, 188), "msgctl": (71, 187), "mq_open": (240, 180), "mq_unlink": (241, 181),
}  # fmt: skip
#: Answered there as if done: permissions, owners and times of files, which Landlock does not govern. Refusing would
#: break what copies files (``shutil.copy``, IPython); allowing would let it change any file of the same user.
_PRETENDED: dict[str, tuple[int | None, int | None]] = {
    "chmod": (90, None), "fchmod": (91, 52), "fchmodat": (268, 53), "fchmodat2": (452, 452), "chown": (92, None),
    "fchown": (93, 55), "lchown": (94, None), "fchownat": (260, 54), "utime": (132, None), "utimes": (235, None),
    "futimesat": (261, None), "utimensat": (280, 88),
}  # fmt: skip
_CLONE, _CLONE3 = (56, 220), (435, 435)
_SOCKET, _SOCKETPAIR = (41, 198), (53, 199)
_IOCTL, _PRCTL, _PRLIMIT = (16, 29), (157, 167), (302, 261)
_ARCHITECTURES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}

#: AF_UNIX, AF_INET, AF_INET6: all that is reachable with them is in the job's own network namespace.
_FAMILIES = (1, 2, 10)
#: Typing into the terminal of somebody else: TIOCSTI, TIOCLINUX.
_TERMINAL = (0x5412, 0x541C)
_SOCK_STREAM, _SOCKET_TYPE = 1, 0xF
_CLONE_THREAD = 0x10000
_NEW_NAMESPACES = (
    syscalls.CLONE_NEWNS | syscalls.CLONE_NEWCGROUP | syscalls.CLONE_NEWUTS | syscalls.CLONE_NEWIPC
    | syscalls.CLONE_NEWUSER | syscalls.CLONE_NEWPID | syscalls.CLONE_NEWNET
)  # fmt: skip

_LOAD, _RETURN, _AND = 0x20, 0x06, 0x54
_IF_EQUAL, _IF_AT_LEAST, _IF_ANY_BIT = 0x15, 0x35, 0x45
_ALLOW, _ERRNO, _KILL = 0x7FFF0000, 0x00050000, 0x80000000
_NUMBER, _ARCHITECTURE, _FIRST, _SECOND = 0, 4, 16, 24
_X32_BIT = 0x40000000


def _step(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("=HBBI", code, if_true, if_false, value)


def _refuse(number: int) -> bytes:
    return _step(_RETURN, _ERRNO | number)


def _on_call(number: int, body: bytes) -> bytes:
    """Run ``body``, which returns in every case, if the call is ``number``; else go on behind it."""
    return _step(_IF_EQUAL, number, 0, len(body) // 8) + body


def _one_of(argument: int, values: tuple[int, ...]) -> bytes:
    """Go to the next step if the argument is one of ``values``, else skip it."""
    tests = b"".join(_step(_IF_EQUAL, value, len(values) - 1 - at, 0) for at, value in enumerate(values[:-1]))
    return _step(_LOAD, argument) + tests + _step(_IF_EQUAL, values[-1], 0, 1)


def program(*, is_alone: bool = False) -> bytes:
    """Return the filter for this machine. ``is_alone``: for one process without namespaces, which stays the only one.

    Raises OSError where this machine's numbers are not known.
    """
    if platform.machine() not in _ARCHITECTURES:
        raise OSError(f"no list of system calls for {platform.machine()}")
    column, audit = _ARCHITECTURES[platform.machine()]
    parts = [_step(_LOAD, _ARCHITECTURE), _step(_IF_EQUAL, audit, 1, 0), _step(_RETURN, _KILL), _step(_LOAD, _NUMBER)]
    if column == 0:
        parts.append(_step(_IF_AT_LEAST, _X32_BIT, 0, 1) + _step(_RETURN, _KILL))
    parts.append(_on_call(_CLONE3[column], _refuse(errno.ENOSYS)))
    parts.append(_on_call(_IOCTL[column], _one_of(_SECOND, _TERMINAL) + _DENY + _ALLOWED))
    parts += _alone(column) if is_alone else _in_namespaces(column)
    for calls, answer in ((_DENIED, _DENY), *(((_DENIED_ALONE, _DENY), (_PRETENDED, _DONE)) if is_alone else ())):
        parts += [_on_call(number, answer) for numbers in calls.values() if (number := numbers[column]) is not None]
    return b"".join(parts) + _ALLOWED


_ALLOWED, _DENY, _DONE = _step(_RETURN, _ALLOW), _refuse(errno.EPERM), _refuse(0)
# libzmq, which looks for network interfaces in vain, takes this error calmly, and others not.
_NO_SOCKET = _refuse(errno.EOPNOTSUPP)


def _in_namespaces(column: int) -> list[bytes]:
    families = _one_of(_FIRST, _FAMILIES) + _ALLOWED + _NO_SOCKET
    new = _step(_LOAD, _FIRST) + _step(_IF_ANY_BIT, _NEW_NAMESPACES, 0, 1)
    return [
        _on_call(_CLONE[column], new + _DENY + _ALLOWED),
        _on_call(_SOCKET[column], families),
        _on_call(_SOCKETPAIR[column], families),
    ]


def _alone(column: int) -> list[bytes]:
    """Threads, and no processes; pairs of connected streams, which lead nowhere else, and no other sockets.

    The process keeps the signal that ends it with the one that started it, and changes its own limits only.
    """
    threads = _step(_LOAD, _FIRST) + _step(_IF_ANY_BIT, _CLONE_THREAD, 0, 1)
    stream = _step(_LOAD, _SECOND) + _step(_AND, _SOCKET_TYPE) + _step(_IF_EQUAL, _SOCK_STREAM, 0, 1)
    return [
        _on_call(_CLONE[column], threads + _ALLOWED + _DENY),
        _on_call(_SOCKET[column], _NO_SOCKET),
        _on_call(_SOCKETPAIR[column], stream + _ALLOWED + _NO_SOCKET),
        _on_call(_PRCTL[column], _one_of(_FIRST, (syscalls.PR_SET_PDEATHSIG,)) + _DENY + _ALLOWED),
        _on_call(_PRLIMIT[column], _one_of(_FIRST, (0,)) + _ALLOWED + _DENY),
    ]
