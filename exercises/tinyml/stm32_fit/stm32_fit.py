"""Does it fit? Write your results, your network and your words into this file; task.md says what they mean.

Replace each None by your result: a number, typed in or calculated, or text with a unit, such as "12.34 MMAC".
"""

import torch
from torch import nn

# --- given ---
wide_channels = [104, 88, 56]
# --- end of given ---


# 1. The CNN of sheet 3

cnn_parameters = None
cnn_macs = None
cnn_flash_float32 = None  # bytes
cnn_flash_int8 = None  # bytes
cnn_peak = None  # elements
cnn_ram_float32 = None  # bytes
cnn_ram_int8 = None  # bytes


# 2. The network wide, with your own channels

wide_parameters = None
wide_macs = None
wide_flash_float32 = None  # bytes
wide_flash_int8 = None  # bytes
wide_peak = None  # elements
wide_ram_float32 = None  # bytes
wide_ram_int8 = None  # bytes


# 3. Do they fit? "fits", "flash", "RAM" or "both"

verdicts = {
    "cnn float32, internal flash": None,
    "cnn float32, external flash": None,
    "cnn int8, internal flash": None,
    "cnn int8, external flash": None,
    "wide float32, internal flash": None,
    "wide float32, external flash": None,
    "wide int8, internal flash": None,
    "wide int8, external flash": None,
}
cnn_missing_flash = None  # bytes
wide_missing_ram = None  # bytes
why = ""


# 4. Your network

precision = None  # "float32", "float16" or "int8"


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        # TODO: the layers

    def forward(self, images):
        pass  # TODO


def prepare(images):
    """Return inputs of the network, for images (n, 3, 32, 32) of bytes. Change it if you train with others."""
    return torch.tensor(images, dtype=torch.float32) / 255


# 5. Your own figures

net_parameters = None
net_macs = None
net_ram_bytes = None


def main():
    """Train the network and save its weights."""
    # TODO: train
    # save_file(net.state_dict(), "net.safetensors"), with save_file from safetensors.torch


if __name__ == "__main__":
    main()
