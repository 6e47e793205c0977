"""A part of the suite once more, by an ordinary user: nothing that is promised may rest on having been root.

Where Python lies below a folder that only root may enter (``/root`` with pyenv), it is shown to the user in a mount
namespace of the test's own; nothing of the machine changes.
"""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from . import table
from .chosen import RUNGS

_ROOT = Path(__file__).parents[2]
_NOBODY = 65534
_RUNGS = [rung for rung in RUNGS if rung != "selfcheck"]
_CASES = (
    "endless loop]", "fork bomb", "every number", "daemon by double fork", "os._exit(0) in", "growing list]", "memfd]",
    "10 GB file]", "endless stdout]", "files by path", "environment", "memory of others", "own memory",
    "outside the work folder", "for the next job", "host's loopback", "abstract socket", "other families",
    "unshare, clone", "mount, pivot", "setuid, cap", "raising rlimits", "frame before", "equal to everything",
    "multiprocessing", "subprocesses", "not_uid_0", "leaves_no_process",
)  # fmt: skip


def _closed(path: Path) -> Path | None:
    """Return the topmost folder above ``path`` that others may not enter, if there is one."""
    for parent in reversed(path.parents):
        if not parent.stat().st_mode & stat.S_IXOTH:
            return parent
    return None


def _shown() -> list[str]:
    """Return shell lines that show Python and its packages to others, in a mount namespace of one's own."""
    needed = {Path(name).resolve() for name in (sys.prefix, sys.base_prefix, str(_ROOT))}
    hidden = {path: closed for path in needed if (closed := _closed(path)) is not None}
    lines = ["set -e", "mount --make-rprivate /"]
    for number, path in enumerate(sorted(hidden)):
        lines += [f"mkdir $STASH/{number}", f"mount --bind '{path}' $STASH/{number}"]
    lines += [f"mount -t tmpfs -o mode=755 none '{closed}'" for closed in sorted(set(hidden.values()))]
    for number, path in enumerate(sorted(hidden)):
        lines += [f"mkdir -p '{path}'", f"mount --bind $STASH/{number} '{path}'", f"umount $STASH/{number}"]
    return lines


@pytest.fixture
def home() -> Iterator[Path]:
    """A folder that belongs to the ordinary user."""
    with tempfile.TemporaryDirectory(prefix="acceptance-user-", ignore_cleanup_errors=True) as name:
        os.chown(name, _NOBODY, _NOBODY)
        yield Path(name)


@pytest.mark.skipif(os.geteuid() != 0, reason="the whole suite runs as an ordinary user already")
@pytest.mark.skipif(shutil.which("setpriv") is None, reason="util-linux's setpriv is not installed")
@pytest.mark.parametrize("rung", _RUNGS)
def test_an_ordinary_user_is_as_safe(rung: str, home: Path) -> None:
    if subprocess.run(["unshare", "--mount", "true"], check=False).returncode:
        pytest.skip("this root may make no mount namespace (a container)")
    user = ["setpriv", f"--reuid={_NOBODY}", f"--regid={_NOBODY}", "--clear-groups", "--inh-caps=-all"]
    here = [str(Path(__file__).with_name(name)) for name in ("test_acceptance.py", "test_operation.py")]
    suite = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-q", "--tb=short", *here]
    ran = subprocess.run(
        ["unshare", "--mount", "sh", "-c", "\n".join([*_shown(), 'exec "$@"']), "sh", *user, *suite],
        cwd=_ROOT,
        env={
            **{key: value for key, value in os.environ.items() if not key.startswith(("PYTEST", "GRADE"))},
            "HOME": str(home),
            "STASH": str(home),
            "PYTHONPATH": str(_ROOT),
            "PYTHONDONTWRITEBYTECODE": "1",
            "GRADE_ACCEPTANCE_COLUMN": "{rung}, ordinary user",
            "GRADE_ACCEPTANCE_RUNGS": rung,
            "GRADE_ACCEPTANCE_CASES": "|".join(_CASES),
            table.VARIABLE: str(home / "table.md"),
        },
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert "passed" in ran.stdout, ran.stdout + ran.stderr
    kept = json.loads((home / "table.md.json").read_text())
    for case_id, row in kept.items():
        for column, outcome in row.items():
            if column.endswith("ordinary user"):
                table.note(case_id, column, outcome)
    assert ran.returncode == 0, ran.stdout[-6000:]
