"""Container engines: which one to use, and its command lines. Nothing here starts anything.

The environment variables ``GRADE_CONTAINER_IMAGE`` (needed), ``GRADE_CONTAINER_ENGINE`` (``podman``, ``docker`` or
``apptainer``; otherwise the first of them that is installed) and ``GRADE_CONTAINER_RUNTIME`` (such as ``runsc``, which
is gVisor) choose.
"""

from __future__ import annotations

import os
import shutil
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from grader.errors import SandboxError
from grader.model import Limits
from grader.sandbox.leftovers import is_gone, owner
from grader.sandbox.selfcheck import environment_variables
from grader.sandbox.zygotes import NOBODY, job_limits

ENGINES = ("podman", "docker", "apptainer")
#: By which leftovers of a grader that was killed are found.
LABEL = "grade.job"
_INSIDE = "/grade/inside"
_PREFIX = "grade-"
_TMP = Path("/tmp")  # noqa: S108 - the job's own
_MAX_OPEN = 1024
#: Podman ends a container whose grader is gone: this much later than the job's own limit.
_SPARE_SECONDS = 600
#: The job's folders are made inside, because /tmp is new memory each time.
#: A shell ends with 126 or 127 when it cannot start a program, and so does this.
_ENTER = 'mkdir -p -m 700 work home/run tmp && cd work || exit 126; exec python3 -P -s "$@"'
#: A client of Docker may pass its proxies on, with passwords in them.
_PROXIES = tuple(
    name for word in ("http", "https", "ftp", "no", "all") for name in (f"{word}_proxy", f"{word}_PROXY".upper())
)
_STATE = "{{.State.Status}} {{.State.OOMKilled}}"


@dataclass(frozen=True, slots=True)
class Engine:
    """A container engine: the path of its ``program``, the ``image`` to run, and the ``runtime``, if not its own."""

    kind: str
    program: str
    image: str
    runtime: str = ""

    @property
    def has_names(self) -> bool:
        """Whether containers can be asked about and removed by name; Apptainer's are ordinary processes."""
        return self.kind != "apptainer"

    def run(self, name: str, limits: Limits) -> list[str]:
        """Return the command that runs one job in a new container, with the protocol on stdin and stdout."""
        program = ["/bin/sh", "-c", _ENTER, "sh", f"{_INSIDE}/start.py", "contained"]
        if not self.has_names:
            return [self.program, "--silent", "exec", *self._apptainer(limits), self.image, *program]
        options = self._options(limits)
        return [*self._command("run"), "--name", name, *options, "--entrypoint", program[0], self.image, *program[1:]]

    def kill(self, name: str, signal: str = "KILL") -> list[str]:
        """Return the command that sends a signal to a container's first process."""
        return [*self._command("kill"), "--signal", signal, name]

    def remove(self, names: list[str]) -> list[str]:
        """Return the command that ends and removes containers."""
        at_once = ("--time", "0") if self.kind == "podman" else ()
        return [*self._command("rm"), "--force", "--volumes", *at_once, *names]

    def state(self, name: str) -> list[str]:
        """Return the command that prints a container's state, and whether its memory ran out."""
        return [*self._command("container"), "inspect", "--format", _STATE, name]

    def leftovers(self) -> list[str]:
        """Return the command that prints the names of all our containers."""
        return [*self._command("ps"), "--all", "--filter", f"label={LABEL}", "--format", "{{.Names}}"]

    def _command(self, verb: str) -> list[str]:
        return [self.program, "--log-level", "error", verb]

    def _options(self, limits: Limits) -> list[str]:
        allowed = job_limits(limits)
        memory, size = f"{allowed['memory_bytes']}b", allowed["disk_bytes"]
        return [
            *("--interactive", "--label", LABEL, "--pull", "never", "--log-driver", "none"),
            *("--network", "none", "--ipc", "private", "--hostname", "sandbox"),
            *("--user", f"{NOBODY[0]}:{NOBODY[1]}", "--cap-drop", "ALL", "--security-opt", "no-new-privileges"),
            *("--memory", memory, "--memory-swap", memory, "--pids-limit", str(allowed["processes"])),
            *("--ulimit", f"nofile={_MAX_OPEN}:{_MAX_OPEN}", "--ulimit", "core=0:0"),
            *(
                "--read-only",
                "--tmpfs",
                f"{_TMP}:rw,exec,nosuid,nodev,mode=1777,size={size}",
                "--shm-size",
                str(size),
            ),
            *("--volume", f"{_inside()}:{_INSIDE}:ro", "--workdir", str(_TMP)),
            *(part for pair in _variables().items() for part in ("--env", "=".join(pair))),
            *(("--runtime", self.runtime) if self.runtime else ()),
            *(("--timeout", str(int(limits.timeout_seconds) + _SPARE_SECONDS)) if self.kind == "podman" else ()),
        ]

    def _apptainer(self, limits: Limits) -> list[str]:
        allowed = job_limits(limits)
        memory = str(allowed["memory_bytes"])
        return [
            *("--containall", "--cleanenv", "--net", "--network", "none", "--hostname", "sandbox"),
            *("--no-privs", "--drop-caps", "all"),
            *("--memory", memory, "--memory-swap", memory, "--pids-limit", str(allowed["processes"])),
            *("--bind", f"{_inside()}:{_INSIDE}:ro", "--pwd", str(_TMP)),
            *(part for pair in _variables().items() for part in ("--env", "=".join(pair))),
        ]


def _inside() -> Path:
    return (Path(__file__).parent / "inside").resolve()


def _variables() -> dict[str, str]:
    """Return the variables of the job. Where programs and libraries are is the image's to say."""
    wanted = environment_variables(_TMP)
    for name in ("PATH", "PYTHONPATH"):
        wanted.pop(name, None)
    return wanted | dict.fromkeys(_PROXIES, "")


def find_engine(variables: Mapping[str, str] = os.environ) -> Engine:
    """Return the engine and the image to use. Raises SandboxError where one of them is not there."""
    wanted = variables.get("GRADE_CONTAINER_ENGINE", "")
    if wanted and wanted not in ENGINES:
        raise SandboxError(f"GRADE_CONTAINER_ENGINE is {wanted!r}; there are: {', '.join(ENGINES)}")
    search = variables.get("PATH", os.defpath)
    found = {kind: program for kind in ENGINES if (program := shutil.which(kind, path=search))}
    kind = wanted or next(iter(found), "")
    if kind not in found:
        raise SandboxError(f"no {kind or 'Podman, Docker or Apptainer'} is installed")
    image = variables.get("GRADE_CONTAINER_IMAGE", "")
    if not image:
        raise SandboxError(
            f"{kind} is installed, and GRADE_CONTAINER_IMAGE names no image; it has to have Python 3.11 or later and "
            "the course's libraries"
        )
    return Engine(kind, found[kind], image, variables.get("GRADE_CONTAINER_RUNTIME", ""))


def new_name() -> str:
    """Return a name for a container of this process. Raises OSError where the system does not tell which it is."""
    return f"{_PREFIX}{owner()}-{uuid.uuid4().hex[:12]}"


def is_left_behind(name: str) -> bool:
    """Return whether a container of this name is one of a grader that has ended."""
    return name.startswith(_PREFIX) and is_gone(name.removeprefix(_PREFIX).rpartition("-")[0])
