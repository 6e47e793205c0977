"""``grade draw``."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from grader.errors import UsageError
from grader.presenters import draw


@click.command("draw")
@click.argument("results", type=click.Path(path_type=Path))
@click.option("--word", required=True, help="Any word; the same one gives the same draw. Agree on it beforehand.")
@click.option("--output", type=click.Path(path_type=Path), help="Where to record the draw (default: beside RESULTS).")
def draw_command(results: Path, word: str, output: Path | None) -> None:
    """Draw who presents each exercise, from the RESULTS (results.json) of a batch, and record it.

    Those who declared themselves willing come first; nobody is drawn twice while others are left.
    """
    try:
        content = json.loads(results.read_text(encoding="utf-8"))
        draws = draw(content, word)
    except (ValueError, KeyError, TypeError):
        raise UsageError(f"{results}: is not the results.json that `grade batch` writes; name that file") from None
    target = output or results.parent / "presenters.json"
    record = {
        "assignment": content.get("assignment"),
        "word": word,
        "drawn_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "method": "lowest SHA-256 of word, exercise and id, joined by NUL; nobody twice while others are left",
        "draws": [asdict(one) for one in draws],
    }
    target.write_text(json.dumps(record, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    table = Table("exercise", "presents", "drawn from")
    for one in draws:
        whom = f"{len(one.candidates)} {'willing' if one.declared else 'who handed in'}"
        table.add_row(escape(one.exercise), escape(one.drawn or "nobody handed it in"), whom)
    console = Console()
    console.print(table)
    console.print(f"recorded in {target}", markup=False, highlight=False, soft_wrap=True)
