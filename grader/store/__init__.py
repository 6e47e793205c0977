"""The gradebook: every stage of the work, kept by a hash of all that went into it.

A file of SQLite, or a database of PostgreSQL. Runs (with what was observed), judged results and reports are never
changed once written: what is judged anew is added, and the current mark of a submission is its last report. One process
writes at a time.
"""

from lazy_loader import attach_stub

__getattr__, __dir__, __all__ = attach_stub(__name__, __file__)
