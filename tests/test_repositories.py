"""Folders of Git repositories: a commit is read, and nothing that a repository holds is run."""

from __future__ import annotations

import os
import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest
from course_helpers import hand_in

from grader.errors import UsageError
from grader.importers import Intake, Settings, read_hand_ins, repositories, unpacking
from grader.importers.handins import Attempts
from grader.importers.roster import attend, read_roster
from grader.model import Submission

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
DEADLINE = datetime(2025, 11, 12, 8, tzinfo=UTC)


def git(folder: Path, *words: str, time: str = "2025-11-11T10:00:00+0000") -> str:
    who = {"NAME": "A", "EMAIL": "a@example.org", "DATE": time}
    own = {f"GIT_{role}_{key}": value for role in ("AUTHOR", "COMMITTER") for key, value in who.items()}
    environment = {"PATH": os.environ["PATH"], "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1", **own}
    line = ["git", "-c", "init.defaultBranch=main", *words]
    return subprocess.run(line, cwd=folder, env=environment, check=True, capture_output=True, text=True).stdout.strip()


def commit(folder: Path, source: str, time: str) -> str:
    if not (folder / ".git").exists():
        folder.mkdir(parents=True, exist_ok=True)
        git(folder, "init", "-q")
    (folder / "work.py").write_text(source, encoding="utf-8")
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "m", time=time)
    return git(folder, "rev-parse", "HEAD")


@pytest.fixture
def clones(tmp_path: Path) -> Path:
    folder = tmp_path / "sheet-submissions"
    commit(folder / "sheet-anna", "first", "2025-11-11T10:00:00+0000")
    git(folder / "sheet-anna", "tag", "v1")
    commit(folder / "sheet-anna", "late", "2025-11-13T10:00:00+0000")
    commit(folder / "sheet-bela-b", "only late", "2025-11-14T10:00:00+0000")
    return folder


def read(path: Path, attempts: Attempts = "latest", tag: str = "") -> Intake:
    return read_hand_ins(path, Settings("sheet", DEADLINE, attempts, tag), path.parent / "store")


def text(one: Submission) -> str:
    return one.files[0].path.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("attempts", "tag", "anna", "bela"),
    [("latest", "", "late", "only late"), ("in-time", "", "first", "only late"), ("latest", "v1", "first", None)],
)
def test_the_commit_asked_for_is_read(clones: Path, attempts: Attempts, tag: str, anna: str, bela: str | None) -> None:
    (clones / "sheet-anna" / "work.py").write_text("not committed", encoding="utf-8")
    intake = read(clones, attempts, tag)
    first, second = intake.submissions
    assert (intake.format, first.id, second.id, text(first)) == ("github", "anna", "bela-b", anna)
    assert first.received == datetime(2025, 11, 13 if anna == "late" else 11, 10, tzinfo=UTC)
    if bela is None:
        assert second.files == ()
        assert [str(one) for one in intake.problems] == [f"{clones}/sheet-bela-b: has no tag 'v1'"]
    else:
        assert (text(second), intake.problems) == (bela, ())
    people = clones.parent / "roster.csv"
    people.write_text("identifier,github_username\nAnna A,anna\nBela B,Bela-B\nCarl,carl\n", encoding="utf-8")
    attendance = attend(read_roster(people), intake.submissions)
    assert ([one.name for one in attendance.missing], attendance.unexpected) == (["Carl"], ())


def test_nothing_that_a_repository_holds_is_run(clones: Path, tmp_path: Path) -> None:
    folder, witness = clones / "sheet-anna", tmp_path / "ran"
    (folder / ".gitattributes").write_text("* filter=evil diff=evil export-subst\n", encoding="utf-8")
    (folder / "link.py").symlink_to("/etc/hostname")
    commit(folder, "x = 1", "2025-11-11T11:00:00+0000")
    command = f"touch {witness}; cat"
    for key in ("filter.evil.smudge", "filter.evil.clean", "diff.evil.textconv", "core.fsmonitor", "core.pager"):
        git(folder, "config", key, command)
    git(folder, "config", "log.showSignature", "true")
    git(folder, "config", "gpg.program", command)
    git(folder, "config", "alias.ls-tree", f"!{command}")
    for hook in ("post-checkout", "reference-transaction", "post-index-change"):
        path = folder / ".git" / "hooks" / hook
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"#!/bin/sh\ntouch {witness}\n", encoding="utf-8")
        path.chmod(0o755)
    anna = read(clones).submissions[0]
    assert not witness.exists()
    assert {file.name: bool(file.sha256) for file in anna.files} == {"work.py": True, "link.py": False}


def test_a_link_in_a_commit_is_refused(clones: Path) -> None:
    (clones / "sheet-anna" / "link.py").symlink_to("/etc/hostname")
    number = commit(clones / "sheet-anna", "x = 1", "2025-11-11T11:00:00+0000")
    [problem] = read(clones).problems
    assert str(problem) == f"{clones}/sheet-anna at {number[:10]}/link.py: is a symbolic link; it was not unpacked"


def test_what_is_missing_is_not_fetched(clones: Path, tmp_path: Path) -> None:
    folder, witness = clones / "sheet-anna", tmp_path / "ran"
    blob = git(folder, "rev-parse", "HEAD:work.py")
    (folder / ".git" / "objects" / blob[:2] / blob[2:]).unlink()
    for key, value in {
        "remote.origin.url": f"ext::sh -c 'touch {witness}'",
        "remote.origin.promisor": "true",
        "extensions.partialClone": "origin",
        "protocol.ext.allow": "always",
        "core.repositoryFormatVersion": "1",
    }.items():
        git(folder, "config", key, value)
    intake = read(clones)
    assert not witness.exists()
    assert [file.sha256 for file in intake.submissions[0].files] == [""]
    assert "git cannot read what is asked for" in intake.problems[0].message


@pytest.mark.parametrize("kind", ["alternates", "commondir", "file", "link"])
def test_a_repository_that_lies_elsewhere_is_not_read(clones: Path, kind: str) -> None:
    inside = clones / "sheet-anna" / ".git"
    if kind == "alternates":
        (inside / "objects" / "info" / "alternates").write_text("/elsewhere\n", encoding="utf-8")
    elif kind == "commondir":
        (inside / "commondir").write_text("/elsewhere\n", encoding="utf-8")
    else:
        inside.rename(clones.parent / "moved")
        (inside.symlink_to if kind == "link" else inside.write_text)(str(clones.parent / "moved"))
    intake = read(clones)
    [problem] = intake.problems
    assert problem.message == "is a repository that lies partly elsewhere, which is not read; look at it"
    assert [(one.id, one.files[0].sha256 == "") for one in intake.submissions] == [("anna", True), ("bela-b", False)]


def test_damage_and_emptiness_cost_only_themselves(clones: Path) -> None:
    (clones / "sheet-carl").mkdir()
    git(clones / "sheet-carl", "init", "-q")
    hand_in(clones, {"notes.txt": "x"})
    tree = git(clones / "sheet-anna", "rev-parse", "HEAD^{tree}")
    (clones / "sheet-anna" / ".git" / "objects" / tree[:2] / tree[2:]).unlink()
    intake = read(clones)
    assert [str(one).removeprefix(f"{clones}/") for one in intake.problems] == [
        "notes.txt: is no repository and was not graded",
        "sheet-anna: is a damaged repository (git cannot read what is asked for); look at it",
        "sheet-carl: holds no commit",
    ]
    assert [(one.id, len(one.files)) for one in intake.submissions] == [("anna", 1), ("bela-b", 1), ("carl", 0)]
    assert [one.name for one in (clones.parent / "store").iterdir() if one.name.startswith(".")] == []


def test_a_repository_that_git_cannot_follow_is_a_problem(clones: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(repositories._Git, "_ask", lambda _self, word, *_: "x" if word == "rev-parse" else "")
        assert [one.message for one in read(clones).problems] == ["is a damaged repository; look at it"] * 2
    monkeypatch.setattr(repositories, "_TIMEOUT_SECONDS", 0)
    assert {one.message for one in read(clones).problems} == {
        "is a repository that git does not read in 0 s; look at it"
    }


def test_a_commit_that_lists_files_without_end_is_bounded(clones: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unpacking, "MAX_ENTRIES", 50)
    folder = clones / "sheet-anna"
    lines = [f"100644 blob {git(folder, 'rev-parse', 'HEAD:work.py')}\tf{number}" for number in range(10)]
    for _ in range(8):  # a hundred million files
        tree = git_mktree(folder, lines)
        lines = [f"040000 tree {tree}\td{number}" for number in range(10)]
    git(folder, "update-ref", "HEAD", git(folder, "commit-tree", "-m", "m", git_mktree(folder, lines)))
    intake = read(clones)
    assert len(intake.submissions[0].files) == 50
    [problem] = intake.problems
    assert problem.message == "holds more than 50 entries; the rest was not read"


def git_mktree(folder: Path, lines: list[str]) -> str:
    line = ["git", "mktree"]
    text = "\n".join(lines) + "\n"
    return subprocess.run(line, cwd=folder, input=text, check=True, capture_output=True, text=True).stdout.strip()


def test_one_repository_keeps_its_name(tmp_path: Path) -> None:
    commit(tmp_path / "all" / "sheet-anna", "x", "2025-11-11T10:00:00+0000")
    assert [one.id for one in read(tmp_path / "all").submissions] == ["sheet-anna"]


def test_what_repositories_cannot_do_is_said(clones: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match="repositories have no first attempt; use --attempts in-time, or --tag"):
        read(clones, "first")
    with pytest.raises(UsageError, match="repositories have no best attempt; use --attempts in-time, or --tag"):
        read(clones, "best")
    plain = hand_in(clones.parent / "plain", {"anna/work.py": "x"})
    with pytest.raises(UsageError, match="was read as one folder for each submission; --tag is for repositories"):
        read(plain, tag="v1")
    monkeypatch.setenv("PATH", str(clones))
    with pytest.raises(UsageError, match="the program git is not installed; it is needed to read repositories"):
        read(clones)
