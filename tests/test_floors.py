"""Imports go downward only: no upward import, no cycle, and nothing of ours inside the sandbox."""

from __future__ import annotations

import ast
import shutil
from collections.abc import Iterable, Iterator
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "grader"
INSIDE = "grader.sandbox.inside"

#: From the bottom. A part may import itself and what stands on lower floors; "" is the façade ``grader`` itself.
FLOORS = (
    {"errors", "threads"},
    {"model", "yamlfile", "parsing", "csvfile", "probing"},
    {"reference", "data", "cost"},
    {""},
    {"course"},
    {"checks"},
    {"rubric", "overrides", "starters", "presenters", "similarity", "late"},
    {"sandbox", "known"},
    {"execution"},
    {"store", "engines"},
    {"pipeline"},
    {"validate", "release"},
    {"importers", "reports", "scaffold", "demo"},
    {"exporters"},
    {"cli", "web", "notebook", "pytest_plugin"},
)
FLOOR = {part: number for number, parts in enumerate(FLOORS) for part in parts}


def modules(package: Path) -> dict[str, Path]:
    """Return the file of every module, by dotted name; a package's is its ``__init__``.

    Where that imports its parts when they are asked for, the stub beside it says which.
    """
    found = {}
    for path in sorted([*package.rglob("*.py"), *package.rglob("*.pyi")]):
        parts = path.relative_to(package.parent).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


@cache  # a fault is planted in one file: all others are read once
def statements(source: str) -> tuple[ast.Import | ast.ImportFrom, ...]:
    return tuple(node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Import | ast.ImportFrom))


def imported(name: str, path: Path, known: Iterable[str]) -> Iterator[tuple[str, int]]:
    """Yield what a module imports of the package, with the line: modules, and façades from outside of them."""
    known = set(known)
    package = name if path.stem == "__init__" else name.rpartition(".")[0]
    for node in statements(path.read_text(encoding="utf-8")):
        if isinstance(node, ast.Import):
            targets = [alias.name for alias in node.names]
        else:
            above = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            inner = [f"{base}.{alias.name}" for alias in node.names]
            targets = [one if one in known else base for one in inner]
        for target in targets:
            if target.split(".")[0] != "grader":
                continue
            parts = target.split(".")
            chain = [".".join(parts[:count]) for count in range(1, len(parts) + 1)]
            # Importing a.b.c runs a and a.b first, unless we are inside of them: then they are running already.
            outside = [one for one in chain[:-1] if not f"{name}.".startswith(f"{one}.")]
            for one in (*outside, target):
                yield one, node.lineno


def graph(package: Path) -> dict[str, dict[str, int]]:
    known = modules(package)
    return {name: dict(imported(name, path, known)) for name, path in known.items()}


def part(name: str) -> str:
    return ([*name.split("."), ""])[1]


def upward(imports: dict[str, dict[str, int]]) -> list[str]:
    """Return the imports that do not go down, and the parts that have no floor."""
    found = [f"{name} stands on no floor; give it one" for name in imports if part(name) not in FLOOR]
    for name, needs in imports.items():
        for need, line in needs.items():
            if part(need) != part(name) and FLOOR.get(part(need), 0) >= FLOOR.get(part(name), 0):
                found.append(f"{name}:{line} imports {need}, which is not on a lower floor")
    return found


def cycle(imports: dict[str, dict[str, int]]) -> list[str]:
    try:
        TopologicalSorter({name: set(needs) for name, needs in imports.items()}).prepare()
    except CycleError as error:
        return [str(name) for name in error.args[1]]
    return []


def inside_out(imports: dict[str, dict[str, int]]) -> list[str]:
    """Return what runs beside student code and imports anything of ours from elsewhere."""
    return [
        f"{name}:{line} imports {need}"
        for name, needs in imports.items()
        for need, line in needs.items()
        if name.startswith(INSIDE) and not f"{need}.".startswith(f"{INSIDE}.")
    ]


def unknown(imports: dict[str, dict[str, int]]) -> list[str]:
    return [f"{name} imports {need}" for name, needs in imports.items() for need in needs if need not in imports]


def test_every_module_is_read() -> None:
    imports = graph(PACKAGE)
    assert {"grader", "grader.errors", "grader.checks.value", f"{INSIDE}.job"} <= set(imports)
    assert {"grader.errors", "grader.reference", "grader.model"} <= set(imports["grader.course.loading"])
    assert unknown(imports) == []


def test_imports_go_downward() -> None:
    assert upward(graph(PACKAGE)) == []


def test_there_is_no_cycle() -> None:
    assert cycle(graph(PACKAGE)) == []


def test_nothing_of_ours_runs_inside_the_sandbox_but_what_is_there() -> None:
    imports = graph(PACKAGE)
    assert inside_out(imports) == []
    assert f"{INSIDE}.frames" in {need for name, needs in imports.items() for need in needs if name.startswith(INSIDE)}


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    return Path(shutil.copytree(PACKAGE, tmp_path / "grader", ignore=shutil.ignore_patterns("__pycache__", "*.html*")))


def plant(package: Path, file: str, code: str) -> dict[str, dict[str, int]]:
    path = package / file
    path.write_text(path.read_text(encoding="utf-8") + code, encoding="utf-8")
    return graph(package)


@pytest.mark.parametrize(
    ("file", "code", "what"),
    [
        ("model/values.py", "\nimport grader.course.types\n", "grader.model.values:%d imports grader.course.types"),
        (
            "checks/value.py",
            "\ndef f():\n    from grader.store import Store\n",
            "grader.checks.value:%d imports grader.store",
        ),
        (
            "errors.py",
            "\nif TYPE_CHECKING:\n    from grader.model import Run\n",
            "grader.errors:%d imports grader.model",
        ),
        ("reference/graph.py", "\nfrom grader import given\n", "grader.reference.graph:%d imports grader"),
        ("reference/graph.py", "\nfrom .. import given\n", "grader.reference.graph:%d imports grader"),
        ("engines/local.py", "\nfrom grader.store import Store\n", "grader.engines.local:%d imports grader.store"),
    ],
)
def test_an_upward_import_is_found(copy: Path, file: str, code: str, what: str) -> None:
    imports = plant(copy, file, code)
    line = len((copy / file).read_text(encoding="utf-8").splitlines())
    assert f"{what % line}, which is not on a lower floor" in upward(imports)


def test_a_part_without_floor_is_found(copy: Path) -> None:
    (copy / "attic.py").write_text("", encoding="utf-8")
    assert upward(graph(copy)) == ["grader.attic stands on no floor; give it one"]


@pytest.mark.parametrize(
    ("file", "code", "both"),
    [
        (
            "model/values.py",
            "\nfrom grader.model.results import Run\n",
            {"grader.model.values", "grader.model.results"},
        ),
        ("checks/answers.py", "\nfrom grader.checks import KINDS\n", {"grader.checks.answers", "grader.checks"}),
        ("checks/answers.py", "\nfrom . import value\n", {"grader.checks.answers", "grader.checks.value"}),
    ],
)
def test_a_cycle_is_found(copy: Path, file: str, code: str, both: set[str]) -> None:
    found = cycle(plant(copy, file, code))
    assert both <= set(found)
    assert found[0] == found[-1]


@pytest.mark.parametrize(
    "code", ["\nimport grader.errors\n", "\nfrom ..base import Answer\n", "\nfrom grader import given\n"]
)
def test_an_import_out_of_the_sandbox_is_found(copy: Path, code: str) -> None:
    assert len(inside_out(plant(copy, "sandbox/inside/job.py", code))) == 1
