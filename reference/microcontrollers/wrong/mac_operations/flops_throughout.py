"""Two operations for each MAC, which is charged once; memory in kilobytes, charged once; no tool."""

matmul_macs = "2 L M N"
network = "dense"
layer1_macs = 65856
layer2_macs = 840
total_macs = 66696
layer1_parameters = 32970
layer2_parameters = 430
total_parameters = 33400
bytes_float32 = 133.6
bytes_int8 = 33.4
tool_count = None
tool_unit = "MAC"
