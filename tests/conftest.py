"""What every test module may use."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa
from execution_helpers import children
from postgres_helpers import Server, running_server
from threadpoolctl import threadpool_limits

from grader.threads import THREADS, limit_threads

if TYPE_CHECKING:
    from grader.sandbox.namespaces import Namespaces

pytest_plugins = ["pytester"]

# For all tests, the workers of pytest-xdist and the commands that tests start. NumPy is here already.
limit_threads()
threadpool_limits(THREADS)


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Namespaces]:
    """The rung ``ns``, whose warm process all tests of a module share. Nothing of it is left afterwards."""
    from grader.sandbox.namespaces import Namespaces  # noqa: PLC0415 - it cannot be imported elsewhere than on Linux

    with Namespaces() as opened:
        yield opened
    assert children() == []


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """A private server of PostgreSQL that all tests of a module share."""
    with running_server() as found:
        yield found


@pytest.fixture(params=["sqlite", "postgresql"])
def gradebook(request: pytest.FixtureRequest, tmp_path: Path) -> Path | sa.URL:
    """Where a new gradebook of each kind is to be."""
    if request.param == "sqlite":
        return tmp_path / "deep" / "grade.sqlite"
    found: Server = request.getfixturevalue("server")
    return found.new_database()
