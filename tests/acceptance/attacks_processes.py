"""Processes: too many, some that stay, and signals to those of others."""

from __future__ import annotations

from grader.model import Stop

from .case import FINISHED, HANGING, KILLED, THEIRS, Case, Control, Fails

_FORKS = """
made = 0
try:
    while made < T["scale"]:
        if os.fork() == 0:
            time.sleep(3)
            os._exit(0)
        made += 1
    won.append(f"{made} processes")
except OSError:
    pass
"""
_BOMB = """
while True:
    try:
        os.fork()
    except OSError:
        pass
"""
_THREADS = """
import _thread
made = 0
try:
    while made < T["scale"]:
        _thread.start_new_thread(time.sleep, (3,))
        made += 1
    won.append(f"{made} threads")
except (RuntimeError, MemoryError):
    pass
"""
_DAEMON = """
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        os.closerange(0, 256)
        time.sleep(5)
    os._exit(0)
os.wait()
done = 1
"""
#: A process namespace for the control alone, with a bystander in it that is told to be the victim.
_OWN_NUMBERS = """
checked(libc.unshare(0x20000000))
if first := os.fork():
    os.waitpid(first, 0)
    os._exit(0)
if attacker := os.fork():  # this is process 1 of the namespace, which ends with it
    os.waitpid(attacker, 0)
    os._exit(0)
if (bystander := os.fork()) == 0:
    time.sleep(60)
    os._exit(0)
T["victim_pid"] = bystander
"""
_BYSTANDER = """
time.sleep(0.2)
if os.waitpid(bystander, os.WNOHANG | os.WUNTRACED)[0] == bystander:
    won.append("the bystander")
"""
_ALL = Control(before=_OWN_NUMBERS, after=_BYSTANDER, needs="root")

CASES = (
    Case(
        "fork bomb", "processes", _BOMB,
        "a bomb cannot be bounded; the next case shows it bounded", (Stop.TIMEOUT, Stop.KILLED, Stop.MEMORY),
        {}, HANGING,
    ),
    Case("5,000 processes", "processes", _FORKS, Control(scale=100), THEIRS, {}, HANGING, scale=5000),
    Case("thread bomb", "processes", _THREADS, Control(scale=200), THEIRS, {}, HANGING, scale=20_000),
    Case("daemon by double fork", "processes", _DAEMON, Control("survives"), values={"done": 1}),
    Case(
        "kill the parent", "processes",
        "os.kill(os.getppid(), 9)\ntime.sleep(0.3)", Control("kills"), THEIRS, {},
    ),
    Case("kill process 1", "processes", "os.kill(1, 9)\ntime.sleep(0.3)",
         "unconfined it would end the machine, or the container", THEIRS, {}),
    Case("kill -1", "processes", "os.kill(-1, 9)\ntime.sleep(0.3)", _ALL, THEIRS, {}),
    Case("kill the process group", "processes", "os.kill(0, 9)\ntime.sleep(0.3)", Control("kills"), THEIRS, {}),
    Case(
        "kill every number", "processes",
        """
for number in [*range(2, 70_000), T["host_pid"], T["victim_pid"]]:
    for sign in (1, -1):
        if number != os.getpid():
            attempt(number, lambda: os.kill(sign * number, 9) is None)
won = [number for number in won if number in (T["host_pid"], T["victim_pid"])]
""",
        _ALL, THEIRS, {},
    ),
    Case(
        "stop every process in sight", "processes",
        """
def stopped(number):
    os.kill(number, signal.SIGSTOP)
    # Process 1 of a namespace takes the signal and goes on.
    return number != 1 or text("/proc/1/stat").rpartition(")")[2].split()[0] == "T"
for number in filter(None, [*others(), os.getppid()]):
    attempt(number, lambda: stopped(number))
""",
        _ALL, THEIRS, {}, HANGING,
    ),
    # The first process of a process namespace cannot be stopped from within.
    Case("SIGSTOP to itself", "processes", "os.kill(os.getpid(), signal.SIGSTOP)", Control("hangs"), THEIRS, {},
         HANGING),
    Case("SIGSTOP to itself in a notebook", "processes", ("os.kill(os.getpid(), signal.SIGSTOP)",), Control("hangs"),
         THEIRS, {}, HANGING),
    Case("segmentation fault", "processes", "y = 1\nctypes.string_at(0)", Control("ends"), KILLED,
         {"y": Fails("not_run")}),
    Case("segmentation fault in a notebook", "processes", ("y = 1", "ctypes.string_at(0)"), Control("ends"), KILLED,
         {"y": Fails("not_run")}),
    Case("os._exit(0) is no success", "processes", "y = 1\nos._exit(0)", Control("ends"), KILLED,
         {"y": Fails("not_run")}),
    Case("os._exit(0) in a notebook", "processes", ("y = 1", "os._exit(0)"), Control("ends"), KILLED,
         {"y": Fails("not_run")}),
    Case("sys.exit(0)", "processes", "y = 1\nsys.exit(0)\nz = 1", Control("ends"), FINISHED,
         {"y": 1, "z": Fails("missing")}, says="SystemExit"),
    Case("sys.exit(0) in a notebook", "processes", ("y = 1", "sys.exit(0)\nz = 1", "w = 1"), Control("ends"), FINISHED,
         {"y": 1, "z": Fails("missing"), "w": 1}, says="SystemExit"),
    Case(
        "output and sleep at exit", "processes",
        "import atexit\natexit.register(time.sleep, 10**6)\natexit.register(print, 'printed' + ' at exit')\ny = 1",
        Control("hangs"), FINISHED, {"y": 1},
    ),
    Case("another program in its place", "processes", "os.execv('/bin/sleep', ['sleep', '1000'])", Control("hangs"),
         (Stop.TIMEOUT, Stop.KILLED), {}, HANGING),
    Case("every descriptor closed", "processes", "y = 1\nos.closerange(0, 4096)", Control("ends"),
         (Stop.KILLED, Stop.TIMEOUT), {"y": Fails("not_run")}),
)  # fmt: skip
