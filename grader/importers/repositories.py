"""Clones of GitHub Classroom: ``{assignment}-submissions/{assignment}-{login}/``, or any folder of Git repositories.

What counts is a commit, never what lies beside it. Git only ever reads: there is no checkout, so no hook, filter or
link of a repository comes into play, and nothing is fetched. A commit's time is what its author's machine said.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from grader.errors import Problem, UsageError
from grader.importers.archives import CHUNK_BYTES, Entry
from grader.importers.handins import Child, Delivery, Found, HandIn, Piece, Settings
from grader.importers.unpacking import store
from grader.model import Origin

_FILES = {"100644", "100755", "100664"}
_KINDS = {"120000": "is a symbolic link", "160000": "is another repository"}
_TIMEOUT_SECONDS = 60
_ENVIRONMENT = {
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_ALLOW_PROTOCOL": "none",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_TERMINAL_PROMPT": "0",
    "LC_ALL": "C",
}


class _RepositoryError(Exception):
    """A repository cannot be read; its text says why."""


def recognise(delivery: Delivery) -> bool:
    """Return whether there are repositories here, and no other folders."""
    folders = [child for child in delivery.children() if child.is_folder]
    return bool(folders) and all((child.path / ".git").exists() for child in folders)


def find(delivery: Delivery, settings: Settings) -> Found:
    """Return a hand-in for each repository. Raises UsageError without Git, and where attempts are asked for."""
    if settings.attempts in {"first", "best"}:
        raise UsageError(
            f"{delivery.source}: repositories have no {settings.attempts} attempt; use --attempts in-time, or --tag"
        )
    problems, hand_ins = [], []
    repositories = [child for child in delivery.children() if child.is_folder]
    prefix = _prefix([child.name for child in repositories], delivery)
    for child in delivery.children():
        where = delivery.shown(child.path)
        if not child.is_folder:
            problems.append(Problem(where, "is no repository and was not graded"))
            continue
        who = child.name.removeprefix(prefix) or child.name
        origin = Origin("github", who, who, (who,), archive=delivery.archive, raw_names=(child.name,))
        try:
            hand_ins.append(_hand_in(child, delivery, settings, origin, problems))
        except _RepositoryError as error:
            problems.append(Problem(where, f"{error}; look at it"))
            hand_ins.append(HandIn(who, (who,), where, (), origin, unread=("repository",)))
    return Found(tuple(hand_ins), tuple(problems))


def _prefix(names: list[str], delivery: Delivery) -> str:
    """Return what stands before the login in every repository's name; an empty text where it is not clear."""
    folder = Path(delivery.source).name.removesuffix(".zip")
    slug = folder.removesuffix("-submissions") + "-"
    if slug != f"{folder}-" and all(name.startswith(slug) for name in names):
        return slug
    common = os.path.commonprefix(names) if len(names) > 1 else ""  # noqa: RUF071 - they are no paths
    return common[: common.rfind("-") + 1]


def _hand_in(child: Child, delivery: Delivery, settings: Settings, origin: Origin, problems: list[Problem]) -> HandIn:
    """Return the hand-in of a repository. Raises _RepositoryError."""
    where = delivery.shown(child.path)
    git = _Git(child.path / ".git")
    commit, received = git.commit(settings)
    if not commit:
        problems.append(Problem(where, f"has no tag {settings.tag!r}" if settings.tag else "holds no commit"))
        return HandIn(origin.id, (origin.id,), where, (), origin)
    # Not the commit alone: a repository may hold anything under another one's number.
    key = hashlib.sha256(f"{child.path.resolve()}\0{commit}".encode("utf-8", "surrogatepass")).hexdigest()
    unpacked = store(f"git-{key[:24]}", delivery.store, lambda: git.entries(commit))
    problems += unpacked.problems(f"{where} at {commit[:10]}")
    unread = tuple(one.name for one in unpacked.refused if one.name and not (unpacked.folder / one.name).exists())
    return HandIn(origin.id, (origin.id,), where, (Piece(unpacked.folder),), origin, received, unread=unread)


class _Git:
    """One repository, only ever read."""

    def __init__(self, folder: Path) -> None:
        """Refuse a repository that is kept, wholly or partly, elsewhere. Raises _RepositoryError."""
        elsewhere = [folder / "commondir", folder / "objects" / "info" / "alternates"]
        links = [folder, folder / "objects", folder / "refs", folder / "HEAD", folder / "packed-refs"]
        if not folder.is_dir() or any(one.exists() for one in elsewhere) or any(one.is_symlink() for one in links):
            raise _RepositoryError("is a repository that lies partly elsewhere, which is not read")
        settings = [f"core.hooksPath={os.devnull}", "core.fsmonitor=false", "safe.directory=*"]
        self._command = ["git", "--no-pager", f"--git-dir={folder.resolve()}"]
        self._command += [word for one in settings for word in ("-c", one)]

    def commit(self, settings: Settings) -> tuple[str, datetime | None]:
        """Return the commit that counts and its time; an empty text where there is none. Raises _RepositoryError."""
        start = f"refs/tags/{settings.tag}" if settings.tag else "HEAD"
        if not self._ask("rev-parse", "--verify", "--quiet", f"{start}^{{commit}}"):
            return "", None
        line = ""
        if settings.attempts == "in-time" and settings.deadline and not settings.tag:
            before = settings.deadline.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
            line = self._ask("rev-list", "--timestamp", "-1", f"--before={before}", start)
        line = line or self._ask("rev-list", "--timestamp", "-1", start)
        seconds, _, commit = line.partition(" ")
        if not commit:
            raise _RepositoryError("is a damaged repository")
        return commit, datetime.fromtimestamp(int(seconds), UTC)

    def entries(self, commit: str) -> Iterator[Entry]:
        """Yield the files of a commit; what is no file is refused. Raises _RepositoryError."""
        try:
            yield from self._entries(commit)
        except ValueError as error:
            raise _RepositoryError(f"is a damaged repository ({error})") from error

    def _entries(self, commit: str) -> Iterator[Entry]:
        rest = b""
        for chunk in self._read("ls-tree", "-r", "-z", "-l", "--full-tree", commit):
            *lines, rest = (rest + chunk).split(b"\0")
            for line in lines:
                about, _, name = line.partition(b"\t")
                mode, _, number, size = about.decode("ascii").split()
                yield Entry(
                    raw=os.fsdecode(name),
                    size_bytes=int(size) if size.isdigit() else 0,
                    read=lambda number=number: self._read("cat-file", "blob", number),  # type: ignore[misc]
                    refusal="" if mode in _FILES else _KINDS.get(mode, "is no file"),
                )

    def _ask(self, *words: str) -> str:
        try:
            done = subprocess.run(
                [*self._command, *words], capture_output=True, env=_environment(), timeout=_TIMEOUT_SECONDS, check=False
            )
        except FileNotFoundError as error:
            raise UsageError("the program git is not installed; it is needed to read repositories") from error
        except subprocess.TimeoutExpired as error:
            raise _RepositoryError(f"is a repository that git does not read in {_TIMEOUT_SECONDS} s") from error
        return done.stdout.decode("ascii", "replace").strip() if done.returncode == 0 else ""

    def _read(self, *words: str) -> Iterator[bytes]:
        """Yield what git says, piece by piece: a tree of a few kilobytes may list files without end."""
        with subprocess.Popen(
            [*self._command, *words], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=_environment()
        ) as process:
            try:
                while process.stdout and (chunk := process.stdout.read(CHUNK_BYTES)):
                    yield chunk
            finally:
                if process.poll() is None and process.stdout and process.stdout.peek(1):  # type: ignore[attr-defined]
                    process.kill()
        if process.returncode:
            raise ValueError("git cannot read what is asked for")


def _environment() -> dict[str, str]:
    return {"PATH": os.environ.get("PATH", os.defpath), **_ENVIRONMENT}
