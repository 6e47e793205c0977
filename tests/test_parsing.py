"""Parsing in several threads, as when hand-ins are prepared while others run."""

from __future__ import annotations

import ast
from concurrent.futures import ThreadPoolExecutor

import pytest

from grader.parsing import syntax_tree


def test_threads_that_parse_at_the_same_time_do_not_disturb_each_other() -> None:
    deep = "x = " + "(" * 60 + "1" + " + 1)" * 60
    sources = [deep, "y = [1, 2, 3]", "def f(a):\n    return a if a else [a, (a, [a])]\n"] * 200
    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(syntax_tree, sources))
    assert [ast.dump(tree) for tree in found] == [ast.dump(ast.parse(source)) for source in sources]


def test_what_is_no_python_is_a_syntax_error() -> None:
    with pytest.raises(SyntaxError):
        syntax_tree("x = (")
    assert isinstance(syntax_tree("await x", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT), ast.Module)
