from .book import Store
from .memory import Keeper, Memory
from .opening import backup, open_store
from .places import place_name
from .records import Authored, AuthoredCheck, Entry, Grading, Judgement
from .servers import read_url
from .tables import LAYOUT

__all__ = [
    "LAYOUT",
    "Authored",
    "AuthoredCheck",
    "Entry",
    "Grading",
    "Judgement",
    "Keeper",
    "Memory",
    "Store",
    "backup",
    "open_store",
    "place_name",
    "read_url",
]
