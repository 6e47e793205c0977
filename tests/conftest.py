"""What every test module may use."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from execution_helpers import children

if TYPE_CHECKING:
    from grader.sandbox.namespaces import Namespaces

pytest_plugins = ["pytester"]


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Namespaces]:
    """The rung ``ns``, whose warm process all tests of a module share. Nothing of it is left afterwards."""
    from grader.sandbox.namespaces import Namespaces  # noqa: PLC0415 - it cannot be imported elsewhere than on Linux

    with Namespaces() as opened:
        yield opened
    assert children() == []
