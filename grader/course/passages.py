"""What the task says about each check: the passage that names it.

A passage is a list item, a table row or a paragraph with the check's id, or else its subject, in backticks, alone or as
in ``softmax(z)`` and ``tau = 0.5``. Of several, one that begins with the name counts before one that mentions it, and
an earlier one before a later one. A check that the task does not name gets the section that is headed as its criterion
is titled, or begins so. A paragraph that ends in a colon brings along what follows it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from textwrap import dedent
from typing import TYPE_CHECKING

from grader.course.types import Exercise
from grader.model import Passage

if TYPE_CHECKING:
    from markdown_it.tree import SyntaxTreeNode

_NAMED = re.compile(r"([A-Za-z_]\w*)(?:\(.*\))?(?:\s*=.*)?")
_NUMBERING = re.compile(r"^\s*(?:[\d.]+|[a-z][.)])\s+|\s*\([^)]*points?\)\s*$|:[^:]*points?\s*$")
#: A name after at most so many characters of text begins its passage: "`TPR` and `FPR` of …".
_BEGINNING = 12
_MOST_CHARS = 1200


@dataclass(frozen=True, slots=True)
class _Piece:
    """A passage, and how many characters of text stand before each name in it."""

    passage: Passage
    names: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class _Section:
    heading: str
    blocks: tuple[SyntaxTreeNode, ...]


@lru_cache(maxsize=256)
def passages(exercise: Exercise) -> Mapping[str, Passage]:
    """Return the passage for each check of ``exercise`` by the check's id; those without one are left out."""
    return find_passages(
        exercise.task.read_text(encoding="utf-8", errors="replace"),
        [
            (check.id, check.options.subject, criterion.title)
            for criterion in exercise.rubric.criteria
            for check in criterion.checks
        ],
    )


def find_passages(task: str, checks: Iterable[tuple[str, str, str]]) -> dict[str, Passage]:
    """Return the passage of the text ``task`` for each of ``checks``: id, subject and the title of its criterion."""
    lines = task.splitlines()
    sections = list(_sections(task))
    pieces = [piece for section in sections for piece in _pieces(section.blocks, section.heading, lines)]
    found = {}
    for check, subject, title in checks:
        passage = _naming(check, pieces) or _naming(subject, pieces) or _headed(title, sections, lines)
        if passage:
            found[check] = passage
    return found


def _sections(task: str) -> Iterator[_Section]:
    # Takes long to import, and who has everything right needs no passage.
    from markdown_it import MarkdownIt  # noqa: PLC0415
    from markdown_it.tree import SyntaxTreeNode  # noqa: PLC0415

    heading = ""
    blocks: list[SyntaxTreeNode] = []
    markdown = MarkdownIt("commonmark", {"html": False}).enable("table")
    for node in SyntaxTreeNode(markdown.parse(task)).children:
        if node.type != "heading":
            blocks.append(node)
            continue
        yield _Section(heading, tuple(blocks))
        heading = " ".join(node.children[0].content.replace("`", "").split())
        blocks = []
    yield _Section(heading, tuple(blocks))


def _pieces(blocks: Sequence[SyntaxTreeNode], heading: str, lines: Sequence[str]) -> Iterator[_Piece]:
    """Yield every passage of some blocks, the innermost list items of nested lists each by itself."""
    for index, node in enumerate(blocks):
        match node.type:
            case "paragraph":
                more = blocks[index + 1 : index + 2] if node.children[0].content.rstrip().endswith(":") else ()
                text = "\n\n".join(_source(one, lines) for one in (node, *more))
                yield _Piece(Passage(heading, _cut(text)), _names(node.children[0]))
            case "list_item":
                own = [one for one in node.children if one.type == "paragraph"]
                names = {name: lead for one in reversed(own) for name, lead in _names(one.children[0]).items()}
                yield _Piece(Passage(heading, _cut(_source(node, lines))), names)
                yield from _pieces([one for one in node.children if one.type != "paragraph"], heading, lines)
            case "bullet_list" | "ordered_list" | "blockquote":
                yield from _pieces(node.children, heading, lines)
            case "table":
                yield from (_Piece(Passage(heading, _cut(text)), names) for text, names in _rows(node))


def _rows(table: SyntaxTreeNode) -> Iterator[tuple[str, dict[str, int]]]:
    """Yield each row as one line, every cell after the heading of its column, with the names in it."""
    head, *body = (row.children for part in table.children for row in part.children)
    titles = [cell.children[0].content for cell in head]
    for cells in body:
        inline = [cell.children[0] for cell in cells]
        filled = [(title, one.content) for title, one in zip(titles, inline, strict=False) if one.content.strip()]
        names: dict[str, int] = {}
        for one in inline:
            names = {**_names(one), **names}
        yield "; ".join(f"{title}: {content}" if title else content for title, content in filled), names


def _names(inline: SyntaxTreeNode) -> dict[str, int]:
    """Return the names in backticks, each with how many characters of text stand before it first."""
    names: dict[str, int] = {}
    lead = 0
    for token in (inline.token.children if inline.token else None) or ():
        if token.type == "code_inline":
            named = _NAMED.fullmatch(token.content)
            if named:
                names.setdefault(named[1], lead)
        else:
            lead += len(token.content)
    return names


def _naming(name: str, pieces: Iterable[_Piece]) -> Passage | None:
    having = [piece for piece in pieces if name in piece.names]
    best = min(having, key=lambda piece: piece.names[name] > _BEGINNING, default=None)
    return best.passage if best else None


def _headed(title: str, sections: Iterable[_Section], lines: Sequence[str]) -> Passage | None:
    wanted = _plain(title)
    filled = [(_plain(section.heading), section) for section in sections if section.blocks]
    equal = [section for heading, section in filled if heading == wanted]
    beginning = [section for heading, section in filled if heading and f"{wanted} ".startswith(f"{heading} ")]
    for section in (equal or beginning)[:1]:
        text = "\n\n".join(_source(block, lines) for block in section.blocks)
        return Passage(section.heading, _cut(text))
    return None


def _plain(heading: str) -> str:
    """Return a heading without its number and points, in lower case."""
    return _NUMBERING.sub("", _NUMBERING.sub("", heading)).replace("`", "").strip().casefold()


def _source(node: SyntaxTreeNode, lines: Sequence[str]) -> str:
    first, end = node.map or (0, 0)
    return dedent("\n".join(lines[first:end])).strip("\n")


def _cut(text: str) -> str:
    """Return ``text``, or its first paragraphs where it is very long."""
    if len(text) <= _MOST_CHARS:
        return text
    end = text.rfind("\n\n", 0, _MOST_CHARS)
    return f"{text[: end if end > 0 else text.rfind(' ', 0, _MOST_CHARS)].rstrip()}\n\n…"
