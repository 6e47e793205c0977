"""Multiply-accumulate operations, parameters and memory of small networks (microcontrollers, MAC operations).

The sheet speaks of "the network described in subsection 9.1", which it does not have. So the network that a student
counted is an answer of its own, and all others are judged by it.
"""

from collections.abc import Callable

from grader import misconception, quantity

# Inputs and outputs of each layer, and how often it is applied to one picture.
_LAYERS = {
    "dense": ((784, 42, 1), (42, 10, 1)),
    "dense on last axis": ((1, 42, 784), (42, 10, 784)),
    "net": ((9, 32, 784), (6272, 10, 1)),
    "net as printed": ((9, 32, 784), (4732, 10, 1)),
}

# How operations are counted, right and wrong: what a product of an (L, M) with an (M, N) matrix is said to take.
_RULES: dict[str, Callable[[int, int, int], int]] = {
    "L*M*N": lambda rows, inner, columns: rows * inner * columns,
    "2*L*M*N": lambda rows, inner, columns: 2 * rows * inner * columns,
    "L*N": lambda rows, _, columns: rows * columns,
    "L*N*(M-1)": lambda rows, inner, columns: rows * columns * (inner - 1),
    "L*M + M*N": lambda rows, inner, columns: rows * inner + inner * columns,
    "L*M^2*N": lambda rows, inner, columns: rows * inner**2 * columns,
}


# A matrix product. The rule is what students go by for the layers, too: whoever has it wrong is charged once.


@quantity
def rule():
    """How the operations of a product of matrices are counted."""
    return "L*M*N"


@misconception("rule", "That counts multiplications and additions as two: a multiply-accumulate is both in one.")
def flops():
    return "2*L*M*N"


@misconception("rule", "That is the number of elements of the result; each of them is a sum of many products.")
def elements_only():
    return "L*N"


@misconception("rule", "That counts the additions between the products. The first product is accumulated, too.")
def additions_only():
    return "L*N*(M-1)"


@misconception("rule", "That is the number of elements that are read, not of operations.")
def operands_only():
    return "L*M + M*N"


@misconception("rule", "The inner dimension counts once: each element of the result is one sum over it.")
def inner_twice():
    return "L*M^2*N"


@quantity
def matmul_macs(rule):
    """MACs of a product of an (L, M) with an (M, N) matrix."""
    return rule


@misconception("matmul_macs", "Seven is Strassen's count for 2-by-2 matrices. Asked is the definition, for any size.")
def strassen():
    return "7"


# Which network


@quantity
def network():
    """Which network was counted."""
    return "dense"


@quantity
def without_flattening():
    """Network of the listing to the letter, whose dense layers act on the last axis."""
    return "dense on last axis"


@quantity
def convolutional():
    """PyTorch network, with the number of inputs that it needs."""
    return "net"


@quantity
def convolutional_as_printed():
    """PyTorch network, with the number of inputs that is printed."""
    return "net as printed"


@quantity
def counted(network):
    """Network that the answers are about; the dense one where no other is named."""
    named = " ".join(network.casefold().split())
    return named if named in _LAYERS else "dense"


@misconception(
    "counted",
    "That is for a network that does not flatten its input, as the listing stands. It counts if `network` says so.",
    shows_in="layer2_macs",  # the first layer takes the same number either way
)
def last_axis_unsaid():
    return "dense on last axis"


@misconception("counted", "That is for the convolutional network. It counts if `network` says so.")
def convolutional_unsaid():
    return "net"


# Operations


@quantity
def pictures():
    """For how many pictures is counted."""
    return 1


@misconception("pictures", "That is for a whole batch of 100 pictures; asked is one.")
def whole_batch():
    return 100


@quantity
def count_per_bias():
    """Count for adding a bias."""
    return 0


@misconception("count_per_bias", "Adding a bias is an addition without a product: it is no MAC.")
def bias_adds_counted():
    return 1


def _macs(layer, rule, count_per_bias):
    inputs, outputs, times = layer
    return _RULES[rule](times, inputs, outputs) + times * outputs * count_per_bias


@quantity
def layer1_macs(counted, rule, count_per_bias, pictures):
    """MACs of the first layer for one picture."""
    return pictures * _macs(_LAYERS[counted][0], rule, count_per_bias)


@misconception("layer1_macs", "A picture has 28 by 28 pixels, and each of them is connected to each neuron.")
def one_row_of_pixels():
    return 28 * 42


@quantity
def layer2_macs(counted, rule, count_per_bias, pictures):
    """MACs of the second layer for one picture."""
    return pictures * _macs(_LAYERS[counted][1], rule, count_per_bias)


@quantity
def total_macs(layer1_macs, layer2_macs):
    """MACs of the network."""
    return layer1_macs + layer2_macs


@misconception("total_macs", "That is the first layer alone.")
def first_layer_only(layer1_macs):
    return layer1_macs


@misconception("total_macs", "Layers run one after the other: their counts are added, and sizes are not multiplied on.")
def sizes_multiplied(counted):
    first, second = _LAYERS[counted]
    return first[0] * first[1] * second[1]


# Parameters


@quantity
def biases_per_neuron():
    """Biases of one neuron, or of one channel."""
    return 1


@misconception("biases_per_neuron", "The biases are missing: each neuron has one.")
def biases_left_out():
    return 0


def _parameters(layer, biases_per_neuron):
    inputs, outputs, _ = layer
    return outputs * (inputs + biases_per_neuron)


@quantity
def layer1_parameters(counted, biases_per_neuron):
    """Parameters of the first layer."""
    return _parameters(_LAYERS[counted][0], biases_per_neuron)


@misconception("layer1_parameters", "There is one bias for each neuron of the layer, not for each of its inputs.")
def one_bias_per_input(counted):
    inputs, outputs, _ = _LAYERS[counted][0]
    return inputs * outputs + inputs


@quantity
def layer2_parameters(counted, biases_per_neuron):
    """Parameters of the second layer."""
    return _parameters(_LAYERS[counted][1], biases_per_neuron)


@misconception("layer2_parameters", "There is one bias for each neuron of the layer, not for each of its inputs.")
def one_bias_per_hidden_neuron(counted):
    inputs, outputs, _ = _LAYERS[counted][1]
    return inputs * outputs + inputs


@quantity
def total_parameters(layer1_parameters, layer2_parameters):
    """Parameters of the network."""
    return layer1_parameters + layer2_parameters


# Memory


@quantity
def unit_bytes():
    """In how many bytes the memory is given."""
    return 1


@misconception("unit_bytes", "Those are kilobytes; asked are bytes.")
def kilobytes():
    return 1000


@misconception("unit_bytes", "Those are kibibytes, of 1024 bytes each; asked are bytes.")
def kibibytes():
    return 1024


def _in_units(count, unit_bytes):
    return count if unit_bytes == 1 else count / unit_bytes


@quantity
def bytes_float32(total_parameters, unit_bytes):
    """Bytes of the parameters as 32-bit floating-point numbers."""
    return _in_units(4 * total_parameters, unit_bytes)


@misconception("bytes_float32", "Those are bits: a byte has eight of them.")
def bits_of_float32(total_parameters):
    return 32 * total_parameters


@misconception("bytes_float32", "That is for 64-bit numbers.")
def bytes_of_float64(total_parameters):
    return 8 * total_parameters


@quantity
def bytes_int8(total_parameters, unit_bytes):
    """Bytes of the parameters as 8-bit integers."""
    return _in_units(total_parameters, unit_bytes)


@misconception("bytes_int8", "Those are bits: a byte has eight of them.")
def bits_of_int8(total_parameters):
    return 8 * total_parameters


# A tool. What several of them say for these networks stands in the rubric.


@quantity
def tool_unit():
    """Kind of operation that the tool counts."""
    return "MAC"


@quantity
def two_for_each_mac():
    """Multiplications and additions, each counted by itself."""
    return "FLOP"


def _per_mac(tool_unit):
    return 2 if "FLOP" in tool_unit.upper() else 1


@quantity
def tool_count(total_macs, tool_unit):
    """Count of a tool that counts nothing but products."""
    return total_macs * _per_mac(tool_unit)


@quantity
def tool_count_with_biases(counted, tool_unit):
    """Count of a tool that counts adding a bias as one."""
    return sum(times * outputs * (inputs * _per_mac(tool_unit) + 1) for inputs, outputs, times in _LAYERS[counted])


@quantity
def tool_count_by_weights(counted, tool_unit, tool_count_with_biases):
    """Count of a tool that takes each weight of a dense layer as used once, as torchinfo does."""
    if not counted.startswith("dense"):
        return tool_count_with_biases
    return _per_mac(tool_unit) * sum(_parameters(layer, 1) for layer in _LAYERS[counted])


@misconception("tool_count", "That is the count for one layer of the network only.")
def tool_count_of_last_layer(layer2_macs, tool_unit):
    return layer2_macs * _per_mac(tool_unit)
