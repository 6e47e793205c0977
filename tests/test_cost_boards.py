"""Boards, runtimes and fit: files with mistakes, and verdicts with the margin and the memory that is short."""

from __future__ import annotations

from pathlib import Path

import pytest

from grader.cost import (
    BARE,
    ActivationBytes,
    Board,
    Runtime,
    all_boards,
    board_names,
    fits,
    read_board,
    read_runtime,
    runtime_names,
)
from grader.cost.boards import Memory, Region
from grader.cost.fit import Fit
from grader.errors import CourseError, UsageError

BOARD = """
title: Mine
core: Arm Cortex-M4
memory:
  internal_flash: {size: 100 KiB}
  internal_ram: {size: 64 KiB, available: 60 KiB}
sources: [a data sheet]
"""


def board(flash: int, ram: int, *, more_flash: int | None = None, more_ram: int | None = None) -> Board:
    def region(size: int | None) -> Region | None:
        return None if size is None else Region(size=size)

    memory = Memory(
        internal_flash=Region(size=flash),
        internal_ram=Region(size=ram),
        external_flash=region(more_flash),
        external_ram=region(more_ram),
    )
    return Board(title="B", core="C", memory=memory, sources=["s"])


def test_the_boards_that_ship_can_be_read_and_name_their_sources() -> None:
    assert len(board_names()) >= 6
    assert "stm32h735g-dk" in board_names()
    for one in all_boards().values():
        assert all(one.sources)
        assert one.memory.internal_ram.usable <= one.memory.internal_ram.size
    for name in runtime_names():
        assert read_runtime(name).code[1] > 0
    assert read_runtime("none") is BARE


def test_the_board_of_the_course() -> None:
    memory = read_board("stm32h735g-dk").memory
    assert (memory.internal_ram.size, memory.internal_ram.usable) == (564 * 1024, 560 * 1024)
    assert memory.internal_flash.usable == 1024 * 1024
    assert memory.external_flash is not None
    assert memory.external_ram is not None
    assert (memory.external_flash.usable, memory.external_ram.usable) == (64 * 1024**2, 16 * 1024**2)


def test_a_board_may_come_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(BOARD, encoding="utf-8")
    assert read_board(str(path)).memory.internal_ram.usable == 60 * 1024


@pytest.mark.parametrize(
    ("old", "new", "line", "message"),
    [
        ("internal_ram", "internal_rom", 6, "memory.internal_rom: unknown key; did you mean `internal_ram`?"),
        ("100 KiB", "100 Kibi", 5, "'100 Kibi' is no size; write a number and one of B, KiB, MiB, GiB, kB, MB, GB"),
        ("60 KiB", "65 KiB", 6, "available: 66560 bytes of 65536 cannot be"),
        ("title: Mine", "titel: Mine", 2, "titel: unknown key; did you mean `title`?"),
        ("[a data sheet]", "[]", 7, "sources: List should have at least 1 item"),
        ("100 KiB", "-3", 5, "should be greater than or equal to 0"),
        ("Mine", "[", 4, "is not YAML"),
    ],
)
def test_a_mistake_in_a_board_is_told_with_its_place(
    tmp_path: Path, old: str, new: str, line: int, message: str
) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(BOARD.replace(old, new), encoding="utf-8")
    with pytest.raises(CourseError) as caught:
        read_board(str(path))
    assert f"{path}:{line}: " in str(caught.value)
    assert message in str(caught.value)


def test_a_runtime_gives_the_smaller_number_first(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("title: R\ncode: [2 KiB, 1 KiB]\nram: [0 B, 1 B]\nsources: [s]\n", encoding="utf-8")
    with pytest.raises(CourseError, match="code: 2048 is more than 1024; write the smaller number first"):
        read_runtime(str(path))


def test_an_unknown_board_or_runtime_is_told_with_the_nearest() -> None:
    with pytest.raises(UsageError, match="no board 'stm32h735'; did you mean 'stm32h735g-dk'"):
        read_board("stm32h735")
    with pytest.raises(UsageError, match="no board 'xyz'; there are: arduino"):
        read_board("xyz")
    with pytest.raises(UsageError, match="no runtime 'tflite'; did you mean 'tflite-micro'"):
        read_runtime("tflite")
    with pytest.raises(UsageError, match=r"gone\.yaml: no such file; give a board's file or one of"):
        read_board("gone.yaml")


PEAK = ActivationBytes(overlap=40, liveness=60, arena=64)


def test_what_fits_says_what_is_left_where_it_is_nearest() -> None:
    found = fits(100, PEAK, board(200, 70), BARE)
    assert found["internal"] == Fit("yes", "internal RAM", 6)
    assert fits(100, PEAK, board(103, 200), BARE)["internal"] == Fit("yes", "internal flash", 3)


def test_what_does_not_fit_says_what_is_missing_at_best() -> None:
    assert fits(100, PEAK, board(90, 70), BARE)["internal"] == Fit("no", "internal flash", -10)
    assert fits(100, PEAK, board(200, 30), BARE)["internal"] == Fit("no", "internal RAM", -10)


def test_it_depends_where_only_a_tight_plan_fits() -> None:
    assert fits(100, PEAK, board(200, 50), BARE)["internal"] == Fit("depends", "internal RAM", -14)
    greedy = Runtime(title="r", code=(10, 150), ram=(0, 2), sources=["s"])
    assert fits(100, PEAK, board(200, 500), greedy)["internal"] == Fit("depends", "internal flash", -50)


def test_external_memory_takes_what_does_not_fit_inside() -> None:
    found = fits(100, PEAK, board(90, 70, more_flash=120, more_ram=1000), BARE)
    assert {name: one.verdict for name, one in found.items()} == {
        "internal": "no", "external_flash": "yes", "external_ram": "no", "external": "yes",
    }  # fmt: skip
    assert found["external_flash"] == Fit("yes", "internal RAM", 6)
    assert fits(100, PEAK, board(90, 30, more_flash=120), BARE)["external"] == Fit("no", "internal RAM", -10)
    assert fits(100, PEAK, board(90, 30, more_flash=120, more_ram=90), BARE)["external"].verdict == "yes"


def test_a_runtime_stays_inside_though_the_weights_lie_outside() -> None:
    runtime = Runtime(title="r", code=(95, 95), ram=(0, 0), sources=["s"])
    found = fits(100, PEAK, board(90, 70, more_flash=10_000), runtime)
    assert found["external_flash"] == Fit("no", "internal flash", -5)
