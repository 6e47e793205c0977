"""What networks cost: published figures, and cases that are worked out by hand."""

from __future__ import annotations

import os
from importlib import import_module
from typing import Any

import pytest
from cost_cases import CASES, Case, keras_cases
from cost_models import BY_TITLE, KERAS, PUBLISHED, Published, cifar_cnn, mobilenet_v1
from torch import nn

from grader.cost import all_boards, analyse, fits, read_board, read_runtime, runtime_names

os.environ.setdefault("KERAS_BACKEND", "torch")

# Keras 3 on NumPy 2 warns of itself.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

MLPERF = [one for one in PUBLISHED if one.statistics]
#: Of torchvision's figures, which are rounded, at most.
TOLERANCE = 0.001


def _title(one: Published | Case) -> str:
    return one.title


@pytest.fixture(scope="module")
def keras() -> Any:
    """Return Keras, with torch below it."""
    return import_module("keras")


@pytest.mark.parametrize("one", PUBLISHED, ids=_title)
def test_published_networks_have_their_published_figures(one: Published) -> None:
    cost = analyse(one.make, [one.shape])
    assert one.trainable == cost.parameters
    assert one.agrees(cost.macs)
    assert abs(cost.macs / one.macs - 1) < TOLERANCE
    assert 2 * cost.macs == cost.conventions["flops"]
    assert cost.macs == sum(layer.macs for layer in cost.layers)
    assert cost.parameters == sum(layer.parameters for layer in cost.layers)


@pytest.mark.parametrize("one", MLPERF, ids=_title)
def test_folding_batch_normalisation_takes_its_four_numbers_a_channel_away(one: Published) -> None:
    cost = analyse(one.make, [one.shape])
    assert one.folded == cost.folded_parameters
    assert 4 * one.folded == cost.weight_bytes["float32"]
    assert 2 * one.folded == cost.weight_bytes["float16"]


@pytest.mark.parametrize(("title", "make", "shape"), KERAS, ids=[title for title, _, _ in KERAS])
def test_keras_and_torch_cost_the_same(keras: Any, title: str, make: Any, shape: tuple[int, ...]) -> None:
    published, cost = BY_TITLE[title], analyse(make, [shape])
    assert published.parameters == make().count_params()
    assert published.trainable == cost.parameters
    assert published.folded == cost.folded_parameters
    assert published.macs == cost.macs


@pytest.mark.parametrize("case", CASES, ids=_title)
def test_a_case_costs_what_was_worked_out_by_hand(case: Case) -> None:
    cost = analyse(case.make, case.inputs)
    assert case.macs == cost.macs
    assert case.parameters == cost.parameters
    assert case.macs + case.additions == cost.conventions["with_bias"]
    assert 2 * case.macs == cost.conventions["flops"]
    assert cost.notes == ()


def test_a_case_in_keras_costs_what_was_worked_out_by_hand(keras: Any) -> None:
    cases = keras_cases()
    found = {case.title: analyse(case.make, case.inputs) for case in cases}
    assert {case.title: case.macs for case in cases} == {title: cost.macs for title, cost in found.items()}
    assert {case.title: case.parameters for case in cases} == {title: one.parameters for title, one in found.items()}


def test_biases_in_keras_are_added_as_often_as_was_worked_out_by_hand(keras: Any) -> None:
    cases = keras_cases()
    costs = {case.title: analyse(case.make, case.inputs) for case in cases}
    found = {title: cost.conventions["with_bias"] - cost.macs for title, cost in costs.items()}
    assert len(cases) >= 10
    assert {case.title: case.additions for case in cases} == found


def test_a_model_and_its_factory_cost_the_same() -> None:
    assert analyse(cifar_cnn, [(1, 3, 32, 32)]) == analyse(cifar_cnn(), [(1, 3, 32, 32)])


def test_the_cnn_of_sheet_3_has_the_bytes_that_its_exercise_is_about() -> None:
    cost = analyse(cifar_cnn, [(1, 3, 32, 32)])
    assert dict(cost.weight_bytes) == {"float32": 9_815_848, "float16": 4_907_924, "int8": 2_455_048}
    assert cost.activation_bytes.liveness == 4 * 41_344  # 64 maps of 14 x 14, and 128 of 12 x 12 and their copies
    assert cost.activation_bytes.arena == 4 * 41_344


@pytest.mark.parametrize("precision", ["float32", "int8"])
def test_the_cnn_of_sheet_3_needs_external_flash_on_the_board_of_the_course(precision: str) -> None:
    cost, board = analyse(cifar_cnn, [(1, 3, 32, 32)], precision=precision), read_board("stm32h735g-dk")
    for name in runtime_names():
        found = fits(cost.weight_bytes[precision], cost.activation_bytes, board, read_runtime(name))
        assert (found["internal"].verdict, found["internal"].limit) == ("no", "internal flash")
        assert found["external_flash"].verdict == "yes"


def test_person_detection_takes_the_memory_that_tensorflow_lite_micro_reports() -> None:
    """Its paper (MLSys 2021, table 2) gives 55.30 kB of nonpersistent memory for the network on grey images."""

    def grey() -> nn.Module:
        model = mobilenet_v1()
        model.get_submodule("0").register_module("0", nn.Conv2d(1, 8, 3, 2, 1))
        return model

    cost = analyse(grey, [(1, 1, 96, 96)], precision="int8")
    assert cost.activation_bytes.arena == 8 * 48 * 48 + 16 * 48 * 48
    assert f"{cost.activation_bytes.arena / 1000:.2f}" == "55.30"


def test_every_board_has_sources_and_room_for_the_smallest_of_networks() -> None:
    network = BY_TITLE["DS-CNN"]
    cost = analyse(network.make, [network.shape], precision="int8")
    boards = all_boards()
    assert len(boards) >= 7
    for name, board in boards.items():
        assert board.sources, name
        found = fits(cost.weight_bytes["int8"], cost.activation_bytes, board, read_runtime("st-edge-ai"))
        assert found["internal"].verdict == "yes", name
