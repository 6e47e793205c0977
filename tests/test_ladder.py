"""The ladder of rungs: what is promised, what is refused and why, and what a probe that fails once means."""

from __future__ import annotations

import re
import sys
import threading
from collections.abc import Iterator
from functools import partial
from types import SimpleNamespace
from typing import ClassVar, NoReturn

import pytest

from grader.errors import SandboxError, UsageError
from grader.model import Limits
from grader.sandbox import (
    Opening,
    SelfCheck,
    available_rungs,
    is_official,
    make_sandbox,
    rung_names,
    rungs,
    strongest_rung,
)
from grader.sandbox.probe import why_no_job
from grader.sandbox.selfcheck import LocalProcess

NAMES = ("ns+cgroup", "ns", "fresh", "container", "landlock", "selfcheck")


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, list[str]]]:
    """What a rung's module answers to probes, one after the other; then, and where nothing is set, that it works."""
    said: dict[str, list[str]] = {}

    def module(name: str) -> SimpleNamespace:
        replies = said.setdefault(name.rpartition(".")[2], [])
        return SimpleNamespace(why_not=lambda: replies.pop(0) if replies else "")

    rungs._why_not.cache_clear()
    monkeypatch.setattr(rungs, "import_module", module)
    monkeypatch.setattr(sys, "platform", "linux")
    yield said
    rungs._why_not.cache_clear()


def test_every_rung_says_what_it_promises(answers: dict[str, list[str]]) -> None:
    found = available_rungs()
    assert tuple(rung.name for rung in found) == rung_names() == NAMES
    assert all(rung.available for rung in found)
    assert [rung.reason for rung in found] == [step.promises for step in rungs._LADDER.values()]
    assert answers.keys() == {step.module for step in rungs._LADDER.values()}


def test_a_rung_that_cannot_be_used_says_why_and_what_it_needs(answers: dict[str, list[str]]) -> None:
    answers["fresh"] = ["bwrap is not installed.", "bwrap is not installed."]
    fresh = next(rung for rung in available_rungs() if rung.name == "fresh")
    assert not fresh.available
    assert fresh.reason.startswith("bwrap is not installed. It needs Linux and bubblewrap 0.7")
    with pytest.raises(UsageError, match=re.escape("isolation 'fresh' cannot be used: bwrap is not installed. It ")):
        make_sandbox("fresh")


def test_a_probe_that_fails_once_is_tried_again_and_then_remembered(answers: dict[str, list[str]]) -> None:
    answers["namespaces"] = ["busy"]
    answers["landlock"] = ["no", "still no", "never asked"]
    found = {rung.name: rung for rung in available_rungs()}
    assert (found["ns"].available, found["landlock"].available) == (True, False)
    assert found["landlock"].reason.startswith("still no. It needs Linux 6.12 or later")
    assert available_rungs() == tuple(found.values())
    assert answers["landlock"] == ["never asked"]


def test_the_strongest_that_can_be_used_is_taken(answers: dict[str, list[str]]) -> None:
    answers |= {name: ["no", "no"] for name in ("cgroups", "namespaces")}
    assert strongest_rung() == "fresh"
    assert "container" not in answers


def test_only_confinement_that_holds_is_official() -> None:
    assert [name for name in NAMES if is_official(name)] == ["ns+cgroup", "ns", "fresh", "container"]


def test_other_systems_are_told_without_a_probe(answers: dict[str, list[str]], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "win32")
    found = {rung.name: rung for rung in available_rungs()}
    assert [name for name, rung in found.items() if rung.available] == ["selfcheck"]
    assert found["landlock"].reason.startswith("not on this system (win32). It needs Linux")
    assert set(answers) == {"selfcheck"}


def test_an_unknown_rung_is_refused() -> None:
    with pytest.raises(UsageError, match=re.escape(f"no isolation 'moat'; there are: {', '.join(NAMES)}")):
        make_sandbox("moat")


class Begun:
    """A sandbox that counts how often it was made and closed."""

    made: ClassVar[list[Begun]] = []

    def __init__(self, name: str, **settings: object) -> None:
        self.name, self.settings, self.closed = name, settings, 0
        self.made.append(self)

    def close(self) -> None:
        self.closed += 1


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Begun]]:
    """The sandboxes made. No control group is delegated; what confines is decided by ``why_none_in``."""
    factories = {step.module: (step.factory, name) for name, step in rungs._LADDER.items()}

    def module(path: str) -> SimpleNamespace:
        factory, name = factories[path.rpartition(".")[2]]
        make = refused if name == "ns+cgroup" else partial(Begun, name)
        return SimpleNamespace(why_not=lambda: "not here" if name.startswith("ns") else "", **{factory: make})

    def refused(**_: object) -> NoReturn:
        raise SandboxError("not delegated")

    rungs._why_not.cache_clear()
    monkeypatch.setattr(rungs, "import_module", module)
    monkeypatch.setattr(sys, "platform", "linux")
    yield Begun.made
    Begun.made.clear()
    rungs._why_not.cache_clear()


def test_a_sandbox_that_is_begun_ahead_is_the_one_that_is_tried_and_used(
    made: list[Begun], monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[object] = []

    def try_(sandbox: object) -> str:
        tried.append(sandbox)
        return ""

    monkeypatch.setattr(rungs, "why_none_in", try_)
    with Opening("once") as opening:
        [begun] = made
        assert (begun.name, begun.settings, tried) == ("ns", {"always": ("numpy",), "ahead": True}, [])
        used: object = opening.sandbox()
        assert used is begun
        assert (tried, begun.closed) == ([begun], 0)
    assert (made, begun.closed) == ([begun], 1)


def test_a_sandbox_that_was_begun_and_confines_nothing_gives_way_to_the_next(
    made: list[Begun], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rungs, "why_none_in", lambda _: "no user namespaces")
    with Opening("again") as opening:
        assert opening.sandbox().name == "fresh"
    assert [(one.name, one.closed) for one in made] == [("ns", 1), ("fresh", 1)]


def test_nothing_is_begun_ahead_for_many_jobs_or_on_other_systems(
    made: list[Begun], monkeypatch: pytest.MonkeyPatch
) -> None:
    with Opening("many"):
        assert made == []
    monkeypatch.setattr(sys, "platform", "win32")
    with Opening("again") as opening:
        assert made == []
        assert opening.sandbox().name == "selfcheck"
    assert [(one.name, one.settings, one.closed) for one in made] == [("selfcheck", {"standby": True}, 1)]


class Failing(SelfCheck):
    """A sandbox that cannot be set up."""

    def launch(self, limits: Limits, cancel: threading.Event | None = None) -> NoReturn:  # noqa: ARG002
        raise SandboxError("setup failed: no room")


class Deaf(SelfCheck):
    """A sandbox that is set up, and then refuses the job."""

    def launch(self, limits: Limits, cancel: threading.Event | None = None) -> LocalProcess:
        box = super().launch(limits, cancel)
        send = box.channel.send
        box.channel.send = lambda op, fields, *rest: send(op, {**fields, "files": [["../x", 0]]}, *rest)  # type: ignore[method-assign]
        return box


def test_a_probe_really_confines_a_job() -> None:
    assert why_no_job(SelfCheck) == ""
    assert why_no_job(Failing) == "setup failed: no room"
    said = why_no_job(Deaf)
    assert said == "setup failed: ValueError: file name '../x' would leave the working folder"
