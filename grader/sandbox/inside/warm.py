"""Using a library once before the fork, so that no child pays for what a first use sets up.

What it does not save: joblib starts its workers afresh. When scikit-learn gives them work it sends along the filters
for warnings, of which torch sets one with a class of its own, so that every worker imports torch: 0.7 s became 1.4 to
2.8 s for a cross-validation by two workers on two cores. A worker that had done other work before has then grown so
much that joblib may take it for a leak, warn ("A worker stopped …") and start another. That is so wherever both
libraries are imported, and here where both are preloaded; ``n_jobs=1``, or a preload without torch, avoids it.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import warnings
from collections.abc import Callable
from typing import Any


def exercise(name: str) -> None:
    """Use the module ``name`` a little, if we know how. Starts no thread."""
    known = _EXERCISES.get(name.partition(".")[0])
    if known is not None:
        known()


def _numpy() -> None:
    import numpy as np  # noqa: PLC0415

    matrix = np.random.RandomState(0).standard_normal((8, 8))
    np.linalg.solve(matrix @ matrix.T + np.eye(8), matrix)
    str(matrix)


def _torch() -> None:
    torch: Any = importlib.import_module("torch")
    torch.set_num_threads(1)
    if torch.version.cuda is not None:
        return  # a backward pass would start a thread for each device
    model = torch.nn.Sequential(torch.nn.Linear(4, 3), torch.nn.ReLU(), torch.nn.Linear(3, 2))
    optimizer = torch.optim.Adam(model.parameters())
    inputs, labels = torch.ones(5, 4), torch.zeros(5, dtype=torch.long)
    torch.nn.functional.cross_entropy(model(inputs), labels).backward()
    optimizer.step()
    str(inputs)


def _joblib() -> None:
    joblib: Any = importlib.import_module("joblib")
    # In the sandbox lscpu finds no physical core. joblib tells so, with a traceback, the first time that it looks.
    with warnings.catch_warnings(), contextlib.redirect_stderr(io.StringIO()):
        warnings.simplefilter("ignore")
        joblib.cpu_count(only_physical_cores=True)


def _sklearn() -> None:
    import numpy as np  # noqa: PLC0415

    _joblib()
    linear_model = importlib.import_module("sklearn.linear_model")
    for name in ("datasets", "metrics", "model_selection", "preprocessing", "pipeline"):
        importlib.import_module(f"sklearn.{name}")
    inputs = np.arange(12.0).reshape(6, 2)
    linear_model.LogisticRegression(max_iter=5, tol=1.0).fit(inputs, [0, 0, 0, 1, 1, 1]).predict(inputs)


def _matplotlib() -> None:
    # Not pyplot's own figure: which window system to use is decided in the child.
    backend: Any = importlib.import_module("matplotlib.backends.backend_agg")
    figure: Any = importlib.import_module("matplotlib.figure").Figure()
    backend.FigureCanvasAgg(figure)
    figure.add_subplot().plot([0, 1], label="a")
    figure.canvas.draw()
    importlib.import_module("matplotlib.pyplot")


def _nbclient() -> None:
    # With all that a kernel needs: it is forked, too.
    from . import forked, notebook  # noqa: F401, PLC0415


def _ipython() -> None:
    from . import shell  # noqa: PLC0415

    shell.prepare()


_EXERCISES: dict[str, Callable[[], None]] = {
    "numpy": _numpy,
    "torch": _torch,
    "joblib": _joblib,
    "sklearn": _sklearn,
    "matplotlib": _matplotlib,
    "IPython": _ipython,
    "nbclient": _nbclient,
}
