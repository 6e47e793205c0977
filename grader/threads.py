"""How many threads linear algebra may use, in a job at every rung and where references are computed."""

from __future__ import annotations

import os
from collections.abc import Mapping

#: For BLAS, OpenMP and torch in one process. One: jobs run side by side, a warm process can be forked only without
#: threads, and sums then come out the same each time.
THREADS = 1
#: What tells the libraries so when they are imported.
THREAD_VARIABLES: Mapping[str, str] = {
    f"{library}_NUM_THREADS": str(THREADS)
    for library in ("OMP", "OPENBLAS", "MKL", "NUMEXPR", "VECLIB_MAXIMUM", "BLIS")
}


def limit_threads() -> None:
    """Let libraries that are imported later, and processes that are started, keep to it, unless told otherwise.

    Of several threads each spins while it waits for the others. With small arrays, and where all cores have other work,
    that takes many times the processor time.
    """
    for name, value in THREAD_VARIABLES.items():
        os.environ.setdefault(name, value)
