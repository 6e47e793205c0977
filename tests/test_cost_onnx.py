"""ONNX files are read as data, and give the same figures as the network in torch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from torch import nn

from grader.cli import run
from grader.cost import CostError, analyse, cost_of
from grader.cost.onnx_file import read_onnx
from grader.errors import ExitCode, UsageError


def weight(name: str, *shape: int) -> Any:
    return numpy_helper.from_array(np.zeros(shape, np.float32), name)


def save(
    path: Path, nodes: list[Any], weights: list[Any], batch: int | str = "n", output: tuple[Any, ...] = ()
) -> Path:
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, [batch, 3, 12, 10])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, list(output) or ["n", 10])
    graph = helper.make_graph(nodes, "net", [x], [y], weights)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), str(path))
    return path


def network(path: Path) -> Path:
    norm = ["scale", "shift", "mean", "variance"]
    nodes = [
        helper.make_node("Conv", ["x", "w1"], ["a"], "conv", strides=[2, 2], pads=[1, 1, 1, 1]),
        helper.make_node("BatchNormalization", ["a", *norm], ["b"], "norm"),
        helper.make_node("Relu", ["b"], ["c"], "relu"),
        helper.make_node("Conv", ["c", "w2", "b2"], ["d"], "depthwise", group=8),
        helper.make_node("MaxPool", ["d"], ["e"], "pool", kernel_shape=[2, 2], strides=[2, 2]),
        helper.make_node("Flatten", ["e"], ["f"], "flatten"),
        helper.make_node("Gemm", ["f", "w3", "b3"], ["g"], "dense", transB=1),
        helper.make_node("Softmax", ["g"], ["y"], "softmax"),
    ]
    weights = [
        weight("w1", 8, 3, 3, 3),
        weight("w2", 8, 1, 3, 3),
        weight("b2", 8),
        weight("w3", 10, 16),
        weight("b3", 10),
    ]
    return save(path, nodes, [*weights, *(weight(one, 8) for one in norm)])


def test_an_onnx_file_costs_what_the_network_in_torch_costs(tmp_path: Path) -> None:
    module = nn.Sequential(
        nn.Conv2d(3, 8, 3, 2, 1, bias=False), nn.BatchNorm2d(8), nn.ReLU(), nn.Conv2d(8, 8, 3, groups=8),
        nn.MaxPool2d(2), nn.Flatten(), nn.Linear(16, 10), nn.Softmax(1),
    )  # fmt: skip
    for precision in ("float32", "int8"):
        ours = cost_of(read_onnx(network(tmp_path / "net.onnx")), precision)
        torchs = analyse(module, [(1, 3, 12, 10)], precision)
        assert (ours.parameters, ours.macs, ours.weight_bytes) == (torchs.parameters, torchs.macs, torchs.weight_bytes)
        assert ours.activation_bytes == torchs.activation_bytes
        assert ours.conventions["flops"] == torchs.conventions["flops"]
        assert ours.conventions["st"] == torchs.conventions["st"]


def test_transposed_convolution_products_and_recurrent_layers_are_counted(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("ConvTranspose", ["x", "w"], ["a"], "up", strides=[2, 2]),
        helper.make_node("ReduceMean", ["a"], ["b"], "mean", axes=[3], keepdims=0),
        helper.make_node("LSTM", ["b", "wi", "wh"], ["h"], "lstm", hidden_size=6),
        helper.make_node("Squeeze", ["h", "axes"], ["s"], "squeeze"),
        helper.make_node("MatMul", ["s", "m"], ["y"], "product"),
    ]
    axes = numpy_helper.from_array(np.array([1], np.int64), "axes")
    weights = [weight("w", 3, 5, 3, 3), weight("wi", 1, 24, 25), weight("wh", 1, 24, 6), weight("m", 6, 4), axes]
    found = read_onnx(save(tmp_path / "net.onnx", nodes, weights, batch=1, output=(1, 5, 4)))
    by_name = {unit.name: unit.macs for unit in found.units}
    assert by_name["up"] == 3 * 12 * 10 * 5 * 9
    assert by_name["lstm"] == 1 * 5 * 24 * (25 + 6)
    assert by_name["product"] == 5 * 6 * 4
    assert found.parameters == 135 + 24 * 31 + 24


def test_open_sizes_are_asked_for(tmp_path: Path) -> None:
    path = network(tmp_path / "net.onnx")
    assert read_onnx(path).inputs[0].shape == (1, 3, 12, 10)
    assert read_onnx(path, [(4, 3, 12, 10)]).macs == 4 * read_onnx(path).macs
    with pytest.raises(UsageError, match=r"input x has 4 axes, and a shape of 2 was given"):
        read_onnx(path, [(1, 3)])
    with pytest.raises(UsageError, match=r"has 1 inputs, and 2 shapes were given"):
        read_onnx(path, [(1, 3), (1, 3)])


def test_what_is_no_network_is_refused(tmp_path: Path) -> None:
    broken = tmp_path / "broken.onnx"
    broken.write_bytes(b"\x80\x04 no protobuf")
    with pytest.raises(CostError, match="is no valid ONNX model"):
        read_onnx(broken)
    with pytest.raises(UsageError, match="no such file"):
        read_onnx(tmp_path / "gone.onnx")
    empty = helper.make_graph(
        [], "then", [], [helper.make_tensor_value_info("t", TensorProto.FLOAT, [1])], [weight("t", 1)]
    )
    nodes = [
        helper.make_node("ReduceMax", ["x"], ["m"], keepdims=0),
        helper.make_node("Cast", ["m"], ["c"], to=TensorProto.BOOL),
        helper.make_node("If", ["c"], ["y"], then_branch=empty, else_branch=empty),
    ]
    with pytest.raises(CostError, match="has a node If, so that what is computed depends on numbers"):
        read_onnx(save(tmp_path / "if.onnx", nodes, [], output=(1,)))


@pytest.mark.parametrize(
    ("kind", "shape", "said"),
    [
        ("Conv", (4, 5, 3, 3), r"In up \(Conv\): \(1, 3, 12, 10\) arrives, and its weights are \(4, 5, 3, 3\)\."),
        ("ConvTranspose", (4, 5, 3, 3), r"In up \(ConvTranspose\): \(1, 3, 12, 10\) arrives"),
    ],
)
def test_a_convolution_of_other_channels_does_not_run(
    tmp_path: Path, kind: str, shape: tuple[int, ...], said: str
) -> None:
    nodes = [helper.make_node(kind, ["x", "w"], ["y"], "up")]
    path = save(tmp_path / "net.onnx", nodes, [weight("w", *shape)], output=("n", "c", "h", "w"))
    with pytest.raises(CostError, match=said):
        read_onnx(path)


def graph(
    path: Path, shape: tuple[int, ...], nodes: list[Any], weights: list[Any], axes: int, kind: int = TensorProto.FLOAT
) -> Any:
    """Return the cost of a graph from x, of that shape, to y, of so many axes."""
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)
    y = helper.make_tensor_value_info("y", kind, [None] * axes)
    found = helper.make_graph(nodes, "net", [x], [y], weights)
    onnx.save(helper.make_model(found, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), str(path))
    return cost_of(read_onnx(path), "int8")


def test_weights_in_nodes_are_weights_and_single_numbers_are_none(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("Constant", [], ["w"], value=weight("w", 4, 5)),
        helper.make_node("MatMul", ["x", "w"], ["a"]),
        helper.make_node("Clip", ["a", "least"], ["b"]),
        helper.make_node("Mul", ["b", "factor"], ["y"]),
    ]
    cost = graph(tmp_path / "net.onnx", (3, 4), nodes, [weight("least"), weight("factor")], 2)
    assert (cost.parameters, cost.macs, cost.weight_bytes["int8"]) == (4 * 5, 3 * 4 * 5, 4 * 5)


def test_the_scales_of_a_resize_are_no_weights(tmp_path: Path) -> None:
    scales = numpy_helper.from_array(np.array([1, 1, 2, 2], np.float32), "scales")
    cost = graph(
        tmp_path / "net.onnx", (1, 2, 3, 3), [helper.make_node("Resize", ["x", "", "scales"], ["y"])], [scales], 4
    )
    assert (cost.parameters, cost.layers[0].output) == (0, ((1, 2, 6, 6),))


@pytest.mark.parametrize(
    ("kind", "shape", "weights", "settings"),
    [
        ("Conv", (1, 2, 4), [(3, 2, 1)], {}),
        ("Gemm", (4, 2), [(2, 3)], {}),
        ("RNN", (4, 1, 2), [(1, 3, 2), (1, 3, 3)], {"hidden_size": 3}),
    ],
)
def test_a_bias_that_is_left_out_is_not_added(
    tmp_path: Path, kind: str, shape: tuple[int, ...], weights: list[tuple[int, ...]], settings: dict[str, Any]
) -> None:
    held = [weight(f"w{index}", *one) for index, one in enumerate(weights)]
    node = helper.make_node(kind, ["x", *(one.name for one in held), ""], ["y"], **settings)
    cost = graph(tmp_path / "net.onnx", shape, [node], held, 4 if kind == "RNN" else len(shape))
    assert cost.conventions["with_bias"] == cost.macs > 0


def test_biases_of_a_recurrent_layer_take_32_bits(tmp_path: Path) -> None:
    held = [weight("w", 1, 12, 2), weight("r", 1, 12, 3), weight("b", 1, 24)]
    node = helper.make_node("LSTM", ["x", "w", "r", "b"], ["y"], hidden_size=3)
    cost = graph(tmp_path / "net.onnx", (4, 1, 2), [node], held, 4)
    assert cost.weight_bytes["int8"] == 12 * 2 + 12 * 3 + 4 * 24
    assert cost.conventions["with_bias"] - cost.macs == 4 * 24


def test_a_matrix_that_meets_a_stack_is_multiplied_with_each(tmp_path: Path) -> None:
    node = helper.make_node("MatMul", ["x", "w"], ["y"])
    assert graph(tmp_path / "net.onnx", (2, 4), [node], [weight("w", 3, 4, 5)], 3).macs == 3 * 2 * 4 * 5
    assert graph(tmp_path / "net.onnx", (2, 4), [node], [weight("w", 4)], 1).macs == 2 * 4


@pytest.mark.parametrize(
    "kind", ["Abs", "Celu", "Elu", "Erf", "Exp", "HardSigmoid", "HardSwish", "Selu", "ThresholdedRelu"]
)
def test_a_function_of_each_element_writes_over_what_it_reads(tmp_path: Path, kind: str) -> None:
    cost = graph(tmp_path / "net.onnx", (2, 8), [helper.make_node(kind, ["x"], ["y"])], [], 2)
    assert cost.activation_bytes.liveness == 16


@pytest.mark.parametrize(("reads", "is_folded"), [(["x", "w"], True), (["w", "x"], False)])
def test_weights_to_the_left_take_in_no_scale_of_columns(tmp_path: Path, reads: list[str], is_folded: bool) -> None:
    norm = ["scale", "shift", "mean", "variance"]
    for kind in ("Gemm", "MatMul"):
        nodes = [helper.make_node(kind, reads, ["a"]), helper.make_node("BatchNormalization", ["a", *norm], ["y"])]
        weights = [weight("w", 4, 4), *(weight(one, 4) for one in norm)]
        assert graph(tmp_path / "net.onnx", (4, 4), nodes, weights, 2).layers[1].folded == is_folded


def test_a_sum_that_is_not_of_weights_takes_in_no_scale(tmp_path: Path) -> None:
    norm = ["scale", "shift", "mean", "variance"]
    nodes = [
        helper.make_node("Relu", ["x"], ["other"]),
        helper.make_node("Gemm", ["x", "w", "other"], ["a"]),
        helper.make_node("BatchNormalization", ["a", *norm], ["y"]),
    ]
    weights = [weight("w", 4, 4), *(weight(one, 4) for one in norm)]
    assert not graph(tmp_path / "net.onnx", (4, 4), nodes, weights, 2).layers[2].folded


def test_a_size_that_numbers_decide_is_not_guessed(tmp_path: Path) -> None:
    node = helper.make_node("NonZero", ["x"], ["y"])
    with pytest.raises(CostError, match=r"net\.onnx: the size of y cannot be told beforehand"):
        graph(tmp_path / "net.onnx", (2, 8), [node], [], 2, TensorProto.INT64)


def test_the_command_reads_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = network(tmp_path / "net.onnx")
    assert run(["cost", str(path), "--board", "stm32h735g-dk"]) == ExitCode.PASSED
    assert "depthwise" in capsys.readouterr().out
