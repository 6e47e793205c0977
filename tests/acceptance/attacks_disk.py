"""Disk: every place that can be written to is bounded. A program that finds one too large writes nothing there."""

from __future__ import annotations

from grader.model import Stop

from .case import QUICK, Case, Control

_ROOM = """
def bounded(place, most):
    status = os.statvfs(place)
    size = status.f_blocks * status.f_frsize
    if size > most:
        won.append(f"{place}: no bound on what is written")
    return size <= most

written = 0
"""
_ONE_FILE = (
    _ROOM
    + """
def fill(place):
    global written
    chunk = bytes(16 * 1024**2)
    path = os.path.join(place, "large")
    try:
        with open(path, "wb", buffering=0) as file:
            while written < 10 * 1024**3:
                written += file.write(chunk)
        won.append(f"{place}: {written} bytes")
    except OSError:
        pass
    os.unlink(path)

for place in PLACES:
    if bounded(place, 8 * 1024**3):
        fill(place)
"""
)
_MANY = (
    _ROOM
    + """
if bounded(os.getcwd(), 8 * 1024**3):
    try:
        for number in range(1000):
            with open(f"part{number}", "wb", buffering=0) as file:
                if file.write(bytes(16 * 1024**2)) < 16 * 1024**2:
                    raise OSError
        won.append("1,000 files of 16 MB")
    except OSError:
        pass
"""
)
_INODES = """
def bounded(place):
    inodes = os.statvfs(place).f_files
    if not 0 < inodes < 2_000_000:
        won.append(f"{place}: no bound on files")
        return False
    return True

if bounded(os.getcwd()):
    try:
        for number in range(200_000):
            os.close(os.open(f"f{number}", os.O_CREAT | os.O_WRONLY))
        won.append("200,000 files")
    except OSError:
        pass
"""
_SPARSE = """
def reserve():
    file = os.open("sparse", os.O_CREAT | os.O_WRONLY)
    os.ftruncate(file, T["scale"] * 1024**3)
    return os.fstat(file).st_size == T["scale"] * 1024**3
attempt("a sparse file larger than allowed", reserve)
"""
_STOPS = (Stop.FINISHED, Stop.MEMORY, Stop.KILLED)

CASES = (
    Case("10 GB file", "disk", f"PLACES = [os.getcwd()]\n{_ONE_FILE}", Control(), _STOPS, {}, QUICK),
    Case("10 GB file in temporary folders", "disk",
         f"PLACES = sorted({{tempfile.gettempdir(), os.path.expanduser('~'), '/tmp'}})\n{_ONE_FILE}",
         Control(), _STOPS, {}, QUICK),
    Case("1,000 files of 16 MB", "disk", _MANY, Control(), _STOPS, {}, QUICK),
    Case("200,000 files", "disk", _INODES, Control(), _STOPS, {}, QUICK),
    Case("/dev/shm", "disk", f"PLACES = ['/dev/shm']\n{_ONE_FILE}", Control(), _STOPS, {}, QUICK),
    Case("a sparse file of 100 GB", "disk", _SPARSE, Control(scale=1), _STOPS, {}, QUICK, scale=100),
)  # fmt: skip
