"""Parsing Python's source, in one thread at a time."""

from __future__ import annotations

import ast
import threading
from typing import cast

_PARSING = threading.Lock()


def syntax_tree(source: str | bytes, flags: int = 0) -> ast.Module:
    """Return the syntax tree of ``source``; ``flags`` are those of :func:`compile`.

    Some versions of Python 3.11 fail with a SystemError where two threads parse at the same time
    (https://github.com/python/cpython/issues/106905). Raises SyntaxError, ValueError, RecursionError, MemoryError.
    """
    with _PARSING:
        tree = compile(source, "<source>", "exec", ast.PyCF_ONLY_AST | flags, dont_inherit=True)
    return cast("ast.Module", tree)
