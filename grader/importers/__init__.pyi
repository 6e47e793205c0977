from .folders import read_one
from .formats import FORMATS, read_folder, read_hand_ins
from .handins import Intake, Settings, readable

__all__ = [
    "FORMATS",
    "Intake",
    "Settings",
    "read_folder",
    "read_hand_ins",
    "read_one",
    "readable",
]
