"""Memory: more than the limit of 512 MiB, in every way that there is to ask for it."""

from __future__ import annotations

from grader.model import Stop

from .case import FINISHED, HEAVY, KILLED, MEMORY, QUICK, Case, Control, Fails

#: A little over the limit of the confined run.
_OVER = 560

_LIST = """
kept = []
while len(kept) < T["scale"]:
    kept.append(b"x" * 1024**2)
won.append(f"{len(kept)} MiB")
time.sleep(0.3)
"""
_SHARED = """
import mmap
kept = []
while len(kept) < T["scale"] // 16:
    kept.append(mmap.mmap(-1, 16 * 1024**2))
    for page in range(0, 16 * 1024**2, 4096):
        kept[-1][page] = 1
time.sleep(0.3)
won.append(f"{len(kept) * 16} MiB shared")
"""
_MEMFD = """
def fill():
    file = os.memfd_create("m")
    for _ in range(T["scale"] // 16):
        os.write(file, bytes(16 * 1024**2))
    time.sleep(0.3)
    return True
attempt("memfd", fill)
"""
_UNMAPPED = """
def fill():
    file = libc.syscall(447, 0)
    checked(file)
    os.ftruncate(file, 4096)
    return True
attempt("memfd_secret", fill)
"""
_CHILDREN = """
reader, writer = os.pipe()
share = T["scale"] // 12
for _ in range(12):
    if os.fork() == 0:
        try:
            kept = b"x" * (share * 1024**2)
            os.write(writer, b"k")
            time.sleep(5)
        finally:
            os._exit(0)
os.close(writer)
ready = b""
while len(ready) < 12 and (more := os.read(reader, 100)):
    ready += more
if len(ready) == 12:
    time.sleep(0.3)
    won.append(f"12 children of {share} MiB")
"""
_UNMAPPED_SEGMENTS = """
libc.shmat.restype, libc.shmdt.argtypes = ctypes.c_void_p, [ctypes.c_void_p]
segments = []
while len(segments) < T["scale"] // 16:
    number = libc.shmget(0, 16 * 1024**2, 0o1600)
    address = libc.shmat(number, None, 0) if number >= 0 else None
    if address in (None, 2**64 - 1):
        break
    segments.append(number)
    ctypes.memset(address, 1, 16 * 1024**2)
    libc.shmdt(address)
time.sleep(0.3)
if len(segments) == T["scale"] // 16:
    won.append(f"{len(segments) * 16} MiB that no process has")
for number in segments:
    libc.shmctl(number, 0, None)
"""
_KERNEL_BUFFERS = """
reader, writer = os.pipe()
def fill(most):
    kept, count = [], 0
    try:
        while count < most:
            for file in MAKE():
                kept.append(file)
                os.set_blocking(file.fileno(), False)
                try:
                    while count < most:
                        count += os.write(file.fileno(), bytes(65536))
                except BlockingIOError:
                    pass
    except OSError:
        pass
    return kept, count
for _ in range(8):
    if os.fork() == 0:
        kept, count = fill(T["scale"] * 1024**2 // 8)
        os.write(writer, count.to_bytes(8, "big"))
        time.sleep(1)
        os._exit(0)
total = sum(int.from_bytes(os.read(reader, 8), "big") for _ in range(8))
if total >= T["scale"] * 1024**2 // 2:
    won.append(f"{total // 1024**2} MiB in the kernel")
"""
_PIPES = f"""
import fcntl
def MAKE():
    reader, writer = os.pipe()
    fcntl.fcntl(writer, 1031, 2**20)
    held.append(reader)
    return [os.fdopen(writer, "wb", 0)]
held = []
{_KERNEL_BUFFERS}
"""
_SOCKETS = f"MAKE = socket.socketpair\n{_KERNEL_BUFFERS}"
_FILES = """
kept = b"x" * (T["scale"] // 2 * 1024**2)
places = [os.path.join(place, T["mark"]) for place in (tempfile.gettempdir(), "/dev/shm")]
try:
    for place in places:
        with open(place, "wb") as file:
            file.write(bytes(T["scale"] // 4 * 1024**2))
    time.sleep(0.5)
    won.append(f"{T['scale']} MiB in memory and files")
finally:
    for place in filter(os.path.exists, places):
        os.unlink(place)
"""
_DEEP = "import sys\ndef f(n): return f(n + 1) + 1\nbefore = 1\nf(0)"
_DEEP_IN_C = """
nested = []
for _ in range(3_000_000):
    nested = [nested]
sys.setrecursionlimit(2**31 - 1)
repr(nested)
"""

CASES = (
    Case("bytearray of 100 GB", "memory", "x = bytearray(T['scale'] * 1024**2)\nwon.append('allocated')",
         Control(scale=_OVER), MEMORY, {}, scale=100_000),
    Case("growing list", "memory", _LIST, Control(scale=_OVER), MEMORY, {}, scale=3000),
    # ZeroMQ, where a kernel uses it, may be the one that gets no memory, and aborts.
    Case("growing list in a notebook", "memory", ("before = 1", _LIST), Control(scale=_OVER), (*MEMORY, *KILLED), {},
         scale=3000),
    Case("shared mmap", "memory", _SHARED, Control(scale=_OVER), MEMORY, {}, scale=3000),
    Case("memfd", "memory", _MEMFD, Control(scale=_OVER), (Stop.FINISHED, Stop.MEMORY), {}, scale=3000,
         ),
    Case("memfd_secret", "memory", _UNMAPPED, "the kernel may be built without it"),
    Case("System V segments that no process maps", "memory", _UNMAPPED_SEGMENTS, Control(scale=_OVER),
         (Stop.FINISHED, Stop.MEMORY), {}, scale=1200),
    Case("buffers of pipes", "memory", _PIPES, Control(scale=_OVER, needs="root"), (Stop.FINISHED, Stop.MEMORY), {},
         scale=1200),
    Case("buffers of sockets", "memory", _SOCKETS, Control(scale=_OVER), (Stop.FINISHED, Stop.MEMORY), {}, scale=1200),
    Case("memory and files in memory together", "memory", _FILES, Control(), MEMORY, {}, scale=800),
    Case("12 children, each under the limit", "memory", _CHILDREN, Control(scale=_OVER), MEMORY, {}, scale=12 * 100),
    Case(
        "torch.ones(1e11)", "memory",
        "import torch\nx = torch.ones(T['scale'] * 1024**2 // 4)\nwon.append('allocated')",
        Control(scale=_OVER), MEMORY, {}, HEAVY, scale=400_000, preload=("sklearn", "torch"), needs_module="torch",
    ),
    Case("recursion in Python", "memory", _DEEP, Control("ends"), FINISHED, {"before": 1}, says="RecursionError"),
    Case("recursion in C", "memory", _DEEP_IN_C, Control("ends"), (*KILLED, *MEMORY), {}),
    Case(
        "many large variables to read", "memory",
        "import numpy\nx = numpy.zeros(40 * 1024**2, 'uint8')\nz = 'é' * 10**6 * 30\ny = [x] * 10**5",
        "reading them is this grader's own step", FINISHED,
        {"x": Fails("too_large"), "y": Fails("too_large"), "z": Fails("too_large")}, QUICK,
    ),
)  # fmt: skip
