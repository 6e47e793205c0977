"""Does it fit? The calculations; the network of part 4 and 5 is in network.py."""

from network import Net, net_macs, net_parameters, net_ram_bytes, precision, prepare

# --- given ---
wide_channels = [104, 88, 56]
# --- end of given ---

FLASH, RAM = 1024 * 1024, 560 * 1024


def conv(inputs, outputs, side):
    """Return parameters and MACs of a 3 x 3 convolution whose output has maps of side x side pixels."""
    weights = 9 * inputs * outputs
    return weights + outputs, weights * side * side


def linear(inputs, outputs):
    return inputs * outputs + outputs, inputs * outputs


# 1. The CNN of sheet 3: maps of 30, 14 and 12 pixels

layers = [conv(3, 32, 30), conv(32, 64, 14), conv(64, 128, 12), linear(18432, 128), linear(128, 10)]
cnn_parameters = sum(parameters for parameters, _ in layers)
cnn_macs = sum(macs for _, macs in layers)
cnn_flash_float32 = 4 * cnn_parameters
cnn_flash_int8 = cnn_parameters + 3 * (32 + 64 + 128 + 128 + 10)
cnn_peak = 32 * 30 * 30 + 64 * 14 * 14  # while layer 2 runs
cnn_ram_float32 = 4 * cnn_peak
cnn_ram_int8 = f"{cnn_peak} B"


# 2. The network wide: maps of 32 pixels, and of 16 after the pooling

a, b, c = wide_channels
layers = [conv(3, a, 32), conv(a, b, 32), conv(b, c, 16), linear(64 * c, 10)]
wide_parameters = sum(parameters for parameters, _ in layers)
wide_macs = f"{sum(macs for _, macs in layers) / 1e6:.2f} MMAC"
wide_flash_float32 = 4 * wide_parameters
wide_flash_int8 = wide_parameters + 3 * (a + b + c + 10)
wide_peak = (a + b) * 32 * 32
wide_ram_float32 = f"{4 * wide_peak / 1024} KiB"
wide_ram_int8 = wide_peak


# 3. Do they fit?


def verdict(flash, ram):
    short = [name for name, need, there in (("flash", flash, FLASH), ("RAM", ram, RAM)) if need > there]
    return {0: "fits", 1: (short or [""])[0], 2: "both"}[len(short)]


verdicts = {
    "cnn float32, internal flash": verdict(cnn_flash_float32, 4 * cnn_peak),
    "cnn float32, external flash": verdict(0, 4 * cnn_peak),
    "cnn int8, internal flash": verdict(cnn_flash_int8, cnn_peak),
    "cnn int8, external flash": verdict(0, cnn_peak),
    "wide float32, internal flash": verdict(wide_flash_float32, 4 * wide_peak),
    "wide float32, external flash": verdict(0, 4 * wide_peak),
    "wide int8, internal flash": verdict(wide_flash_int8, wide_peak),
    "wide int8, external flash": verdict(0, wide_peak),
}
cnn_missing_flash = cnn_flash_int8 - FLASH
wide_missing_ram = 4 * wide_peak - RAM

why = """
The CNN lacks flash. 96 % of its weights belong to the first linear layer, which reads 18432 numbers; with int8 they are
four times as small, and still twice the flash. I would pool before that layer, or use a stride in the third
convolution. wide lacks RAM at float32, because two maps of 32 by 32 pixels with many channels are there at the same
time. int8 is enough; fewer channels, or pooling before the second convolution, would help as well. External flash does
not help there.
"""
