"""Multiply-accumulate operations, parameters and memory of small networks (microcontrollers, MAC operations)."""

from grader import misconception, quantity

# Inputs and outputs of each layer; how often it is applied; weights that each application uses once.
_LAYERS = {
    "dense": ((784, 42, 1), (42, 10, 1)),
    "dense on last axis": ((1, 42, 784), (42, 10, 784)),
    "net": ((9, 32, 784), (6272, 10, 1)),
    "net as printed": ((9, 32, 784), (4732, 10, 1)),
}


@quantity
def matmul_macs():
    """MACs of a product of matrices, L×M times M×N."""
    return "L*M*N"


@misconception(
    "matmul_macs", "That counts multiplications and additions as two: a multiply-accumulate is both in one."
)
def matmul_flops():
    return "2*L*M*N"


@misconception("matmul_macs", "That is the number of elements of the result; each of them is a sum of many products.")
def elements_only():
    return "L*N"


@misconception("matmul_macs", "That counts the additions between the products. The first product is accumulated, too.")
def additions_only():
    return "L*N*(M-1)"


@misconception("matmul_macs", "That is the number of elements that are read, not of operations.")
def operands_only():
    return "L*M + M*N"


@misconception("matmul_macs", "The inner dimension counts once: each element of the result is one sum over it.")
def inner_twice():
    return "L*M^2*N"


@misconception("matmul_macs", "Seven is Strassen's count for 2 × 2 matrices. Asked is the definition, for any size.")
def strassen():
    return "7"


@quantity
def network():
    """Which network was counted."""
    return "dense"


@misconception("network", "Counted as the listing stands, without flattening: accepted, and judged by that reading.")
def last_axis():
    return "dense on last axis"


@misconception("network", "Counted for the convolutional network: accepted, and judged by that reading.")
def convolutional():
    return "net"


@misconception("network", "Counted for the convolutional network with 4732 inputs: accepted, judged by that reading.")
def convolutional_as_printed():
    return "net as printed"


@quantity
def count_per_weight():
    """What one use of a weight counts."""
    return 1


@misconception("count_per_weight", "You count floating-point operations: a multiply-accumulate is one MAC, not two.")
def flops():
    return 2


@misconception("count_per_weight", "That is for a whole batch of 100 pictures; asked is one.")
def whole_batch():
    return 100


@quantity
def count_per_bias():
    """What adding a bias counts."""
    return 0


@misconception("count_per_bias", "Adding a bias is an addition without a product: it is no MAC.")
def bias_adds_counted():
    return 1


def _macs(layer, count_per_weight, count_per_bias):
    inputs, outputs, times = layer
    return times * outputs * (inputs * count_per_weight + count_per_bias)


@quantity
def layer1_macs(network, count_per_weight, count_per_bias):
    """MACs of the first layer for one picture."""
    return _macs(_LAYERS[network][0], count_per_weight, count_per_bias)


@misconception("layer1_macs", "A picture has 28 × 28 pixels, and each of them is connected to each neuron.")
def one_row_of_pixels():
    return 28 * 42


@quantity
def layer2_macs(network, count_per_weight, count_per_bias):
    """MACs of the second layer for one picture."""
    return _macs(_LAYERS[network][1], count_per_weight, count_per_bias)


@quantity
def total_macs(layer1_macs, layer2_macs):
    """MACs of the network."""
    return layer1_macs + layer2_macs


@misconception("total_macs", "That is the first layer alone.")
def first_layer_only(layer1_macs):
    return layer1_macs


@misconception("total_macs", "Layers run one after the other: their counts are added, and sizes are not multiplied on.")
def sizes_multiplied(network):
    first, second = _LAYERS[network]
    return first[0] * first[1] * second[1]


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
def layer1_parameters(network, biases_per_neuron):
    """Parameters of the first layer."""
    return _parameters(_LAYERS[network][0], biases_per_neuron)


@misconception("layer1_parameters", "There is one bias for each neuron of the layer, not for each of its inputs.")
def one_bias_per_input(network):
    inputs, outputs, _ = _LAYERS[network][0]
    return inputs * outputs + inputs


@quantity
def layer2_parameters(network, biases_per_neuron):
    """Parameters of the second layer."""
    return _parameters(_LAYERS[network][1], biases_per_neuron)


@quantity
def total_parameters(layer1_parameters, layer2_parameters):
    """Parameters of the network."""
    return layer1_parameters + layer2_parameters


@quantity
def bytes_float32(total_parameters):
    """Bytes of the parameters as 32-bit floating-point numbers."""
    return 4 * total_parameters


@misconception("bytes_float32", "Those are bits: a byte has eight of them.")
def bits_of_float32(total_parameters):
    return 32 * total_parameters


@misconception("bytes_float32", "That is for 64-bit numbers.")
def bytes_of_float64(total_parameters):
    return 8 * total_parameters


@quantity
def bytes_int8(total_parameters):
    """Bytes of the parameters as 8-bit integers."""
    return total_parameters


@misconception("bytes_int8", "Those are bits: a byte has eight of them.")
def bits_of_int8(total_parameters):
    return 8 * total_parameters


@quantity
def tool_unit():
    """What the tool counts."""
    return "MAC"


@misconception("tool_unit", "Noted: your tool counts two operations for each MAC.")
def counts_flops():
    return "FLOP"


@quantity
def tool_count(total_macs, tool_unit):
    """What the tool says for the network."""
    return total_macs * {"MAC": 1, "FLOP": 2}[tool_unit]


@misconception("tool_count", "That is the number of parameters that the tool shows, not of operations.")
def parameters_of_tool(total_parameters):
    return total_parameters


@quantity
def tool():
    """Name of the tool."""
    return "torchinfo"
