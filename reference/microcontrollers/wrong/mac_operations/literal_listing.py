# The listing to the letter, said so: everything follows from that reading, and nothing is lost but the label.
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
tool = "STM32Cube.AI"
tool_count = 2 * 362208
tool_unit = "MAC"
