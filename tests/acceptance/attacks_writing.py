"""Writing: anywhere but in the working folder, and anything that the next job would find."""

from __future__ import annotations

from .case import Case, Control

_PLACES = """
import sysconfig
OWN = {os.getcwd(), os.path.dirname(os.getcwd()), tempfile.gettempdir(), os.path.expanduser("~"), "/tmp", "/dev/shm"}
OWN = {os.path.realpath(path) for path in OWN} | {"/var/tmp"}
python = [sys.prefix, sys.base_prefix, sysconfig.get_path("purelib"), *sys.path]
# Folders above what is shown of Python, where that lies below /tmp, are memory of the job's own.
python = [path for path in python if os.path.isdir(path) and os.stat(path).st_dev != os.stat("/tmp").st_dev]
for place in T["places"] + ([] if T["control"] else python):
    if os.path.realpath(place) in OWN or not os.path.isdir(place):
        continue
    path = os.path.join(place, T["mark"])
    attempt(place, lambda: os.close(os.open(path, os.O_CREAT | os.O_WRONLY)) is None)
"""
_CANARY = """
path = T["canary"]
attempt("append", lambda: open(path, "a").write("X"))
attempt("truncate", lambda: os.truncate(path, 1) is None)
attempt("rename", lambda: os.rename(path, path + "2") is None)
attempt("unlink", lambda: os.unlink(path) is None)
attempt("hard link", lambda: os.link(path, "canary") is None)
attempt("change the mode", lambda: os.chmod(path, 0o777) or os.stat(path).st_mode & 1 or None)
attempt("symbolic link", lambda: os.symlink(T["folder"], "out") or open("out/" + T["mark"], "w").write("x"))
"""
_KERNEL = """
for path in ("/proc/sys/kernel/core_pattern", "/proc/sys/vm/overcommit_memory", "/proc/sysrq-trigger",
             "/proc/sys/kernel/hostname", "/sys/kernel/uevent_helper", "/proc/1/oom_score_adj", "/etc/shadow",
             "/etc/passwd", "/etc/hosts", "/etc/ld.so.preload", "/sys/fs/cgroup/cgroup.procs"):
    attempt(path, lambda: os.close(os.open(path, os.O_WRONLY)) is None)
won = [path for path in won if path != "/proc/1/oom_score_adj" or T["control"]]
"""
_REMOUNT = """
def again(flags, place):
    return checked(libc.mount(None, place.encode(), None, flags, None))
for place in ("/", "/usr", "/etc", "/proc", "/sys"):
    attempt(f"remount {place}", lambda: again(32 | 4096, place))
"""
_LEAVE = """
mark = T["mark"]
home, temporary = os.path.expanduser("~"), tempfile.gettempdir()
folders = [".", home, temporary, "/tmp", "/var/tmp", "/dev/shm", "/run/lock"]
folders += [f"{home}/.ipython/profile_default/startup"]
for folder in folders:
    try:
        os.makedirs(folder, exist_ok=True)
        open(os.path.join(folder, mark), "w").close()
    except OSError:
        pass
sys.grade_poison = True
os.environ["grade_poison"] = "1"
import builtins, random
builtins.sum = lambda *_: 42
json.load = lambda *_: {}
random.seed = lambda *_: None
os.umask(0o777)
done = 1
"""
_WORK = """
os.makedirs("a/b")
open("a/b/file", "w").close()
os.chmod("a/b/file", 0)
os.chmod("a/b", 0)
os.chmod("a", 0)
os.symlink("/", "root")
os.mkfifo("fifo")
open("x" * 255, "w").close()
open(b"\\xff\\xfe", "w").close()
deep = "."
for _ in range(300):
    os.mkdir("d" * 200)
    os.chdir("d" * 200)
done = 1
"""

CASES = (
    Case("outside the work folder", "writing", _PLACES, Control()),
    Case("the host's files", "writing", _CANARY, Control(before='T["canary"] = T["sacrifice"]')),
    Case("the kernel's and the system's settings", "writing", _KERNEL, Control(needs="root")),
    Case(
        "mounting writable again", "writing", _REMOUNT,
        Control(
            before="checked(libc.unshare(0x20000)); checked(libc.mount(None, b'/', None, 0x4000 | 0x40000, None))",
            needs="root",
        ),
    ),
    Case("files and changed libraries for the next job", "writing", _LEAVE,
         "the unconfined control is the neighbour's own check at rung selfcheck", values={"done": 1}),
    Case("a working folder that is hard to remove", "writing", _WORK,
         "the attack is on the cleaning up, which an unconfined run lacks", values={"done": 1}),
)  # fmt: skip
