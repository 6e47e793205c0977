"""Tracing: what is looked at, what cannot be, and what is said of a network that does not run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from grader.cost import CostError, analyse, read_network
from grader.cost.counting import has_bias
from grader.probing import probing


class Small(nn.Module):
    """A module whose ``forward`` is given."""

    def __init__(self, forward: Callable[[Any, torch.Tensor], Any]) -> None:
        super().__init__()
        self.line = nn.Linear(4, 3)
        self._forward = forward

    def forward(self, x: torch.Tensor) -> Any:
        return self._forward(self, x)


class Unfitting(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 32, 3)
        self.fc1 = nn.Linear(4732, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.fc1(F.relu(self.conv1(x)).flatten(1))  # type: ignore[no-any-return]


def test_a_network_that_does_not_run_names_the_layer_and_both_shapes() -> None:
    with pytest.raises(CostError) as caught:
        analyse(Unfitting, [(1, 3, 32, 32)])
    said = str(caught.value)
    assert "the model does not run (line " in said
    assert "In fc1 (Linear): (1, 28800) arrives, and its weights are (10, 4732) and (10,)." in said
    assert caught.value.analysable


def test_an_input_of_the_wrong_rank_is_named() -> None:
    with pytest.raises(CostError, match=r"In conv1 \(Conv2d\): \(1, 3072\) arrives, and its weights are"):
        analyse(Unfitting, [(1, 3072)])


@pytest.mark.parametrize(
    "forward",
    [
        lambda self, x: self.line(x) if x.sum() > 0 else x,
        lambda self, x: self.line(x) * x.max().item(),
        lambda self, x: self.line(torch.from_numpy(x.numpy())),
        lambda self, x: self.line(x)[x[:, :3] > 0],
        lambda self, x: self.line(x[: int(x[0, 0])]),
    ],
    ids=["if", "item", "numpy", "mask", "slice"],
)
def test_what_depends_on_numbers_is_not_analysable(forward: Callable[[Any, Any], Any]) -> None:
    with pytest.raises(CostError, match="is not analysable: what it computes depends on the numbers") as caught:
        analyse(lambda: Small(forward), [(1, 4)])
    assert not caught.value.analysable
    assert "(line " in str(caught.value)


def test_a_constructor_that_looks_at_numbers_is_built_with_weights() -> None:
    class Rates(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.rates = [rate.item() for rate in torch.linspace(0, 0.5, 3)]
            self.line = nn.Linear(4, 3)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return F.dropout(self.line(x), self.rates[2], self.training)

    assert analyse(Rates, [(1, 4)]).parameters == 15


def test_lazy_layers_are_counted_once_they_know_their_sizes() -> None:
    module = nn.Sequential(nn.LazyConv2d(8, 3), nn.Flatten(), nn.LazyLinear(10))
    cost = analyse(module, [(1, 3, 6, 6)])
    assert (cost.parameters, cost.macs) == (8 * 28 + 10 * (8 * 16 + 1), 8 * 16 * 27 + 10 * 8 * 16)


def test_what_cannot_be_built_says_so() -> None:
    def broken() -> nn.Module:
        raise ValueError("no such width")

    with pytest.raises(CostError, match=r"cannot be built \(line \d+, in broken\): ValueError: no such width"):
        analyse(broken, [(1, 4)])
    with pytest.raises(CostError, match="gives something of type int, which is no torch module and no Keras model"):
        analyse(lambda: 3, [(1, 4)])
    with pytest.raises(CostError, match="cannot be built"):
        analyse(lambda: nn.Linear(10**10, 10**10), [(1, 10**10)])


def test_a_huge_network_takes_no_memory() -> None:
    cost = analyse(lambda: nn.Linear(10**6, 10**6), [(1, 10**6)])  # its weights would take 4 TB
    assert (cost.macs, cost.weight_bytes["float32"]) == (10**12, 4 * (10**12 + 10**6))


def test_a_network_that_never_ends_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probing("tracing"), "MAX_UNITS", 50)

    def loops(self: Any, x: torch.Tensor) -> torch.Tensor:
        while True:
            x = x * 2

    with pytest.raises(CostError, match="is not analysable: it takes more than 50 steps"):
        analyse(lambda: Small(loops), [(1, 4)])


@pytest.mark.filterwarnings("ignore")  # that this way of quantising is going
def test_quantised_layers_are_refused() -> None:
    layers: Any = torch.ao.nn.quantized
    for layer in (layers.Quantize(0.1, 0, torch.quint8), layers.Linear(4, 3)):
        with pytest.raises(CostError, match="is not analysable: it is quantised: hand in the network with floating-"):
            analyse(nn.Sequential(layer), [(1, 4)])


def test_tied_weights_and_shared_layers_count_once_as_parameters_and_each_time_as_macs() -> None:
    class Tied(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.one, self.other = nn.Linear(4, 4, bias=False), nn.Linear(4, 4, bias=False)
            self.other.weight = self.one.weight

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.other(F.relu(self.one(x)))  # type: ignore[no-any-return]

    shared = nn.Linear(4, 4, bias=False)
    for module in (Tied(), nn.Sequential(shared, nn.ReLU(), shared)):
        cost = analyse(module, [(1, 4)])
        assert (cost.parameters, cost.macs, cost.weight_bytes["int8"]) == (16, 32, 16)
        assert [one.parameters for one in cost.layers] == [16, 0, 0]


def test_buffers_are_weights_and_no_parameters() -> None:
    module = nn.BatchNorm1d(6, affine=False)
    cost = analyse(module, [(2, 6)])
    assert (cost.parameters, cost.folded_parameters, cost.weight_bytes["float32"]) == (0, 12, 48)


def test_batch_normalisation_is_folded_only_where_nobody_else_looks() -> None:
    class Peeking(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv, self.norm = nn.Conv2d(3, 5, 1, bias=False), nn.BatchNorm2d(5)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            raw = self.conv(x)
            return self.norm(raw) + raw  # type: ignore[no-any-return]

    plain = nn.Sequential(nn.Conv2d(3, 5, 1, bias=False), nn.BatchNorm2d(5))
    folded, kept = analyse(plain, [(1, 3, 4, 4)]), analyse(Peeking(), [(1, 3, 4, 4)])
    assert (folded.parameters, folded.folded_parameters) == (25, 20)
    assert folded.weight_bytes == {"float32": 80, "float16": 40, "int8": 15 + 4 * 5}
    assert (kept.parameters, kept.folded_parameters) == (25, 35)
    assert kept.weight_bytes["int8"] == 15 + 4 * 20
    assert [one.folded for one in folded.layers] == [False, True]
    activated = nn.Sequential(nn.Conv2d(3, 5, 1), nn.ReLU(), nn.BatchNorm2d(5))
    assert analyse(activated, [(1, 3, 4, 4)]).folded_parameters == 20 + 20


@pytest.mark.parametrize("kind", [nn.ReLU, nn.Hardswish, nn.SiLU, nn.CELU, nn.RReLU])
def test_batch_normalisation_is_not_folded_over_what_works_in_place(kind: Any) -> None:
    after = [
        analyse(nn.Sequential(nn.Conv2d(3, 5, 1), kind(inplace=one), nn.BatchNorm2d(5)), [(1, 3, 4, 4)])
        for one in (False, True)
    ]
    assert [one.folded_parameters for one in after] == [20 + 20, 20 + 20]
    assert [[layer.folded for layer in one.layers] for one in after] == [[False] * 3] * 2


@pytest.mark.parametrize("activation", ["relu", "celu", "log_sigmoid", "soft_shrink", "hard_shrink", "squareplus"])
def test_batch_normalisation_is_not_folded_over_an_activation_of_keras(
    activation: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KERAS_BACKEND", "torch")
    import keras  # noqa: PLC0415 - keras chooses its backend when it is imported

    def build(name: str) -> Any:
        dense = keras.layers.Dense(5, activation=name)
        return keras.Sequential([keras.Input((3,)), dense, keras.layers.BatchNormalization()])

    assert [analyse(build(one), [(1, 3)]).folded_parameters for one in ("linear", activation)] == [20, 20 + 20]


def test_a_layer_of_keras_takes_in_what_normalises_its_own_channels(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KERAS_BACKEND", "torch")
    import keras  # noqa: PLC0415 - keras chooses its backend when it is imported

    def folded(layer: Any, axis: int) -> list[bool]:
        norm = keras.layers.BatchNormalization(axis=axis)
        return [
            one.folded
            for one in analyse(keras.Sequential([keras.Input((4, 4, 4)), layer, norm]), [(1, 4, 4, 4)]).layers
        ]

    layers = keras.layers
    first = {"data_format": "channels_first"}
    for layer in (layers.Conv2D(4, 1), layers.Dense(4), layers.SeparableConv2D(4, 2), layers.DepthwiseConv2D(1)):
        assert folded(layer, -1) == [False, True]
    assert folded(layers.Conv2D(4, 1), 1) == [False, False]
    assert folded(layers.Dense(4), 1) == [False, False]
    assert folded(layers.Conv2D(4, 1, **first), 1) == [False, True]
    assert folded(layers.Conv2D(4, 1, **first), -1) == [False, False]


def test_what_a_layer_of_keras_cuts_off_inside_takes_no_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KERAS_BACKEND", "torch")
    import keras  # noqa: PLC0415 - keras chooses its backend when it is imported

    layer = keras.layers.Conv1DTranspose(3, 2, padding="same")  # of which torch computes one place more
    cost = analyse(keras.Sequential([keras.Input((5, 4)), layer]), [(1, 5, 4)])
    assert [one.elements for one in cost.network.buffers] == [5 * 4, 5 * 3]


def test_softmax_in_keras_is_not_written_over_what_it_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KERAS_BACKEND", "torch")
    import keras  # noqa: PLC0415 - keras chooses its backend when it is imported

    def peak(name: str) -> int:
        model = keras.Sequential([keras.Input((8,)), keras.layers.Activation(name)])
        return analyse(model, [(1, 8)]).activation_bytes.liveness

    assert [peak("relu"), peak("softmax")] == [4 * 8, 4 * 16]


@pytest.mark.parametrize("left", [False, True])
def test_weights_to_the_left_make_rows_and_take_in_no_scale_of_columns(left: bool) -> None:
    class Product(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.matrix, self.norm = nn.Parameter(torch.zeros(4, 4)), nn.BatchNorm1d(4)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            made: torch.Tensor = self.norm(self.matrix @ x if left else x @ self.matrix)
            return made

    assert [one.folded for one in analyse(Product(), [(4, 4)]).layers] == [False, not left]


def test_weights_of_two_layers_that_share_a_convolution_are_not_folded() -> None:
    conv = nn.Conv2d(3, 3, 1)
    module = nn.Sequential(conv, nn.BatchNorm2d(3), conv, nn.BatchNorm2d(3))
    assert analyse(module, [(1, 3, 4, 4)]).folded_parameters == 12 + 24


class Swapped(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.mT


class NormalisedProduct(nn.Module):
    """A product of what comes in, and of no weights."""

    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.norm(x @ x.mT)  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    ("module", "parameters"),
    [
        (nn.Sequential(nn.Linear(6, 4), nn.BatchNorm1d(4)), 28 + 16),  # (N, T, 4): its channels are time steps
        (nn.Sequential(nn.Conv1d(4, 2, 1), nn.Flatten(), nn.BatchNorm1d(12)), 10 + 48),  # each position by itself
        (nn.Sequential(nn.Conv1d(4, 4, 1), nn.BatchNorm1d(4, track_running_stats=False)), 20 + 8),
        (NormalisedProduct(), 16),
        (nn.Sequential(nn.Conv1d(4, 6, 1), Swapped(), nn.BatchNorm1d(6)), 30 + 24),
    ],
    ids=["time", "positions", "batch", "product", "swapped"],
)
def test_only_a_normalisation_of_a_layers_own_channels_is_folded(module: nn.Module, parameters: int) -> None:
    cost = analyse(module, [(2, 4, 6)])
    assert cost.folded_parameters == parameters
    assert cost.weight_bytes["float32"] == 4 * parameters
    assert not any(one.folded for one in cost.layers)


def test_views_of_weights_are_weights_with_numbers_and_without() -> None:
    class Viewing(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.kernel, self.shift = nn.Parameter(torch.ones(5, 4)), nn.Parameter(torch.ones(9))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x @ self.kernel.T + self.shift[:5]

    assert analyse(Viewing(), [(3, 4)]) == analyse(Viewing, [(3, 4)])
    assert [one.size_bytes for one in analyse(Viewing(), [(3, 4)]).schedule.blocks] == [48, 60, 60]


def test_biases_count_where_some_are_added_in_the_product_and_some_after_it() -> None:
    class Attending(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.attention = nn.MultiheadAttention(4, 2, batch_first=True)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.attention(x, x, x)[0]  # type: ignore[no-any-return]

    cost = analyse(Attending(), [(2, 3, 4)])
    assert cost.conventions["with_bias"] - cost.macs == 4 * 2 * 3 * 4  # queries, keys, values, output


def test_a_forward_that_returns_nothing_does_not_run() -> None:
    def forgetful(self: Small, x: torch.Tensor) -> None:
        self.line(x)

    message = r"does not run\. TypeError: it returns something of type NoneType and no tensor; is a `return` missing\?"
    with pytest.raises(CostError, match=message):
        analyse(Small(forgetful), [(1, 4)])


def test_an_input_beyond_what_torch_can_name_is_one_sentence() -> None:
    with pytest.raises(CostError, match=r"failed to unpack the object .* \"Overflow") as caught:
        analyse(nn.Linear(4, 3), [(10**20, 4)])
    assert "frame #" not in str(caught.value)
    with pytest.raises(CostError, match="does not run"):
        analyse(nn.Linear(4, 3), [(2**40, 2**40)])


def test_complex_numbers_take_twice_the_bytes() -> None:
    cost = analyse(nn.Linear(4, 3, dtype=torch.complex64), [(1, 4)])
    assert cost.weight_bytes["float32"] == 8 * 15
    assert "Complex numbers: a MAC of theirs is counted as one, though it takes four of real numbers." in cost.notes


def test_empty_tensors_cost_nothing() -> None:
    cost = analyse(nn.Linear(4, 3), [(0, 4)])
    assert (cost.macs, cost.parameters, cost.activation_bytes.arena) == (0, 15, 0)
    assert "There are tensors without elements, which cost nothing." in cost.notes


def test_what_is_not_used_or_not_counted_is_noted() -> None:
    class Idle(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.used, self.idle = nn.Bilinear(3, 3, 2), nn.Linear(9, 9)
            self.scale = torch.ones(2)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.used(x, x) * self.scale  # type: ignore[no-any-return]

    assert analyse(Idle(), [(1, 3)]).notes == (
        "Not counted, though it multiplies and sums up: _trilinear.",
        "Counted as parameters, but not used in this run: idle.weight, idle.bias.",
        "The model holds 2 numbers that are neither parameters nor buffers; they count as weights.",
    )


def test_a_network_that_writes_into_its_own_buffers_is_noted() -> None:
    class Stateful(nn.Module):
        state: torch.Tensor

        def __init__(self) -> None:
            super().__init__()
            self.register_buffer("state", torch.zeros(1, 3))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            self.state[:] = x
            return F.relu(x)

    note = "It writes into its own weights or buffers as it runs (state): memory does not tell when."
    assert analyse(Stateful(), [(1, 3)]).notes == (note,)


def test_the_model_is_left_as_it_was() -> None:
    module = nn.Sequential(nn.Dropout(), nn.Linear(4, 3)).train()
    before = [one.detach().clone() for one in module.parameters()]
    analyse(module, [(1, 4)])
    assert module.training
    assert module[0].training
    assert all(torch.equal(*pair) for pair in zip(before, module.parameters(), strict=True))
    assert not module[1]._forward_hooks
    assert torch.backends.mha.get_fastpath_enabled()


def test_keras_is_traced_layer_by_layer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KERAS_BACKEND", "torch")
    import keras  # noqa: PLC0415 - keras chooses its backend when it is imported

    def build() -> Any:
        return keras.Sequential(
            [
                keras.Input((12, 10, 3)),
                keras.layers.Conv2D(4, 3, strides=2, padding="same"),
                keras.layers.BatchNormalization(),
                keras.layers.ReLU(),
                keras.layers.DepthwiseConv2D(3),
                keras.layers.Flatten(),
                keras.layers.Dense(5, activation="softmax"),
            ]
        )

    for model in (build, build()):
        cost = analyse(model, [(1, 12, 10, 3)])
        assert [one.kind for one in cost.layers] == [
            "Conv2D", "BatchNormalization", "ReLU", "DepthwiseConv2D", "Flatten", "Dense",
        ]  # fmt: skip
        assert [one.macs for one in cost.layers] == [30 * 4 * 27, 0, 0, 4 * 3 * 4 * 9, 0, 48 * 5]
        assert cost.parameters == 4 * 28 + 8 + 4 * 10 + 5 * 49
        assert cost.folded_parameters == cost.parameters - 8
        assert [one.size_bytes for one in cost.schedule.blocks] == [4 * 360, 4 * 120, 4 * 48, 4 * 5]


def test_a_keras_model_that_does_not_run_is_told_as_one_in_torch_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KERAS_BACKEND", "torch")
    import keras  # noqa: PLC0415 - keras chooses its backend when it is imported

    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3, name="head")])
    with pytest.raises(
        CostError, match=r"In head \(Dense\): \(1, 5\) arrives, and its weights are \(4, 3\) and"
    ) as caught:
        analyse(model, [(1, 5)])
    assert "\x1b" not in str(caught.value)
    assert "Arguments received" not in str(caught.value)
    with pytest.raises(CostError, match=r"does not run.* it takes 1 inputs, and 2 were given"):
        analyse(model, [(1, 4), (1, 4)])


def test_a_recursion_is_placed_in_the_students_code() -> None:
    def again(self: Small, x: torch.Tensor) -> torch.Tensor:
        return self(self.line(x)[:, :1].expand(-1, 4))  # type: ignore[no-any-return]

    with pytest.raises(CostError, match=r"does not run \(line \d+, in (again|forward)\).*RecursionError"):
        analyse(Small(again), [(1, 4)])


def test_a_bias_is_seen_in_the_operation_or_among_the_weights() -> None:
    class Bare(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.kernel, self.bias = nn.Parameter(torch.ones(4, 3)), nn.Parameter(torch.ones(3))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return torch.addmm(self.bias, x, self.kernel)

    for module, expected in ((nn.Linear(4, 3), True), (nn.Linear(4, 3, bias=False), False), (Bare(), True)):
        cost = analyse(module, [(1, 4)])
        assert has_bias(cost.network, cost.network.units[0]) is expected
        assert cost.conventions["with_bias"] == 12 + 3 * expected


@pytest.mark.parametrize(
    "change",
    [
        {"units": 3},
        {"framework": None},
        {"buffers": [{"elements": -1, "dtype": "float32"}]},
        {"buffers": [{"elements": 10**30, "dtype": "float32"}]},
        {"inputs": [{"buffer": 7, "shape": [1]}]},
        {"units": [{"kind": "f", "name": "", "given": [], "made": [], "weights": [5], "operations": []}]},
        {
            "units": [
                {"kind": "f", "name": "", "given": [], "made": [], "weights": [], "operations": [], "overwrites": [9]}
            ]
        },
        {"changed": [9]},
        {"units": [{"kind": "f", "name": "", "given": [], "made": [], "weights": [], "operations": [{"op": "magic"}]}]},
        {
            "units": [
                {
                    "kind": "f", "name": "", "given": [], "made": [], "weights": [],
                    "operations": [{"op": "matrices", "left": [], "right": [], "bias": False}],
                }
            ]
        },
    ],
)  # fmt: skip
def test_a_forged_trace_is_refused(change: dict[str, Any]) -> None:
    plain = probing("tracing").trace_instance(nn.Linear(4, 3), [{"shape": [1, 4], "dtype": "float32"}])
    assert read_network(plain).macs == 12
    with pytest.raises(ValueError, match=r"no trace|is no|is impossible|magic"):
        read_network(plain | change)
