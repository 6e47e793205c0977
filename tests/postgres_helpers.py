"""A private server of PostgreSQL for the tests that run on both kinds of gradebook.

Where its programs are missing these tests are skipped, or fail if ``GRADE_TEST_POSTGRES=required`` says that they must
not be.
"""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import pytest
import sqlalchemy as sa

from grader.store import read_url

REQUIRED = "GRADE_TEST_POSTGRES"


def programs() -> Path | None:
    """Return the folder of the server's programs, which Debian does not have in the path; None without."""
    found = shutil.which("initdb")
    places = [Path(found).resolve().parent] if found else sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    return next((one for one in reversed(places) if (one / "initdb").is_file()), None)


@dataclass
class Server:
    """A server that listens on a socket in ``folder`` only, and trusts whoever can reach it but ``guarded``."""

    folder: Path
    bin: Path
    user: str | None
    numbers: Iterator[int] = field(default_factory=count)

    def call(self, program: str, *arguments: str) -> None:
        subprocess.run(
            [str(self.bin / program), *arguments],
            user=self.user,
            extra_groups=[] if self.user else None,
            cwd=self.folder,
            env={"PATH": os.environ["PATH"], "LC_ALL": "C"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,  # of the server that starts as well, which would keep a pipe open
            stderr=subprocess.DEVNULL,
            timeout=120,
            check=True,
        )

    def start(self) -> None:
        options = f"-k {self.folder} -c listen_addresses= -c fsync=off -c max_connections=40"
        self.call("pg_ctl", "-D", "data", "-l", "log", "-w", "-o", options, "start")

    def stop(self) -> None:
        self.call("pg_ctl", "-D", "data", "-m", "immediate", "-w", "stop")

    def url(self, database: str, login: str = "grade") -> sa.URL:
        return read_url(f"postgresql://{login}@/{database}?host={self.folder}")

    def execute(self, database: str, statement: str) -> None:
        engine = sa.create_engine(self.url(database), isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
        with engine.connect() as connection:
            connection.exec_driver_sql(statement)

    def new_database(self) -> sa.URL:
        name = f"grades{next(self.numbers)}"
        self.execute("postgres", f"CREATE DATABASE {name}")
        return self.url(name)


@contextmanager
def running_server() -> Iterator[Server]:
    """Yield a server of its own, which is gone afterwards."""
    found = programs()
    if found is None:
        if os.environ.get(REQUIRED) == "required":
            pytest.fail(f"{REQUIRED} asks for PostgreSQL, and its programs are not installed", pytrace=False)
        pytest.skip("PostgreSQL's programs are not installed here; apt-get install postgresql")
    # The server refuses to be run by root. A socket's path must be short.
    user = "nobody" if os.geteuid() == 0 else None
    folder = Path(tempfile.mkdtemp(prefix="gradepg", dir="/tmp"))
    try:
        if user:
            account = pwd.getpwnam(user)
            os.chown(folder, account.pw_uid, account.pw_gid)
        server = Server(folder, found, user)
        server.call("initdb", "-D", "data", "-U", "grade", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
        server.start()
        try:
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
