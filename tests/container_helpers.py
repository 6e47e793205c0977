"""A container engine that confines nothing: it takes Podman's and Docker's commands, and runs the job beside itself."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from grader.sandbox.engines import Engine

INSIDE = Path(__file__).parents[1] / "grader" / "sandbox" / "inside"
_PROGRAM = """#!{python}
import json, os, re, signal, sys
from pathlib import Path
state, words = Path({state!r}), sys.argv[3:]
with open(state / "asked", "a") as file:
    file.write(json.dumps(sys.argv[1:]) + chr(10))
behaviour = json.loads((state / "behaviour").read_text())
def is_alive(pid):
    try:
        os.kill(pid, 0)
        return Path(f"/proc/{{pid}}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
def pid_of(name):
    return int((state / "containers" / name).read_text())
if words[0] == "run":
    if behaviour.get("refuses"):
        sys.exit(print("Error: an-image: image not known", file=sys.stderr) or 125)
    (state / "containers" / words[words.index("--name") + 1]).write_text(str(os.getpid()))
    variables = [words[at + 1].partition("=") for at, word in enumerate(words) if word == "--env"]
    inner = [word.replace("/grade/inside", {inside!r}) for word in words[words.index("an-image") + 1:]]
    os.chdir(state / "tmp")
    variables = {{name: re.sub("^/tmp", str(state / "tmp"), value) for name, _, value in variables}}
    os.execve("/bin/sh", ["sh", *inner], variables | {{"PATH": {path!r}}})
elif words[0] == "kill":
    os.kill(pid_of(words[3]), getattr(signal, "SIG" + words[2]))
elif words[0] == "rm":
    for name in words[1:]:
        if (state / "containers" / name).exists():
            if is_alive(pid_of(name)):
                os.kill(pid_of(name), signal.SIGKILL)
            (state / "containers" / name).unlink()
elif words[0] == "container":
    name = words[-1]
    print(behaviour.get("state") or ("running false" if is_alive(pid_of(name)) else "exited false"))
elif words[0] == "ps":
    print(*[path.name for path in (state / "containers").iterdir()], sep=chr(10))
"""


class FakeEngine:
    """The engine, what it was asked, and the containers that it still has."""

    def __init__(self, folder: Path, **behaviour: object) -> None:
        self._folder = folder
        for name in ("bin", "containers", "tmp"):
            (folder / name).mkdir()
        path = f"{folder / 'bin'}:/usr/bin:/bin"
        text = _PROGRAM.format(python=sys.executable, state=str(folder), inside=str(INSIDE), path=path)
        program, python = folder / "bin" / "podman", folder / "bin" / "python3"
        program.write_text(text)
        python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
        for file in (program, python):
            file.chmod(0o755)
        (folder / "behaviour").write_text(json.dumps(behaviour))
        self.engine = Engine("podman", str(program), "an-image")

    @property
    def asked(self) -> list[list[str]]:
        """Every command line, without the program."""
        lines = (self._folder / "asked").read_text().splitlines()
        return [json.loads(line) for line in lines]

    @property
    def verbs(self) -> list[str]:
        """What was asked for, in order."""
        return [words[2] for words in self.asked]

    @property
    def containers(self) -> list[str]:
        """The names of the containers that are there."""
        return sorted(path.name for path in (self._folder / "containers").iterdir())

    def leave(self, name: str) -> None:
        """Pretend that a container of this name was left behind."""
        (self._folder / "containers" / name).write_text("0")
