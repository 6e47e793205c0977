"""A network that the task does not list, and layers with one input too many."""

matmul_macs = "L*M*N"
network = "my own"
layer1_macs = 785 * 42
layer2_macs = 43 * 10
total_macs = 785 * 42 + 43 * 10
layer1_parameters = 785 * 42
layer2_parameters = 43 * 11
total_parameters = 785 * 42 + 43 * 11
bytes_float32 = 4 * (785 * 42 + 43 * 11)
bytes_int8 = 785 * 42 + 43 * 11
tool = "STM32Cube.AI"
tool_count = 2 * 33400
tool_unit = "FLOP"
