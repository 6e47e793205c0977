"""The rung ``container``: its command lines, and the protocol through an engine that confines nothing.

With ``GRADE_CONTAINER_IMAGE`` set and an engine installed, ``tests/rungs`` tries the real one.
"""

from __future__ import annotations

import os
import sys
import threading
from contextlib import closing
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from container_helpers import INSIDE, FakeEngine
from execution_helpers import QUICK, children, kinds, module_job, notebook_job, values
from namespace_helpers import outcome

from grader.errors import SandboxError
from grader.execution import CancelledError, execute
from grader.model import Limits, Stop
from grader.sandbox import container, engines
from grader.sandbox.container import Containers
from grader.sandbox.engines import Engine, find_engine, is_left_behind, new_name
from grader.sandbox.inside import contained
from grader.sandbox.leftovers import owner

needs_linux = pytest.mark.skipif(sys.platform != "linux", reason="a container's first process is Linux's")
MIB = 1024**2
SHORT = replace(QUICK, timeout_seconds=1.5)


# --- command lines ------------------------------------------------------------------------------------------


def pairs(command: list[str]) -> list[tuple[str, str]]:
    return list(pairwise(command))


@pytest.mark.parametrize("kind", ["podman", "docker"])
def test_a_container_is_given_nothing(kind: str) -> None:
    command = Engine(kind, f"/usr/bin/{kind}", "course:2").run("grade-x", Limits(memory_bytes=300 * MIB))
    assert command[:4] == [f"/usr/bin/{kind}", "--log-level", "error", "run"]
    wanted = {
        ("--name", "grade-x"),
        ("--network", "none"),
        ("--user", "65534:65534"),
        ("--cap-drop", "ALL"),
        ("--security-opt", "no-new-privileges"),
        ("--memory", f"{300 * MIB}b"),
        ("--memory-swap", f"{300 * MIB}b"),
        ("--pids-limit", "256"),
        ("--pull", "never"),
        ("--shm-size", str(150 * MIB)),
        ("--entrypoint", "/bin/sh"),
        ("--env", "PYTHONHASHSEED=0"),
        ("--env", "http_proxy="),
        ("--env", "HTTPS_PROXY="),
        ("--volume", f"{INSIDE}:/grade/inside:ro"),
        ("--tmpfs", f"/tmp:rw,exec,nosuid,nodev,mode=1777,size={150 * MIB}"),  # noqa: S108 - the container's own
    }
    assert wanted <= set(pairs(command))
    assert "--read-only" in command
    assert command.count("--volume") == 1
    assert not any(value.startswith(("PATH=", "PYTHONPATH=")) for _, value in pairs(command))
    assert command[-6:] == ["course:2", "-c", engines._ENTER, "sh", "/grade/inside/start.py", "contained"]
    assert ("--timeout" in command) == (kind == "podman")
    assert "--runtime" not in command


def test_a_runtime_is_passed_on() -> None:
    command = Engine("docker", "docker", "i", "runsc").run("n", Limits())
    assert ("--runtime", "runsc") in pairs(command)


def test_apptainer_is_given_nothing_either() -> None:
    command = Engine("apptainer", "/usr/bin/apptainer", "course.sif").run("n", Limits(memory_bytes=300 * MIB))
    assert command[:3] == ["/usr/bin/apptainer", "--silent", "exec"]
    assert {"--containall", "--cleanenv", "--net", "--no-privs"} <= set(command)
    assert {("--network", "none"), ("--memory", str(300 * MIB)), ("--pids-limit", "256")} <= set(pairs(command))
    assert command[command.index("course.sif") + 1 :] == [
        "/bin/sh", "-c", engines._ENTER, "sh", "/grade/inside/start.py", "contained",
    ]  # fmt: skip
    assert "n" not in command


def test_containers_are_ended_and_asked_about_by_name() -> None:
    podman, docker = (Engine(kind, kind, "i") for kind in ("podman", "docker"))
    head = ["docker", "--log-level", "error"]
    assert docker.kill("n") == [*head, "kill", "--signal", "KILL", "n"]
    assert docker.kill("n", "INT")[-2:] == ["INT", "n"]
    assert docker.remove(["n", "m"]) == [*head, "rm", "--force", "--volumes", "n", "m"]
    assert podman.remove(["n"])[-3:] == ["--time", "0", "n"]  # otherwise it waits for ten seconds
    assert docker.leftovers() == [*head, "ps", "--all", "--filter", "label=grade.job", "--format", "{{.Names}}"]


# --- which engine -------------------------------------------------------------------------------------------


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    for kind in ("docker", "apptainer"):
        (tmp_path / kind).touch()
        (tmp_path / kind).chmod(0o755)
    return tmp_path


def test_the_first_engine_found_is_used_unless_one_is_named(programs: Path) -> None:
    variables = {"PATH": str(programs), "GRADE_CONTAINER_IMAGE": "course:2"}
    assert find_engine(variables) == Engine("docker", str(programs / "docker"), "course:2")
    variables |= {"GRADE_CONTAINER_ENGINE": "apptainer", "GRADE_CONTAINER_RUNTIME": "runsc"}
    assert find_engine(variables) == Engine("apptainer", str(programs / "apptainer"), "course:2", "runsc")


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({"GRADE_CONTAINER_ENGINE": "lxc"}, "GRADE_CONTAINER_ENGINE is 'lxc'; there are: podman, docker, apptainer"),
        ({"GRADE_CONTAINER_ENGINE": "podman"}, "no podman is installed"),
        ({"PATH": "/nowhere"}, "no Podman, Docker or Apptainer is installed"),
        ({}, "docker is installed, and GRADE_CONTAINER_IMAGE names no image; it has to have Python 3.11 or later"),
    ],
)
def test_why_there_is_no_engine(programs: Path, variables: dict[str, str], words: str) -> None:
    with pytest.raises(SandboxError, match=f"^{words}"):
        find_engine({"PATH": str(programs)} | variables)


def test_a_machine_without_containers_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing() -> Engine:
        raise SandboxError("no docker is installed")

    monkeypatch.setattr(container, "find_engine", missing)
    assert container.why_not() == "no docker is installed"


def test_an_engine_that_cannot_be_started_is_ours() -> None:
    with closing(Containers(Engine("apptainer", "/nowhere/apptainer", "i"))) as sandbox:
        run = execute(module_job("x = 1", "x"), sandbox)
    assert run.stop is Stop.INFRASTRUCTURE
    assert run.detail.startswith("/nowhere/apptainer could not be started: ")


# --- the protocol, through an engine that confines nothing ----------------------------------------------------


@pytest.fixture
def fake(tmp_path: Path) -> FakeEngine:
    return FakeEngine(tmp_path)


@needs_linux
def test_jobs_run_and_their_containers_are_removed(fake: FakeEngine) -> None:
    with closing(Containers(fake.engine)) as sandbox:
        run = execute(module_job("import os\nx = [6 * 7, os.path.basename(os.getcwd())]\nprint('said')", "x"), sandbox)
        assert (outcome(run), run.isolation, values(run)) == (("finished", ""), "container", {"x": [42, "work"]})
        assert run.log == "said\n"
        run = execute(notebook_job("x = 1", "x += 1", names="x"), sandbox)
        assert values(run) == {"x": 2}
    assert fake.verbs == ["ps", "run", "rm", "run", "rm"]
    assert fake.containers == children() == []


@needs_linux
def test_how_a_job_ends_is_told(fake: FakeEngine) -> None:
    with closing(Containers(fake.engine)) as sandbox:
        lost = "what was computed is lost"
        run = execute(module_job("import os\nos._exit(3)"), sandbox)
        assert outcome(run) == ("killed", f"the process ended before its time (exit status 3); {lost}")
        run = execute(module_job("import ctypes\nctypes.string_at(0)"), sandbox)
        assert outcome(run) == ("killed", f"the process ended before its time (signal SIGSEGV); {lost}")
        run = execute(module_job(f"import os\nos._exit({contained.OUT_OF_MEMORY})"), sandbox)
        assert outcome(run) == ("memory", f"the memory limit of 2048 MiB was exceeded; {lost}")
        run = execute(module_job("x = 1\nwhile True: pass", "x", SHORT), sandbox)
        assert (run.stop, values(run)) == (Stop.TIMEOUT, {"x": 1})
        stubborn = "import time\nwhile True:\n    try: time.sleep(9)\n    except BaseException: pass"
        assert kinds(execute(module_job(stubborn, "x", SHORT), sandbox)) == {"x": "not_run"}
    assert fake.containers == children() == []


@needs_linux
def test_a_cancelled_job_ends(fake: FakeEngine) -> None:
    cancel = threading.Event()
    timer = threading.Timer(1.0, cancel.set)
    timer.start()
    with closing(Containers(fake.engine)) as sandbox, pytest.raises(CancelledError):
        execute(
            module_job("while True:\n    try:\n        while True: pass\n    except BaseException: pass"),
            sandbox,
            cancel,
        )
    timer.join()
    assert fake.containers == children() == []


@needs_linux
def test_a_job_that_is_cancelled_before_its_container_is_there(fake: FakeEngine) -> None:
    cancel = threading.Event()
    cancel.set()
    with closing(Containers(fake.engine)) as sandbox, pytest.raises(CancelledError):
        execute(module_job("x = 1"), sandbox, cancel)
    assert fake.containers == children() == []


def test_an_engine_that_refuses_is_ours_and_says_why(tmp_path: Path) -> None:
    fake = FakeEngine(tmp_path, refuses=True)
    with closing(Containers(fake.engine)) as sandbox:
        run = execute(module_job("x = 1", "x"), sandbox)
    words = "setup failed: podman ended with status 125, said: Error: an-image: image not known"
    assert (outcome(run), kinds(run)) == (("infrastructure", words), {"x": "not_run"})


@needs_linux
def test_an_engine_that_ends_without_its_container_is_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(container, "_ASKS", 2)
    fake = FakeEngine(tmp_path, state="running false")
    with closing(Containers(fake.engine)) as sandbox:
        run = execute(module_job("import os\nprint('hello', flush=True)\nos._exit(1)"), sandbox)
    assert outcome(run) == ("infrastructure", "setup failed: podman ended with status 1, said: hello")


@needs_linux
def test_an_engine_that_knows_of_memory_is_believed(tmp_path: Path) -> None:
    fake = FakeEngine(tmp_path, state="exited true")
    with closing(Containers(fake.engine)) as sandbox:
        assert execute(module_job("import os\nos.kill(os.getpid(), 9)"), sandbox).stop is Stop.MEMORY


@needs_linux
def test_an_image_without_python_says_so(fake: FakeEngine, tmp_path: Path) -> None:
    (tmp_path / "bin" / "python3").write_text("#!/bin/sh\necho no Python here >&2\nexit 127\n")
    with closing(Containers(fake.engine)) as sandbox:
        run = execute(module_job("x = 1"), sandbox)
    assert run.stop is Stop.INFRASTRUCTURE
    assert "(exit status 127: no Python here)" in run.detail


def test_only_containers_of_graders_that_have_ended_are_removed(fake: FakeEngine) -> None:
    number, start, space = owner().split("-")
    gone = f"grade-{2**22 + 1:x}-{start}-{space}-0123456789ab"
    elsewhere, mine = f"grade-{number}-{start}-1-0123456789ab", new_name()
    for name in (gone, elsewhere, mine, "grade-book", "postgres"):
        fake.leave(name)
    assert [is_left_behind(name) for name in (gone, elsewhere, mine)] == [True, False, False]
    Containers(fake.engine).close()
    assert fake.containers == sorted([elsewhere, mine, "grade-book", "postgres"])


@needs_linux
def test_what_confines_nothing_is_found_out(fake: FakeEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(container, "find_engine", lambda: fake.engine)
    faults = container.why_not().split("; ")
    if os.geteuid() == 0:
        assert {"it runs as user 0", "it has capabilities", "its root can be written to"} <= set(faults)
    assert container._why_unlimited(Limits(memory_bytes=256 * MIB)) == "its memory is not limited"


# --- the first process ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "ran_out"),
    [
        ("low 0\nmax 7\noom_kill 1\n", True),
        ("low 0\nmax 7\noom_kill 0\noom_group_kill 0\n", False),
        ("oom_kill_disable 0\nunder_oom 0\noom_kill 3\n", True),
        ("words of something else entirely\n", False),
    ],
)
def test_the_first_process_sees_when_memory_ran_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, ran_out: bool
) -> None:
    monkeypatch.setattr(contained, "_EVENTS", (str(tmp_path / "missing"), str(tmp_path / "events")))
    assert not contained._ran_out_of_memory()
    (tmp_path / "events").write_text(text)
    assert contained._ran_out_of_memory() == ran_out
