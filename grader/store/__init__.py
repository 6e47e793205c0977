"""The gradebook: every stage of the work, kept by a hash of all that went into it.

A file of SQLite, or a database of PostgreSQL. Runs (with what was observed), judged results and reports are never
changed once written: what is judged anew is added, and the current mark of a submission is its last report. One process
writes at a time.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from grader.store.memory import Keeper, Memory
from grader.store.records import Authored, AuthoredCheck, Entry, Grading, Judgement

if TYPE_CHECKING:
    from grader.store.book import Store
    from grader.store.opening import backup, open_store
    from grader.store.places import place_name
    from grader.store.servers import read_url
    from grader.store.tables import LAYOUT

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

_LATER = {
    "LAYOUT": "tables",
    "Store": "book",
    "backup": "opening",
    "open_store": "opening",
    "place_name": "places",
    "read_url": "servers",
}


def __getattr__(name: str) -> object:
    """Return what needs SQLAlchemy, which takes long to import: who checks one hand-in keeps nothing."""
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_LATER[name]}"), name)
