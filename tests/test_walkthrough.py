"""What the documentation tells people to type, typed; and what it says they will see, seen."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from grader.sandbox import is_official, strongest_rung

DOCS = Path(__file__).parents[1] / "grader" / "docs"
PAGES = [page for page in sorted(DOCS.glob("*.md")) if "```sh\n" in page.read_text(encoding="utf-8")]
BLOCK = re.compile(r"^```(sh|text)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.mark.skipif(os.name != "posix", reason="the commands are written for a shell of Unix")
@pytest.mark.skipif(not is_official(strongest_rung()), reason="official marks need a rung that this machine lacks")
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_holds_what_it_promises(page: Path, tmp_path: Path) -> None:
    blocks = BLOCK.findall(page.read_text(encoding="utf-8"))
    assert sum(kind == "sh" for kind, _ in blocks) > 1
    output = ""
    for kind, text in blocks:
        if kind == "sh":
            output = typed(text, tmp_path)
        else:
            assert unseen(text, output) == []


def typed(commands: str, folder: Path) -> str:
    """Return what the commands print; those that follow are typed in the same folder."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    environment = {**os.environ, "PATH": path, "COLUMNS": "100", "NO_COLOR": "1"}
    done = subprocess.run(
        [shutil.which("bash") or "bash", "-euo", "pipefail", "-c", commands],
        cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout if done.returncode else "") == (0, "")
    return done.stdout


def unseen(text: str, output: str) -> list[str]:
    """Return the lines of ``text`` that the output lacks, or has in another order; ``…`` stands for anything.

    Where lines of the output were broken does not matter.
    """
    rest, missing = " ".join(output.split()), []
    for line in filter(None, (" ".join(line.split()) for line in text.splitlines())):
        found = re.search(".*?".join(re.escape(part) for part in line.split("…")), rest)
        if found:
            rest = rest[found.end() :]
        else:
            missing.append(line)
    return missing


def test_the_evening_is_among_what_is_typed() -> None:
    assert [page.stem for page in PAGES] == ["evening"]


def test_a_line_that_is_not_printed_is_told() -> None:
    assert unseen("one\n…\nthree 4\n", "one\ntwo\nthree  4\n") == []
    assert unseen("a … c\n", "a b c\n") == []
    assert unseen("two\none\n", "one\ntwo\n") == ["one"]
    assert unseen("four\n", "three\n") == ["four"]
