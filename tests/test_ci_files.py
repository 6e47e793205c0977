"""The files for CI that are handed out: they are YAML of the right form, and every command in them exists."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
import yaml
from course_helpers import ROOT

from grader.cli import grade, run

DOCS = ROOT / "grader" / "docs"
HOOKS = ROOT / ".pre-commit-hooks.yaml"
FILES = sorted((DOCS / "ci").glob("*.yml"))
_CALL = re.compile(r"(?:^|[\s`;&|])grade (?P<rest>[a-z][^`|>;&\n]*)")


def calls(text: str) -> Iterator[list[str]]:
    """Yield the words behind each call of grade."""
    for match in _CALL.finditer(text):
        yield shlex.split(match["rest"])


def texts(data: Any) -> Iterator[str]:
    """Yield every text in parsed YAML."""
    if isinstance(data, str):
        yield data
    elif isinstance(data, dict | list):
        for part in data.values() if isinstance(data, dict) else data:
            yield from texts(part)


def unknown(words: list[str]) -> list[str]:
    """Return which words of a call are no command and no option of it."""
    context = click.Context(grade)
    command: click.Command | None = grade.get_command(context, words[0])
    if isinstance(command, click.Group) and len(words) > 1:
        command = command.get_command(context, words[1])
    if command is None:
        return words[:1]
    options = {option for one in command.params for option in one.opts}
    return [word for word in words[1:] if word.startswith("-") and word not in options]


def blocks() -> list[Any]:
    text = (DOCS / "ci.md").read_text(encoding="utf-8")
    return [yaml.safe_load(block) for block in re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)]


def test_what_is_no_command_is_found() -> None:
    assert list(calls("run: grade check . --format lines | tee x; grade validte --table a")) == [
        ["check", ".", "--format", "lines"],
        ["validte", "--table", "a"],
    ]
    assert (unknown(["validte"]), unknown(["check", ".", "--fromat"]), unknown(["check", "--json", "x"])) == (
        ["validte"],
        ["--fromat"],
        [],
    )


@pytest.mark.parametrize("file", [*FILES, HOOKS, DOCS / "ci.md"], ids=lambda file: file.name)
def test_every_command_exists_with_its_options(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    found = list(calls(text if file.suffix == ".md" else "\n".join(texts(yaml.safe_load(text)))))
    assert found != []
    assert [word for words in found for word in unknown(words)] == []


def test_there_is_a_file_for_each_place_and_the_page_links_it() -> None:
    page = (DOCS / "ci.md").read_text(encoding="utf-8")
    assert [file.name for file in FILES] == [
        "course.github.yml",
        "course.gitlab.yml",
        "student.github.yml",
        "student.gitlab.yml",
    ]
    assert [file.name for file in FILES if f"(ci/{file.name})" not in page] == []


@pytest.mark.parametrize("file", [file for file in FILES if "github" in file.name], ids=lambda file: file.name)
def test_workflows_have_the_form_that_github_reads(file: Path) -> None:
    workflow = yaml.safe_load(file.read_text(encoding="utf-8"))
    assert workflow[True] in (["push"], ["push", "pull_request"])  # YAML 1.1 reads the key `on` as true
    assert workflow["permissions"] == {"contents": "read"}
    for job in workflow["jobs"].values():
        assert {"runs-on", "timeout-minutes", "steps"} <= job.keys()
        assert [step for step in job["steps"] if ("uses" in step) == ("run" in step)] == []


@pytest.mark.parametrize("file", [file for file in FILES if "gitlab" in file.name], ids=lambda file: file.name)
def test_jobs_have_the_form_that_gitlab_reads(file: Path) -> None:
    jobs = yaml.safe_load(file.read_text(encoding="utf-8"))
    del jobs["variables"]
    [job] = jobs.values()
    assert {"image", "script", "artifacts"} <= job.keys()
    assert [line for line in job["script"] if not isinstance(line, str)] == []


def test_hooks_have_the_form_that_pre_commit_reads() -> None:
    hooks = yaml.safe_load(HOOKS.read_text(encoding="utf-8"))
    assert [hook["id"] for hook in hooks] == ["grade-validate", "grade-check"]
    for hook in hooks:
        assert {"id", "name", "entry", "language"} <= hook.keys()
        re.compile(hook["files"])
    used = [hook["id"] for block in blocks() if isinstance(block, dict) for hook in block["repos"][0]["hooks"]]
    assert set(used) <= {hook["id"] for hook in hooks}


@pytest.mark.parametrize(("place", "file"), [("github", ".github/workflows/course.yml"), ("gitlab", ".gitlab-ci.yml")])
def test_a_new_course_brings_it_along_where_asked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], place: str, file: str
) -> None:
    assert run(["new", "course", str(tmp_path / "c"), "--ci", place]) == 0
    assert (tmp_path / "c" / file).read_bytes() == (DOCS / "ci" / f"course.{place}.yml").read_bytes()
    said = capsys.readouterr().out
    assert f"wrote {tmp_path / 'c' / file}" in said
    assert "Write into the workflow where grade is installed from" in said
    assert run(["new", "course", str(tmp_path / "d")]) == 0
    assert [path.name for path in (tmp_path / "d").iterdir() if path.name.startswith(".")] == []
