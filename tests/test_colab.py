"""Notebooks from Google Colab: what has no meaning here does nothing, says so, and costs nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from typing import Literal

import pytest

from grader.execution import execute
from grader.model import Job, Limits, Probe, Run, Stop
from grader.sandbox import Sandbox, make_sandbox
from grader.sandbox.inside import colab


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with closing(make_sandbox("selfcheck")) as found:
        yield found


def notebook(*cells: str) -> str:
    made: list[dict[str, object]] = [
        {"cell_type": "code", "id": f"c{n}", "metadata": {}, "source": cell, "outputs": [], "execution_count": None}
        for n, cell in enumerate(cells)
    ]
    return json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": made})


def values(run: Run) -> dict[str, object]:
    return {one.probe.name: one.value for one in run.observations}


CELLS = (
    "try:\n    import google.colab\n    d = True\nexcept ImportError:\n    d = False",
    "import importlib.util\ng = importlib.util.find_spec('google.colab') is not None",
    "!pip install -q nothing-like-this\n%pip install nothing && apt-get update\n%tensorflow_version 2.x\na = 1",
    "from google.colab import drive, files\ndrive.mount('/content/drive', force_remount=True)\nb = files.upload()",
    "import google.colab.userdata as u\nfrom google.colab.patches import show\nshow(1)\nc = u.get('') + 'x'",
    "%load_ext tensorboard\n%load_ext grader\n%grade rectangles\n%tensorboard --logdir x\ne = 1",
    "%%shell\necho hello\necho goodbye",
    "!exit 3\nf = _exit_code",
)
SAID = (
    "[not run: pip install -q nothing-like-this. Nothing is installed while a hand-in is checked.]",
    "[%tensorflow_version does nothing while a hand-in is checked.]",
    "[google.colab.drive.mount does nothing while a hand-in is checked.]",
    "[google.colab.files.upload does nothing while a hand-in is checked.]",
    "[%load_ext tensorboard does nothing while a hand-in is checked.]",
    "[%grade does nothing while a hand-in is checked.]",
    "hello",
    "goodbye",
)


@pytest.mark.parametrize("runner", ["shell", "nbclient"])
def test_a_notebook_from_colab_runs_to_its_end(sandbox: Sandbox, runner: Literal["shell", "nbclient"]) -> None:
    names = ("a", "b", "c", "d", "e", "f", "g")
    probes = tuple(Probe("value", name) for name in names)
    job = Job("notebook", "a.ipynb", notebook(*CELLS), (), probes, Limits(timeout_seconds=60), runner=runner)
    run = execute(job, sandbox)
    assert (run.stop, run.errors) == (Stop.FINISHED, ())
    assert values(run) == {"a": 1, "b": {}, "c": "x", "d": False, "e": 1, "f": 3, "g": False}
    assert [one for one in SAID if one not in run.log] == []


def test_a_module_may_import_colab_too(sandbox: Sandbox) -> None:
    source = "from google.colab import auth\nauth.authenticate_user()\nimport google\nx = hasattr(google, 'cloud')\n"
    run = execute(Job("module", "a.py", source, (), (Probe("value", "x"),), Limits()), sandbox)
    assert (values(run), run.errors) == ({"x": False}, ())
    assert "[google.colab.auth.authenticate_user does nothing while a hand-in is checked.]" in run.log


def test_a_notebook_that_checks_itself_is_checked_all_the_same(sandbox: Sandbox) -> None:
    cell = "%load_ext grader\nimport grader\nx = grader.check('rectangles')\ny = 1"
    job = Job("notebook", "a.ipynb", notebook(cell), (), (Probe("value", "x"), Probe("value", "y")), Limits())
    assert values(execute(job, sandbox)) == {"x": None, "y": 1}
    finder = colab._Finder()
    assert [
        finder.find_spec(name, None) is None for name in ("grader", "google", "google.cloud", "numpy", "graders")
    ] == [
        False,
        False,
        True,
        True,
        True,
    ]


@pytest.mark.parametrize(
    "command",
    [
        "pip install x",
        " pip3 --quiet install 'x>=1' | tail -1",
        "/usr/bin/python3.11 -m pip install --upgrade pip",
        "sudo apt-get -y install graphviz",
        "apt update && apt install -y x",
        "uv pip install x",
        "conda install -y x",
        "pip uninstall -y x; pip install y",
    ],
)
def test_what_only_installs_is_skipped(command: str) -> None:
    assert colab.skipped(command).startswith("[not run: ")


@pytest.mark.parametrize("command", ["pip list", "pip install x && python train.py", "ls", "echo pip install", ""])
def test_everything_else_is_run(command: str) -> None:
    assert colab.skipped(command) == ""
