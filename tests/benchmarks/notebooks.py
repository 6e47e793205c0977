"""The benchmark's hand-ins: notebooks of twelve cells, deterministic and each a little different."""

from __future__ import annotations

import json
import math
from typing import Any

#: What the notebooks import: a warm process has it loaded before the first of them runs.
PRELOAD = ("numpy", "torch", "sklearn")
CELLS = 12
_MARK = "RESULT"

# Cells of a sheet on embedded machine learning. `@seed@`, `@hidden@` and `@epochs@` differ from notebook to notebook.
_CELLS = (
    """\
import numpy as np
import torch
from sklearn.datasets import make_classification
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score
from sklearn.model_selection import train_test_split
from torch import nn""",
    """\
rng = np.random.default_rng(@seed@)
torch.manual_seed(@seed@)
A = rng.normal(size=(200, 40))
b = A @ np.arange(40) + rng.normal(size=200)""",
    """\
solution, residual, rank, _ = np.linalg.lstsq(A, b, rcond=None)
print("rank", rank, "residual", residual.round(6))""",
    """\
singular = np.linalg.svd(A, compute_uv=False)
condition = float(singular[0] / singular[-1])
condition""",
    """\
X, y = make_classification(n_samples=600, n_features=20, n_informative=8, random_state=@seed@)
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.25, random_state=@seed@)""",
    """\
logistic = LogisticRegression(max_iter=200).fit(X_train, y_train)
baseline = accuracy_score(y_test, logistic.predict(X_test))
print(f"baseline {baseline:.3f}")""",
    """\
class Net(nn.Module):
    def __init__(self, hidden):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(20, hidden), nn.ReLU(), nn.Linear(hidden, 2))

    def forward(self, x):
        return torch.log_softmax(self.body(x), dim=1)""",
    """\
net = Net(@hidden@)
parameters = sum(p.numel() for p in net.parameters())
parameters""",
    """\
def fit(model, x, y, epochs):
    optimiser = torch.optim.Adam(model.parameters(), lr=0.01)
    history = []
    for _ in range(epochs):
        optimiser.zero_grad()
        loss = nn.functional.nll_loss(model(x), y)
        loss.backward()
        optimiser.step()
        history.append(loss.item())
    return history""",
    """\
history = fit(net, torch.tensor(X_train, dtype=torch.float32), torch.tensor(y_train), @epochs@)
print("loss", round(history[0], 4), "->", round(history[-1], 4))""",
    """\
with torch.no_grad():
    predicted = net(torch.tensor(X_test, dtype=torch.float32)).argmax(dim=1)
accuracy = float((predicted.numpy() == y_test).mean())
accuracy""",
    # The last cell is the same in all, since nbgrader replaces it by the instructor's.
    f"""\
result = condition + baseline + parameters + history[-1] + accuracy
assert np.isfinite(result)
print("{_MARK}", repr(float(result)))""",
)

# What nbgrader knows a graded cell by; the others ignore it.
_GRADED = {
    "nbgrader": {
        "grade": True,
        "grade_id": "check",
        "locked": True,
        "points": 1,
        "schema_version": 3,
        "solution": False,
        "task": False,
    }
}


def notebooks(count: int) -> dict[str, str]:
    """Return ``count`` notebooks as JSON text (format 4.5), by name: ``s01``, ``s02``, …."""
    return {f"s{number:02}": _notebook(number) for number in range(1, count + 1)}


def _notebook(number: int) -> str:
    varied = {"@seed@": 1000 + number, "@hidden@": 16 + number % 5 * 4, "@epochs@": 150 + number % 4 * 10}
    cells = [_cell(index, _filled(source, varied)) for index, source in enumerate(_CELLS, 1)]
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    metadata = {"kernelspec": kernel, "language_info": {"name": "python"}}
    return json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": metadata, "cells": cells})


def _filled(source: str, varied: dict[str, int]) -> str:
    for mark, value in varied.items():
        source = source.replace(mark, str(value))
    return source


def _cell(index: int, source: str) -> dict[str, Any]:
    return {
        "cell_type": "code",
        "id": f"cell-{index}",
        "metadata": _GRADED if index == CELLS else {},
        "source": source,
        "outputs": [],
        "execution_count": None,
    }


def cell_sources(notebook: str) -> list[str]:
    """Return the text of each cell."""
    return ["".join(cell["source"]) for cell in json.loads(notebook)["cells"]]


def result_of(executed: str) -> float:
    """Return the number that an executed notebook printed last. Raises ValueError if a cell failed or none did."""
    found = math.nan
    for number, cell in enumerate(json.loads(executed)["cells"], 1):
        for output in cell.get("outputs", ()):
            if output["output_type"] == "error":
                raise ValueError(f"cell {number} raised {output['ename']}: {output['evalue'][:200]}")
            text = "".join(output.get("text", ""))
            if text.startswith(_MARK):
                found = float(text.split()[1])
    if math.isnan(found):
        raise ValueError("the last cell printed no result")
    return found
