"""Privilege: nothing that would widen what the program may do."""

from __future__ import annotations

from grader.model import Stop

from .case import Case, Control

_UNSHARE = """
for name, flag in (("user", 0x10000000), ("mount", 0x20000), ("pid", 0x20000000), ("net", 0x40000000),
                   ("ipc", 0x08000000), ("uts", 0x04000000), ("cgroup", 0x02000000), ("time", 0x80)):
    attempt(name, lambda: checked(libc.unshare(flag)))
def cloned():
    pid = libc.syscall(56 if not ARM else 220, 0x10000000 | 17, None, None, None, None)
    if pid == 0:
        os._exit(0)
    return checked(pid)
attempt("clone into a user namespace", cloned)
"""
_MOUNT = """
os.makedirs("here", exist_ok=True)
attempt("tmpfs", lambda: checked(libc.mount(b"none", b"here", b"tmpfs", 0, None)))
attempt("bind", lambda: checked(libc.mount(b"/", b"here", None, 4096, None)))
attempt("proc", lambda: checked(libc.mount(b"proc", b"here", b"proc", 0, None)))
attempt("umount", lambda: checked(libc.umount2(b"/proc" if not T["control"] else b"here", 2)))
attempt("pivot_root", lambda: syscall(155 if not ARM else 41, b".", b"."))
attempt("chroot", lambda: os.chroot(".") is None)
attempt("fsopen", lambda: syscall(430, b"tmpfs", 0))
attempt("open_tree", lambda: syscall(428, -100, b"/", 1))
attempt("mount_setattr", lambda: syscall(442, -100, b"/", 0, bytes(32), 32))
"""
_SETNS = """
for number in {1, os.getpid(), os.getppid()}:
    for kind in ("user", "mnt", "pid", "net", "ipc", "uts"):
        def enter():
            file = os.open(f"/proc/{number}/ns/{kind}", os.O_RDONLY)
            return checked(libc.setns(file, 0))
        attempt(f"{kind} of {number}", enter)
"""
_URING = """
def setup():
    parameters = ctypes.create_string_buffer(120)
    return syscall(425, 4, parameters)
attempt("io_uring_setup", setup)
"""
_BPF = """
def map_made():
    attributes = (ctypes.c_uint32 * 18)(2, 4, 4, 1)
    return syscall(321 if not ARM else 280, 0, attributes, 72)
attempt("bpf", map_made)
def events():
    attributes = (ctypes.c_uint32 * 32)(1, 128)
    return syscall(298 if not ARM else 241, attributes, 0, -1, -1, 0)
attempt("perf_event_open", events)
"""
_KEYS = """
attempt("add_key", lambda: syscall(248 if not ARM else 217, b"user", b"grade-test", b"x", 1, -1))
attempt("keyctl", lambda: syscall(250 if not ARM else 219, 0, -3, 1))
attempt("request_key", lambda: syscall(249 if not ARM else 218, b"user", b"grade-test", None, -1))
"""
_OTHERS = """
attempt("userfaultfd", lambda: syscall(323 if not ARM else 282, 0))
handle, mount_id = ctypes.create_string_buffer(b"\\x80\\0\\0\\0", 200), ctypes.c_int()
if libc.name_to_handle_at(-100, b"/", handle, ctypes.byref(mount_id), 0) == 0:
    attempt("open_by_handle_at", lambda: checked(libc.open_by_handle_at(os.open("/", os.O_RDONLY), handle, 0)))
attempt("swapon", lambda: syscall(167 if not ARM else 224, b"nothing", 0) if not T["control"] else None)
attempt("personality", lambda: libc.personality(0x0040000) >= 0 and libc.personality(0xffffffff) & 0x40000 or None)
attempt("fanotify", lambda: syscall(300 if not ARM else 262, 0, 0))
attempt("clock_settime", lambda: time.clock_settime(0, time.time()) is None if not T["control"] else None)
attempt("sethostname", lambda: socket.sethostname(socket.gethostname()) is None)
attempt("nice", lambda: os.nice(-5) < 0)
attempt("real-time", lambda: os.sched_setscheduler(0, 1, os.sched_param(1)) is None)
attempt("oom_score_adj", lambda: os.write(os.open("/proc/self/oom_score_adj", os.O_WRONLY), b"-900") > 0)
"""
_IDS = """
attempt("setuid", lambda: os.setuid(0) is None and os.getuid() == 0 or None)
attempt("setgid", lambda: os.setgid(0) is None and os.getgid() == 0 or None)
attempt("setgroups", lambda: os.setgroups([0, 4, 27]) is None)
for number in {1, 100, 1000, 65533} - {os.getuid()}:
    attempt(f"seteuid {number}", lambda: os.seteuid(number) is None and os.geteuid() == number)
def mapped():
    with open("/proc/self/uid_map", "w") as file:
        file.write("0 0 4294967295")
    return True
attempt("uid_map", mapped)
capabilities = re.findall("Cap(?:Eff|Prm|Bnd|Amb):\\t([0-9a-f]+)", text("/proc/self/status"))
if any(int(mask, 16) for mask in capabilities):
    won.append(f"capabilities {capabilities}")
if "NoNewPrivs:\\t1" not in text("/proc/self/status"):
    won.append("new privileges")
if "Seccomp:\\t2" not in text("/proc/self/status"):
    won.append("no seccomp filter")
"""
_SUID = """
import subprocess
for program in ("su", "sudo", "mount", "passwd", "newuidmap", "pkexec", "fusermount3"):
    for folder in ("/bin", "/usr/bin"):
        path = f"{folder}/{program}"
        if os.path.exists(path) and not T["control"]:
            run = subprocess.run([path, "-c", "id -u"], capture_output=True, stdin=subprocess.DEVNULL, timeout=5)
            attempt(path, lambda: run.stdout.strip() == b"0" or None)
with open("shell", "wb") as file:
    file.write(b"#!/bin/sh\\nid -u\\n")
def set_id():
    os.chown("shell", 0, 0)
    os.chmod("shell", 0o4755)
    return True
attempt("set-user-id file of uid 0", set_id)
"""
_NODES = """
attempt("character device", lambda: os.mknod("null", 0o666 | 0o020000, os.makedev(1, 3)) is None)
attempt("block device", lambda: os.mknod("disk", 0o666 | 0o060000, os.makedev(254, 0)) is None)
for name in sorted(os.listdir("/dev")):
    if name not in ("null", "zero", "full", "random", "urandom", "shm", "fd", "stdin", "stdout", "stderr",
                    "ptmx", "pts"):
        won.append(f"/dev/{name}")
# Terminals of its own are harmless; somebody else's are not.
attempt("/dev/pts", lambda: bool(set(os.listdir("/dev/pts")) - {"ptmx"}))
"""
_LIMITS = """
import resource
for name in ("NPROC", "DATA", "FSIZE", "CORE"):
    kind = getattr(resource, f"RLIMIT_{name}")
    soft, hard = resource.getrlimit(kind)
    def raised():
        resource.setrlimit(kind, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        return True
    if hard == resource.RLIM_INFINITY:
        won.append(f"{name} has no limit")
    else:
        attempt(name, raised)
"""
_TERMINAL = """
import fcntl, termios
def push(file):
    fcntl.ioctl(file, termios.TIOCSTI, b"x")
    return True
for number in range(256):
    attempt(f"descriptor {number}", lambda: push(number))
attempt("/dev/tty", lambda: push(os.open("/dev/tty", os.O_RDWR)))
for name in os.listdir("/dev/pts"):
    if name != "ptmx" and not T["control"]:
        attempt(f"/dev/pts/{name}", lambda: os.open(f"/dev/pts/{name}", os.O_RDWR | os.O_NOCTTY) >= 0)
attempt("/dev/console", lambda: os.open("/dev/console", os.O_WRONLY) >= 0)
"""
_OLD_CALLS = """
# The same calls by their numbers for 32-bit programs (x32, and i386 through int 0x80) would pass a careless filter.
if not ARM:
    attempt("x32 getpid", lambda: libc.syscall(ctypes.c_long(0x40000000 | 39)) > 0 or None)
    attempt("x32 unshare", lambda: syscall(0x40000000 | 272, 0x10000000))
"""
_I386 = r"""
import mmap
# mov eax, 20 (getpid of i386); int 0x80; ret
code = mmap.mmap(-1, 4096, prot=7)
code.write(b"\xb8\x14\x00\x00\x00\xcd\x80\xc3")
call = ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(code)))
if not ARM and call() > 0:
    won.append("system calls of i386")
"""

CASES = (
    Case("unshare, clone", "privilege", _UNSHARE, Control()),
    Case("mount, pivot_root, chroot", "privilege", _MOUNT,
         Control(
             before="checked(libc.unshare(0x20000)); checked(libc.mount(None, b'/', None, 0x4000 | 0x40000, None))",
             needs="root",
         )),
    Case("setns", "privilege", _SETNS, Control(needs="root")),
    Case("io_uring", "privilege", _URING, Control(needs="io_uring")),
    Case("bpf, perf", "privilege", _BPF, Control(needs="root")),
    Case("keyctl", "privilege", _KEYS, Control()),
    Case("userfaultfd, fanotify, clocks, scheduling", "privilege", _OTHERS, Control(needs="root")),
    Case("setuid, capabilities, uid maps", "privilege", _IDS, Control(needs="root")),
    Case("set-user-id programs", "privilege", _SUID, Control(needs="root")),
    Case("mknod, devices", "privilege", _NODES, Control(needs="root")),
    Case("raising rlimits", "privilege", _LIMITS, Control(needs="root")),
    Case("TIOCSTI, terminals", "privilege", _TERMINAL,
         Control(before="own, terminal = os.openpty(); os.open(os.ttyname(terminal), os.O_RDWR)", needs="root")),
    Case("x32 system calls", "privilege", _OLD_CALLS, "most kernels are built without them",
         (Stop.FINISHED, Stop.KILLED)),
    Case("i386 system calls", "privilege", _I386, "many kernels are built without them", (Stop.FINISHED, Stop.KILLED)),
)  # fmt: skip
