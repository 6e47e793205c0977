"""A network that fits, and nothing else."""

from network import Net, precision, prepare

# --- given ---
wide_channels = [104, 88, 56]
# --- end of given ---
