"""Some of the cases once more by an ordinary user: nothing that a rung promises may rest on having been root."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
USER = 12345
#: What the user's identity may matter to.
_CASES = (
    "runs_a_module or memory or cannot or hidden or outside or network or out_of_reach or left or privileges or limited"
)
#: Makes Python and this project reachable, becomes the user, and is replaced by the command in its arguments.
_BECOME = """
import os, sys
sys.path.insert(0, sys.argv[1])
from grader.sandbox.inside.linux import owner
try:
    owner.open_ways([os.path.realpath(path) for path in (sys.prefix, sys.base_prefix, sys.argv[1])])
except PermissionError:
    sys.exit(77)
owner.become(int(sys.argv[2]), int(sys.argv[2]))
os.execv(sys.argv[3], sys.argv[3:])
"""


@pytest.mark.skipif(sys.platform != "linux" or os.geteuid() != 0, reason="only root can become somebody else")
def test_an_ordinary_user_is_as_safe() -> None:
    with tempfile.TemporaryDirectory(prefix="rungs-user-") as home:
        os.chown(home, USER, USER)
        suite = [sys.executable, "-m", "pytest", "-n", "0", "-q", "-p", "no:cacheprovider", "--tb=short"]
        suite += ["-k", _CASES, str(Path(__file__).with_name("test_rungs.py"))]
        ran = subprocess.run(
            [sys.executable, "-c", _BECOME, str(ROOT), str(USER), *suite],
            cwd=ROOT,
            env={"PATH": os.environ["PATH"], "HOME": home, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"},
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )
    if ran.returncode == 77:
        pytest.skip(
            "this root may make no mount namespace (a container), and Python is out of an ordinary user's reach"
        )
    assert ran.returncode == 0, (ran.stdout + ran.stderr)[-8000:]
    assert " passed" in ran.stdout
