"""The gradebook: every stage of the work, kept by a hash of all that went into it.

A file of SQLite, or a database of PostgreSQL. Runs (with what was observed), judged results and reports are never
changed once written: what is judged anew is added, and the current mark of a submission is its last report. One process
writes at a time.
"""

from grader.store.book import Store
from grader.store.opening import backup, open_store
from grader.store.places import place_name
from grader.store.records import Authored, AuthoredCheck, Entry, Grading, Judgement
from grader.store.servers import read_url
from grader.store.tables import LAYOUT

__all__ = [
    "LAYOUT",
    "Authored",
    "AuthoredCheck",
    "Entry",
    "Grading",
    "Judgement",
    "Store",
    "backup",
    "open_store",
    "place_name",
    "read_url",
]
