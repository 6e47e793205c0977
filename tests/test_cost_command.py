"""``grade cost``: table, JSON and page of a model in a file, and what is said of files that have none."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from grader.cli import run
from grader.cost import analyse, memory_timeline, read_board, read_runtime
from grader.errors import ExitCode
from grader.reports.pages import cost_page
from grader.reports.text import bytes_text

Captured = pytest.CaptureFixture[str]

MODEL = """
import torch
from torch import nn

from widths import WIDTH


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, WIDTH, 3)
        self.norm = nn.BatchNorm2d(WIDTH)
        self.head = nn.Linear(WIDTH * 36, 10)

    def forward(self, x):
        return self.head(torch.relu(self.norm(self.conv(x))).flatten(1))


class Tokens(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(100, 8)

    def forward(self, x):
        return self.embedding(x)


class Unfitting(Net):
    def __init__(self):
        super().__init__()
        self.head = nn.Linear(7, 10)
"""


@pytest.fixture
def model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "model.py").write_text(MODEL, encoding="utf-8")
    (tmp_path / "widths.py").write_text("WIDTH = 4\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path / "model.py"


def test_the_figures_of_a_model_in_a_file(model: Path, capsys: Captured) -> None:
    arguments = ["cost", "model.py:Net", "--input", "1,3,8,8", "--precision", "int8", "--layer", "head=float16"]
    arguments += ["--board", "stm32h735g-dk", "--runtime", "tflite-micro"]
    assert run([*arguments, "--json", "out.json", "--html", "out.html"]) == ExitCode.PASSED
    said = capsys.readouterr().out
    assert "MACs" in said
    assert "STM32H735G-DK, int8, with TensorFlow Lite Micro" in said
    data: dict[str, Any] = json.loads(Path("out.json").read_text(encoding="utf-8"))
    macs = 4 * 27 * 36 + 1440
    assert (data["parameters"], data["folded_parameters"], data["macs"]) == (112 + 8 + 1450, 112 + 1450, macs)
    assert data["conventions"]["flops"] == 2 * macs
    assert set(data["conventions"]) == {"flops", "st", "torchinfo", "with_bias"}
    assert data["weight_bytes"]["float32"] == 4 * 1562
    assert data["weight_bytes"]["int8"] == 1548 + 4 * 14
    assert data["weight_bytes"]["mixed"] == 108 + 4 * 4 + 2 * 1450
    assert data["activation_bytes"]["liveness"] == 192 + 144
    assert [one["macs"] for one in data["layers"]] == [4 * 27 * 36, 0, 0, 1440]
    assert data["layers"][0]["output_shape"] == [[1, 4, 6, 6]]
    assert data["fit"]["internal"]["verdict"] == "yes"
    ram = 560 * 1024 - data["activation_bytes"]["arena"] - 26500
    assert data["fit"]["internal"]["margin_bytes"] == min(ram, 1024 * 1024 - 140592 - data["weight_bytes"]["mixed"])
    assert set(data["fit"]) == {"internal", "external_flash", "external_ram", "external"}
    page = Path("out.html").read_text(encoding="utf-8")
    assert "Does it fit the <bdi>STM32H735G-DK</bdi>?" in page
    assert '<svg class="timeline"' in page


def test_an_input_of_integers(model: Path) -> None:
    assert run(["cost", "model.py:Tokens", "--input", "1,16:int64", "--json", "out.json"]) == ExitCode.PASSED
    assert json.loads(Path("out.json").read_text(encoding="utf-8"))["parameters"] == 800


def test_what_fits_nowhere_exits_with_1(model: Path) -> None:
    Path("board.yaml").write_text(
        "title: T\ncore: C\nmemory:\n  internal_flash: {size: 10 B}\n  internal_ram: {size: 10 B}\nsources: [s]\n",
        encoding="utf-8",
    )
    assert run(["cost", "model.py:Net", "--input", "1,3,8,8", "--board", "board.yaml"]) == ExitCode.FAILED


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (["model.py"], ExitCode.USAGE, "model.py: name a file, a colon and the model in it, as in model.py:Net"),
        (["model.py:Net"], ExitCode.USAGE, "give the size of its input, batch first, as in --input 1,3,32,32"),
        (["model.py:Net", "--input", "1,a"], ExitCode.USAGE, "--input '1,a': write the sizes of all axes, batch first"),
        (["model.py:Net", "--input", "1,3:int5"], ExitCode.USAGE, "(float16, float32, float64, int32, int64, bool)"),
        (["gone.py:Net", "--input", "1,3"], ExitCode.USAGE, "gone.py: no such file; name a module or notebook"),
        (
            ["model.py:Nte", "--input", "1,3"],
            ExitCode.USAGE,
            "model.py: `Nte` is not there: there is no variable 'Nte'",
        ),
        (
            ["model.py:WIDTH", "--input", "1,3"],
            ExitCode.FAILED,
            "gives something of type int, which is no torch",
        ),
        (
            ["model.py:Unfitting", "--input", "1,3,8,8"],
            ExitCode.FAILED,
            "In head (Linear): (1, 144) arrives, and its weights are (10, 7) and (10,).",
        ),
        (
            ["model.py:Net", "--input", "1,3,8,8", "--layer", "head=int4"],
            ExitCode.USAGE,
            "--layer 'head=int4': write a",
        ),
        (["model.py:Net", "--input", "1,3,8,8", "--layer", "tail=int8"], ExitCode.USAGE, "no layer 'tail'; there are:"),
        (["model.py:Net", "--input", "1,3,8,8", "--board", "stm"], ExitCode.USAGE, "no board 'stm'; "),
    ],
)
def test_what_cannot_be_told_is_said_in_one_sentence(
    model: Path, capsys: Captured, arguments: list[str], status: ExitCode, message: str
) -> None:
    assert run(["cost", *arguments]) == status
    said = capsys.readouterr().err
    assert message in said
    assert "Traceback" not in said


def test_every_option_is_documented() -> None:
    readme = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
    line = readme.partition("| `grade cost ")[2].partition("| `grade draw")[0]
    for option in ("--input", "--precision", "--layer", "--board", "--runtime", "--json", "--html"):
        assert f"`{option}" in line


def test_a_name_from_a_students_file_is_only_text_on_the_page() -> None:
    import torch  # noqa: PLC0415 - slow to import

    evil = type("<script>alert(1)</script>", (torch.nn.Linear,), {})
    cost = analyse(evil(4, 3), [(1, 4)])
    page = cost_page(cost, read_board("stm32h735g-dk"), read_runtime("none"))
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert memory_timeline(cost).limit is None


@pytest.mark.parametrize(
    ("amount", "text"),
    [(0, "0 B"), (1023, "1,023 B"), (1024, "1.0 KiB"), (-2048, "-2.0 KiB"), (3 * 1024**2, "3.0 MiB")],
)
def test_bytes_are_told_in_the_unit_that_suits(amount: int, text: str) -> None:
    assert bytes_text(amount) == text
