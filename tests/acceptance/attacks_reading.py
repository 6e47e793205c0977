"""Reading: secrets of the host, of the grader and of other students."""

from __future__ import annotations

from .case import FINISHED, Case, Control

#: What a neighbour holds, offers and leaves about while it runs for two seconds.
COMPANION = r"""
held = "SIBLING-" + T["token"]
shown = os.path.join("/dev/shm", T["mark"] + "-shown")
try:
    with open(shown, "w") as file:
        file.write(held)
except OSError:
    shown = None
class Segment(ctypes.Structure):
    pass
libc.shmat.restype = ctypes.c_void_p
segment = libc.shmget(T["companion_key"], 4096, 0o1666)
if segment >= 0:
    ctypes.memmove(libc.shmat(segment, None, 0), held.encode(), len(held))
listeners = [socket.socket(), socket.socket(socket.AF_UNIX)]
listeners[0].setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
addresses = [("127.0.0.1", T["companion_port"]), "\0" + T["mark"]]
visits = 0
for listener, address in zip(listeners, addresses):
    listener.settimeout(0.05)
    listener.bind(address)
    listener.listen()
while time.time() < since + 2.0:
    for listener in listeners:
        try:
            visitor, _ = listener.accept()
        except TimeoutError:
            continue
        visits += 1
        visitor.sendall(held.encode())
        visitor.close()
if shown:
    os.unlink(shown)
if segment >= 0:
    libc.shmctl(segment, 0, None)
until = time.time()
"""

#: Repeats ``look`` until it wins, or for longer than the companion needs to get going.
AGAIN = """
SIBLING = re.compile("SIBLING" + "-[0-9a-f]{32}")
while time.time() < since + 1.5 and not won:
    look()
    time.sleep(0.02)
until = time.time()
"""

_PATHS = """
for path in T["paths"]:
    attempt(path, lambda: bool(os.listdir(path)) if os.path.isdir(path) else leaks(text(path)))
"""
_WALK = """
for root in T["roots"]:
    for folder, folders, names in os.walk(root):
        # Elsewhere: what is below /proc. Nothing here: the system's own files and installed packages, by the 100,000.
        folders[:] = [name for name in folders if name not in ("proc", "sys", "usr", "lib")]
        for name in names:
            if name.startswith(T["canary_name"]) or name in ("rubric.yaml", "answer.py"):
                path = os.path.join(folder, name)
                attempt(path, lambda: leaks(text(path)))
"""
_PROC_ROOT = """
for name in visible():
    for inner in ("root", "cwd"):
        base = f"/proc/{name}/{inner}"
        for path in T["paths"]:
            attempt(f"{base}{path}", lambda: leaks(text(base + path)) if os.path.isfile(base + path) else None)
        attempt(f"{base}/..", lambda: T["canary_name"] in os.listdir(f"{base}/../../../../.." + T["folder"]) or None)
"""
_DESCRIPTORS = r"""
ALLOWED = re.compile(r"(pipe|socket|anon_inode):.*|/dev/null|/proc/\d+/fd|/dev/(u?random|zero)")
for number in range(4096):
    try:
        path = os.readlink(f"/proc/self/fd/{number}")
    except OSError:
        continue
    if not ALLOWED.fullmatch(path):
        attempt(path, lambda: leaks(os.pread(number, 10**6, 0).decode("latin-1")) or path.startswith("/"))
        attempt(path, lambda: os.open("../../../../.." + T["canary"], os.O_RDONLY, dir_fd=number) >= 0)
"""
_ENVIRONMENT = """
attempt("os.environ", lambda: leaks(str(os.environ)))
for name in visible():
    attempt(f"/proc/{name}/environ", lambda: leaks(text(f"/proc/{name}/environ")))
    attempt(f"/proc/{name}/cmdline", lambda: leaks(text(f"/proc/{name}/cmdline")))
"""
_PROCESSES = """
for number in others():
    attempt(number, lambda: bool(text(f"/proc/{number}/cmdline")))
"""
_MEMORY = r"""
class Part(ctypes.Structure):
    _fields_ = [("base", ctypes.c_void_p), ("length", ctypes.c_size_t)]

def vm_read():
    buffer = ctypes.create_string_buffer(100)
    local, remote = Part(ctypes.addressof(buffer), 100), Part(T["victim_address"], 100)
    checked(libc.process_vm_readv(T["victim_pid"], ctypes.byref(local), 1, ctypes.byref(remote), 1, 0))
    return leaks(buffer.raw.decode("latin-1"))

def vm_write():
    buffer = ctypes.create_string_buffer(b"X", 1)
    local, remote = Part(ctypes.addressof(buffer), 1), Part(T["victim_address"] + 90, 1)
    return checked(libc.process_vm_writev(T["victim_pid"], ctypes.byref(local), 1, ctypes.byref(remote), 1, 0))

def mem():
    with open(f"/proc/{T['victim_pid']}/mem", "rb") as file:
        file.seek(T["victim_address"])
        return leaks(file.read(100).decode("latin-1"))

def trace(number):
    checked(libc.ptrace(16, number, None, None))
    os.waitpid(number, 0x40000000)
    return checked(libc.ptrace(17, number, None, None))

attempt("process_vm_readv", vm_read)
attempt("process_vm_writev", vm_write)
attempt("/proc/*/mem", mem)
for number in {T["victim_pid"], *others()[-50:]}:
    attempt(f"ptrace {number}", lambda: trace(number))
"""
_OWN_MEMORY = r"""
def searched(pattern):
    found = set()
    with open("/proc/self/maps") as maps, open("/proc/self/mem", "rb", buffering=0) as memory:
        for line in list(maps):
            start, end = (int(part, 16) for part in line.split()[0].split("-"))
            if "r" not in line.split()[1] or end - start > 512 * 1024**2 or "[v" in line:
                continue
            for position in range(start, end, 8 * 1024**2):
                try:
                    memory.seek(position)
                    data = memory.read(min(end - position, 8 * 1024**2 + 100))
                except (OSError, ValueError, OverflowError):
                    continue
                found |= {match[:20] for match in pattern.findall(data)}
    return found
own = re.compile(rb"SIBLING" + rb"-[0-9a-f]{32}|CANARY" + rb"-[0-9a-f]{32}")
attempt("own memory", lambda: bool(searched(own)))
time.sleep(max(0.0, since + 1.5 - time.time()))
until = time.time()
"""
_SHARED = """
libc.shmat.restype = ctypes.c_void_p
def attach(number):
    address = libc.shmat(number, None, 0o10000)
    return leaks(ctypes.string_at(address, 60).decode("latin-1")) if address not in (None, 2**64 - 1) else None
def by_key():
    number = libc.shmget(T["shm_key"], 0, 0)
    checked(number)
    return attach(number)
attempt("SysV shared memory by key", by_key)
def listed():
    return any(attach(int(line.split()[1])) for line in text("/proc/sysvipc/shm").splitlines()[1:]) or None
attempt("SysV shared memory, listed", listed)
attempt("POSIX shared memory", lambda: leaks(text("/dev/shm/" + T["shm_name"])))
attempt("POSIX shared memory, listed", lambda: T["shm_name"] in os.listdir("/dev/shm") or None)
"""
_SIBLING = (
    """
def look():
    def segment():
        number = libc.shmget(T["companion_key"], 0, 0)
        return checked(number)
    attempt("SysV shared memory", segment)
    attempt("POSIX shared memory", lambda: bool(SIBLING.search(text(f"/dev/shm/{T['mark']}-shown"))) or None)
    for number in others():
        attempt(f"descriptors of {number}", lambda: bool(os.listdir(f"/proc/{number}/fd")))
"""
    + AGAIN
)
_SYSTEM = """
PATHS = ["/dev/kmsg", "/proc/kcore"]
if not T["control"]:
    PATHS += ["/etc/shadow", "/proc/kallsyms", "/dev/mem", "/dev/sda", "/dev/vda", "/sys/firmware/dmi/tables/DMI",
              "/var/run/docker.sock", "/etc/ssh", "/home", "/var/log", "/root/.profile", "/root/.bashrc"]
for path in PATHS:
    attempt(path, lambda: bool(os.listdir(path) if os.path.isdir(path) else open(path, "rb").read(1)))
won = [path for path in won if path != "/proc/kallsyms" or set(text(path).split()[0]) != {"0"}]
"""

CASES = (
    Case("files by path: secret, rubric, reference, the course", "reading", _PATHS, Control()),
    Case("files by walking", "reading", _WALK, Control()),
    Case("files through /proc/*/root and cwd", "reading", _PROC_ROOT, Control()),
    Case("files through inherited descriptors", "reading", _DESCRIPTORS,
         Control(before="held = open(T['canary'])")),
    Case("the environment, its own and of others", "reading", _ENVIRONMENT, Control()),
    Case("/proc of others", "reading", _PROCESSES, Control()),
    Case("memory of others", "reading", _MEMORY, Control(needs="root")),
    Case(
        "a sibling's token and the host's secret in its own memory", "reading", _OWN_MEMORY,
        Control(before="held = 'SIBLING' + '-' + T['token']"), companion=COMPANION,
    ),
    Case("shared memory of the host, SysV and POSIX", "reading", _SHARED, Control()),
    Case("shared memory and descriptors of another job", "reading", _SIBLING, Control(), companion=COMPANION),
    Case("the system's own files", "reading", _SYSTEM, Control(needs="root"), FINISHED),
)  # fmt: skip
