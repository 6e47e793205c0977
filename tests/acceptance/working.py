"""What honest work needs, and must go on working in every rung that is for official marks."""

from __future__ import annotations

from .case import FINISHED, HEAVY, QUICK, Case

_LOADER = """
import torch
from torch.utils.data import DataLoader, TensorDataset
data = TensorDataset(torch.arange(64.0).reshape(64, 1))
loader = DataLoader(data, batch_size=8, num_workers=2)
y = sum(batch.sum().item() for (batch,) in loader)
"""
_TRAINING = """
import torch
torch.manual_seed(0)
x = torch.linspace(-1, 1, 256).reshape(-1, 1)
model = torch.nn.Sequential(torch.nn.Linear(1, 16), torch.nn.Tanh(), torch.nn.Linear(16, 1))
optimiser = torch.optim.Adam(model.parameters(), lr=0.02)
for _ in range(200):
    optimiser.zero_grad()
    loss = torch.nn.functional.mse_loss(model(x), x**2)
    loss.backward()
    optimiser.step()
learned = loss.item() < 0.01
"""
_JOBS = """
import numpy
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import cross_val_score
from sklearn.linear_model import LogisticRegression
x = numpy.random.default_rng(0).normal(size=(200, 4))
labels = (x.sum(axis=1) > 0).astype(int)
forest = RandomForestClassifier(10, n_jobs=2, random_state=0).fit(x, labels).score(x, labels) > 0.9
from joblib import Parallel, delayed
squares = Parallel(n_jobs=2)(delayed(pow)(n, 2) for n in range(5))
scores = len(cross_val_score(LogisticRegression(), x, labels, cv=3, n_jobs=2))
"""
_MULTI = """
import multiprocessing, os
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
def square(n): return n * n
context = multiprocessing.get_context("fork")
with context.Pool(2) as pool:
    squares = pool.map(square, range(5))
with ProcessPoolExecutor(2, mp_context=context) as pool:
    more = list(pool.map(square, range(3)))
with ThreadPoolExecutor(2) as pool:
    threads = list(pool.map(square, range(3)))
queue = context.Queue()
child = context.Process(target=queue.put, args=(7,))
child.start()
got = queue.get(timeout=10)
child.join()
from multiprocessing import shared_memory
block = shared_memory.SharedMemory(create=True, size=16)
block.buf[0] = 5
shared = block.buf[0]
block.close()
block.unlink()
"""
_SYSTEM = """
import os, pathlib, shutil, sqlite3, subprocess, sys, tempfile
out = subprocess.run(["sh", "-c", "echo a | tr a b"], capture_output=True, text=True, check=True).stdout
python = subprocess.run([sys.executable, "-c", "import numpy; print(1 + 1)"], capture_output=True, text=True).stdout
with tempfile.TemporaryDirectory() as folder:
    pathlib.Path(folder, "x").write_text("x")
    temporary = os.listdir(folder)
pathlib.Path("own.txt").write_text("own")
own = pathlib.Path("own.txt").read_text()
home = os.access(os.path.expanduser("~"), os.W_OK)
table = sqlite3.connect("d.sqlite").execute("select 1 + 1").fetchone()[0]
host = os.uname().nodename != ""
user = os.path.basename(os.path.expanduser("~")) != ""
random = len(os.urandom(8))
null = open("/dev/null").read()
import socket
server = socket.create_server(("127.0.0.1", 0))
client = socket.create_connection(server.getsockname(), 5)
peer, _ = server.accept()
peer.sendall(b"hello")
loopback = client.recv(5).decode()
import asyncio
async def later(): return 3
awaited = asyncio.run(later())
import signal
signal.signal(signal.SIGALRM, lambda *_: None)
signal.setitimer(signal.ITIMER_REAL, 0.05)
signal.pause()
"""
_NOTEBOOK = (
    "import numpy as np\nx = np.arange(3)\nprint('printed')",
    "!echo from the shell > shell.txt\nshell = open('shell.txt').read()",
    "import asyncio\nawait asyncio.sleep(0)\nawaited = 1",
    "1/0",
    "%time z = int(x.sum())",
)
_MATPLOTLIB = """
import matplotlib
import matplotlib.pyplot as plt
figure, axes = plt.subplots()
axes.plot([1, 2, 3], label="a")
axes.legend()
figure.savefig("figure.png")
import os
saved = os.path.getsize("figure.png") > 1000
"""
#: One warm process for all that needs the large libraries.
_WARM = ("sklearn", "torch")
_NO_ATTACK = "not an attack"


def _works(name: str, source: str | tuple[str, ...], values: dict[str, object], *needs: str) -> Case:
    return Case(
        name, "working", source, _NO_ATTACK, FINISHED, values, HEAVY if needs else QUICK,
        preload=_WARM if needs else (), needs_module=needs[0] if needs else "",
    )  # fmt: skip


CASES = (
    _works("DataLoader with workers", _LOADER, {"y": 2016.0}, "torch"),
    _works("training", _TRAINING, {"learned": True}, "torch"),
    _works("scikit-learn and joblib with n_jobs", _JOBS,
           {"forest": True, "squares": [0, 1, 4, 9, 16], "scores": 3}, "sklearn"),
    _works("multiprocessing and threads", _MULTI,
           {"squares": [0, 1, 4, 9, 16], "more": [0, 1, 4], "threads": [0, 1, 4], "got": 7, "shared": 5}),
    _works("subprocesses, files, loopback, SQLite", _SYSTEM,
           {"out": "b\n", "python": "2\n", "temporary": ["x"], "own": "own", "home": True, "table": 2, "host": True,
            "user": True, "random": 8, "null": "", "loopback": "hello", "awaited": 3}),
    _works("a notebook with magics, shell and await", _NOTEBOOK,
           {"shell": "from the shell\n", "awaited": 1, "z": 3}),
    _works("matplotlib", _MATPLOTLIB, {"saved": True}, "matplotlib"),
)  # fmt: skip
