"""The same submission gives the same observations: with one worker or two, first or last, whatever else runs."""

from __future__ import annotations

import random
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace

import pytest
from execution_helpers import module_job, notebook_job

from grader.engines import LocalPool
from grader.model import Job, Limits, Run, Stop
from grader.sandbox import Sandbox, available_rungs, dump_observations, make_sandbox

ORDERS = 20
#: Rungs that fork jobs from one warm process.
FORKING = tuple(
    pytest.param(rung.name, marks=pytest.mark.skipif(not rung.available, reason=rung.reason))
    for rung in available_rungs()
    if rung.name == "ns"
)

_DRAWS = "import random, uuid\nx = [random.random(), random.randint(0, 10**9), random.gauss(0, 1)]\nrandom.seed(3)\n"
_HASHES = (
    "x = [hash('a'), hash(b'b'), hash(('c', 1))]\nitems = {'p', 'q', 'r', 's', 't'}\norder = list(items)\n"
    "class Layer: pass\nlayer = Layer.__name__\n"
)
_NUMPY = (
    "import numpy as np\nx = np.random.rand(3)\ny = np.random.default_rng(5).normal(size=2)\n"
    "z = np.random.permutation(10)\nnp.random.seed(None)\n"
)
_SPOILS = (
    "import random, os, sys, builtins, math\nrandom.seed(0)\nfor _ in range(100): random.random()\n"
    "builtins.sum = None\nmath.sqrt = None\nrandom.random = lambda: 0.5\nos.environ['SPOILED'] = 'yes'\n"
    "sys.path.insert(0, '/nowhere')\nopen('left.txt', 'w').close()\nx = 1\n"
)
_LOOKS = (
    "import random, os, sys, math, builtins\n"
    "x = [sum([1, 2]), math.sqrt(4), os.environ.get('SPOILED'), sys.path[0:0]]\n"
    "files = sorted(os.listdir('.'))\nvariables = sorted(n for n in os.environ if n != 'GRADE_JOB')\n"
    "modules = len(sys.modules) > 0\nnames = sorted(n for n in globals() if not n.startswith('__'))\n"
    "recursion = sys.getrecursionlimit()\n"
)


def jobs(limits: Limits) -> list[tuple[str, Job]]:
    """Return submissions of which some are the same as others, and some spoil what they can."""
    modules = {
        "draws": module_job(_DRAWS, "x"),
        "hashes": module_job(_HASHES, "x order layer"),
        "numpy": module_job(_NUMPY, "x y z"),
        "spoils": module_job(_SPOILS, "x"),
        "looks": module_job(_LOOKS, "x files variables modules names recursion"),
        "another_seed": replace(module_job(_DRAWS, "x"), seed=8),
    }
    notebooks = {
        "cells": notebook_job(_NUMPY, _DRAWS.replace("x =", "drawn ="), _HASHES, names="x y z drawn order layer"),
        "spoiling_cells": notebook_job(_SPOILS, "1 / 0", names="x"),
    }
    named = [*modules.items(), *notebooks.items(), ("draws_again", modules["draws"]), ("looks_again", modules["looks"])]
    return [(name, replace(job, limits=limits)) for name, job in named]


def observed(sandbox: Sandbox, batch: Sequence[tuple[str, Job]], workers: int) -> dict[str, tuple[Stop, bytes]]:
    runs: dict[str, Run] = dict(LocalPool(sandbox, workers).run(batch))
    return {name: (run.stop, dump_observations(run.observations)) for name, run in runs.items()}


def same_in_all_orders(rung: str, batch: list[tuple[str, Job]], orders: int) -> dict[str, tuple[Stop, bytes]]:
    """Run the batch in shuffled orders, with one worker and with two, all forked from the same warm process.

    Return what was observed every time.
    """
    shuffled = random.Random(1)  # noqa: S311 - nothing is to be kept secret
    with closing(make_sandbox(rung)) as sandbox:
        first = observed(sandbox, batch, workers=1)
        for number in range(orders):
            order = shuffled.sample(batch, len(batch))
            assert first == observed(sandbox, order, workers=1 + number % 2), [name for name, _ in order]
    return first


@pytest.mark.parametrize("rung", FORKING)
def test_order_and_workers_change_nothing(rung: str) -> None:
    found = same_in_all_orders(rung, jobs(Limits(timeout_seconds=30.0)), ORDERS)
    assert {stop for stop, _ in found.values()} == {Stop.FINISHED}
    assert found["draws"] == found["draws_again"]
    assert found["looks"] == found["looks_again"]
    assert found["draws"] != found["another_seed"]


def test_order_and_workers_change_nothing_without_confinement() -> None:
    cold = [(name, job) for name, job in jobs(Limits(timeout_seconds=30.0)) if job.form == "module"]
    found = same_in_all_orders("selfcheck", cold, 2)
    assert found["draws"] == found["draws_again"]
    assert found["draws"] != found["another_seed"]


@pytest.mark.parametrize("rung", FORKING)
def test_the_first_numbers_are_the_same_at_every_rung(rung: str) -> None:
    first = ("draws", "hashes", "numpy")
    batch = [(name, job) for name, job in jobs(Limits(timeout_seconds=30.0)) if name in first]
    with closing(make_sandbox("selfcheck")) as cold, closing(make_sandbox(rung)) as warm:
        assert observed(cold, batch, 2) == observed(warm, batch, 2)


_TORCH = (
    "import torch\nx = torch.rand(3)\ntorch.manual_seed(4)\nmodel = torch.nn.Linear(2, 1)\n"
    "loss = model(torch.ones(1, 2)).sum()\nloss.backward()\ny = model.weight.detach()\nz = torch.randperm(5)\n"
    "threads = torch.get_num_threads()\n"
)
_TORCH_SPOILS = "import torch\ntorch.manual_seed(99)\ntorch.set_default_dtype(torch.float64)\ntorch.rand(10)\nx = 1\n"


@pytest.mark.parametrize("rung", FORKING)
def test_torch_starts_from_the_seed_in_every_child(rung: str) -> None:
    pytest.importorskip("torch")
    limits = Limits(timeout_seconds=60.0, preload=("numpy", "torch"))
    batch = [
        ("torch", replace(module_job(_TORCH, "x y z threads"), limits=limits)),
        ("spoils", replace(module_job(_TORCH_SPOILS, "x"), limits=limits)),
        ("again", replace(module_job(_TORCH, "x y z threads"), limits=limits)),
        ("cells", replace(notebook_job(_TORCH, names="x y z threads"), limits=limits, seed=7)),
    ]
    found = same_in_all_orders(rung, batch, 4)
    assert {stop for stop, _ in found.values()} == {Stop.FINISHED}
    assert found["torch"] == found["again"] == found["cells"]
