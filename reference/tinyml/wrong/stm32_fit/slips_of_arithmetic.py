"""Slips of arithmetic in every number and guessed verdicts; the network is right."""

from network import Net, net_macs, net_parameters, net_ram_bytes, precision, prepare

# --- given ---
wide_channels = [104, 88, 56]
# --- end of given ---

cnn_parameters = 2_453_692
cnn_macs = "17.73 MMAC"
cnn_flash_float32 = "9.9876 MB"
cnn_flash_int8 = 2_455_084
cnn_peak = 41_434
cnn_ram_float32 = "156 KB"
cnn_ram_int8 = 43_141

wide_parameters = "168,990"
wide_macs = 99_000_000
wide_flash_float32 = 676_000
wide_flash_int8 = 160_000
wide_peak = 191_808
wide_ram_float32 = "744 KiB"
wide_ram_int8 = 199_999

verdicts = dict.fromkeys(
    [
        "cnn float32, internal flash",
        "cnn float32, external flash",
        "cnn int8, internal flash",
        "cnn int8, external flash",
        "wide float32, internal flash",
        "wide float32, external flash",
        "wide int8, internal flash",
        "wide int8, external flash",
    ],
    "flash",
)
cnn_missing_flash = "2 MB"
wide_missing_ram = 12_345

why = """
Both networks are too large for such a small microcontroller. I would take a larger one, or make the networks smaller
until they fit.
"""
