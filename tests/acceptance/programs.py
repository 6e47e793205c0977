"""Lines that every program of the suite begins with, and the job that runs beside and after each of them."""

from __future__ import annotations

#: ``T`` is what the program is told; ``won`` what it achieved.
PRELUDE = r'''
import ctypes, errno, json, os, platform, re, signal, socket, sys, tempfile, threading, time
with open("target.json") as _file:
    T = json.load(_file)
CANARY = re.compile("CANARY" + "-[0-9a-f]{32}")
won = []
since = time.time()
libc = ctypes.CDLL(None, use_errno=True)
ARM = platform.machine() == "aarch64"

def attempt(what, action):
    """Note `what` as won unless `action` raises, or returns None or False."""
    try:
        got = action()
    except Exception:
        return None
    if got is not None and got is not False:
        won.append(what)
    return got

def checked(result):
    if result is None or result < 0:
        raise OSError(ctypes.get_errno(), "refused")
    return True

def syscall(number, *arguments):
    return checked(libc.syscall(ctypes.c_long(number), *arguments))

def others():
    """Every process in sight but this one and the first; unconfined, the one that was put there for it."""
    if T["control"]:
        return [T["victim_pid"]]
    return [int(name) for name in os.listdir("/proc") if name.isdigit() and int(name) not in (1, os.getpid())]

def visible():
    """The names of processes below /proc, `self` and 1 among them."""
    return ["self", "1" if not T["control"] else "self", *map(str, others())]

def text(path):
    with open(path, "rb") as file:
        return file.read(1_000_000).decode("latin-1")

def leaks(found):
    """True if `found` holds one of the host's secrets."""
    return bool(CANARY.search(found)) or None
'''

#: What the neighbour must compute.
TOTAL = sum(n * n for n in range(20_000))

#: The neighbour, and the job after: right answer, own files, nothing of anybody else's.
NEIGHBOUR = r"""
import json, os, pathlib, subprocess, sys, tempfile, time
with open("target.json") as file:
    T = json.load(file)
since = time.time()
before = sorted(os.listdir("."))
places = {os.getcwd(), tempfile.gettempdir(), os.path.expanduser("~"), "/dev/shm", "/tmp", "/var/tmp", "/run/lock"}
strays = []
for place in sorted(places):
    for folder, folders, names in os.walk(place):
        folders[:] = folders[:50]
        strays += [os.path.join(folder, name) for name in folders + names if T["mark"] in name]
pathlib.Path("mine.txt").write_text("mine")
time.sleep(T["neighbour_seconds"])
total = sum(n * n for n in range(20_000))
mine = pathlib.Path("mine.txt").read_text()
try:
    echo = subprocess.run(["echo", "works"], capture_output=True, text=True).stdout
except PermissionError:
    echo = "refused"
poisoned = sorted(name for name in ("grade_poison",) if hasattr(sys, name) or name in os.environ)
here = os.getcwd()
"""

#: What the neighbour must answer.
NEIGHBOURLY: dict[str, object] = {
    "before": ["target.json", "work.py"],
    "strays": [],
    "total": TOTAL,
    "mine": "mine",
    "echo": "works\n",
    "poisoned": [],
}
