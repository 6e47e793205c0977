"""The listing to the letter, and said so: everything follows from that reading. The tool's FLOPs are called MACs."""

matmul_macs = "L·M·N"
network = "dense on last axis"
layer1_macs = 32928
layer2_macs = 329280
total_macs = 362208
layer1_parameters = 84
layer2_parameters = 430
total_parameters = 514
bytes_float32 = 2056
bytes_int8 = 514
tool = "torch.utils.flop_counter"
tool_count = 724416
tool_unit = "MAC"
