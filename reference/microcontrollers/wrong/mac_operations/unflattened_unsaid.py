"""362,208 MACs without a word on the reading: charged once, and what follows is judged by that reading."""

matmul_macs = "N*M*L"
network = "dense"
layer1_macs = 32928
layer2_macs = 329280
total_macs = 362208
layer1_parameters = 84
layer2_parameters = 430
total_parameters = 515
bytes_float32 = 2060
bytes_int8 = 515
tool = "thop"
tool_count = 384944
tool_unit = "MACs"
