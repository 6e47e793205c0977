"""Finding constructs in a syntax tree: names through their imports, methods, statements, operators, literals."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from grader.parsing import syntax_tree

#: Statements and expressions that a word stands for.
WORDS: Mapping[str, tuple[type[ast.AST], ...]] = {
    "for": (ast.For, ast.AsyncFor),
    "while": (ast.While,),
    "if": (ast.If, ast.IfExp),
    "with": (ast.With, ast.AsyncWith),
    "try": (ast.Try, ast.TryStar),
    "lambda": (ast.Lambda,),
    "comprehension": (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp),
}
OPERATORS: Mapping[str, type[ast.operator]] = {
    "+": ast.Add,
    "-": ast.Sub,
    "*": ast.Mult,
    "/": ast.Div,
    "//": ast.FloorDiv,
    "%": ast.Mod,
    "**": ast.Pow,
    "@": ast.MatMult,
}
_NAME = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*")
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_ALIASES = 3


@dataclass(frozen=True, slots=True)
class Spec:
    """One construct, and how the author wrote it."""

    text: str
    kind: Literal["name", "method", "attribute", "word", "with", "operator", "assignment", "literal"]
    value: str | float


def parse_spec(given: str | float) -> list[Spec]:
    """Return the alternatives that an author wrote. Raises ValueError for what is no construct."""
    if not isinstance(given, str):
        return [Spec(f"{given!r}", "literal", given)]
    return [_spec(part.strip()) for part in given.split(" | ")]


def _spec(text: str) -> Spec:
    if text in WORDS or text == "recursion":
        return Spec(text, "word", text)
    if text in OPERATORS:
        return Spec(text, "operator", text)
    if text.endswith("=") and text[:-1] in OPERATORS:
        return Spec(text, "assignment", text[:-1])
    if len(text) > 1 and text[0] in "'\"" and text[-1] == text[0]:
        return Spec(text, "literal", text[1:-1])
    name = text.removeprefix("with ").removesuffix("()")
    if _NAME.fullmatch(name):
        return Spec(text, "with" if text.startswith("with ") else "name", name)
    if text.startswith(".") and _NAME.fullmatch(name[1:]):
        return Spec(text, "method" if text.endswith("()") else "attribute", name[1:])
    words = ", ".join([*WORDS, "recursion"])
    raise ValueError(f"`{text}` is no construct: a dotted name, .method(), .attribute, {words}, an operator or a text")


def parse(text: str, within: str | None) -> Code | None:
    """Return the code, or the part of it that ``within`` names; None where there is no such function or class.

    Raises SyntaxError where the text is no Python.
    """
    try:
        tree = syntax_tree(text, ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    except (ValueError, RecursionError, MemoryError) as error:
        raise SyntaxError(f"{error}") from error
    nodes = list(ast.walk(tree))  # once: walking takes longer than all that is looked for
    names = _bound(nodes)
    if within is None:
        return Code((tree,), names)
    known = _definitions(nodes)
    first, *rest = within.split(".")
    part = known.get(first)
    for name in rest:
        part = _definitions(list(ast.walk(part))[1:]).get(name) if part else None
    return Code(tuple(_reached(known, part)), names) if part else None


def _definitions(nodes: Iterable[ast.AST]) -> dict[str, ast.AST]:
    """Return the last definition of each name: the one that counts."""
    found: dict[str, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef] = {}
    for one in nodes:
        if isinstance(one, (*_FUNCTIONS, ast.ClassDef)) and (
            one.name not in found or one.lineno > found[one.name].lineno
        ):
            found[one.name] = one
    return dict(found)


def _reached(known: Mapping[str, ast.AST], part: ast.AST) -> Iterator[ast.AST]:
    """Yield a function or class and what it calls of the same file, directly or not."""
    seen: set[ast.AST] = set()
    waiting = [part]
    while waiting:
        one = waiting.pop()
        if one in seen:
            continue
        seen.add(one)
        yield one
        called = (node.func for node in ast.walk(one) if isinstance(node, ast.Call))
        names = {node.id for node in called if isinstance(node, ast.Name)}
        waiting += [known[name] for name in sorted(names) if name in known]


def _bound(nodes: Sequence[ast.AST]) -> dict[str, str]:
    """Return what names stand for in full: imported ones, and those assigned from such."""
    names: dict[str, str] = {}
    for node in nodes:
        if isinstance(node, ast.Import):
            for one in node.names:
                first = one.name.split(".")[0]
                names[one.asname or first] = one.name if one.asname else first
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            # A star for each module: there may be several.
            names |= {
                f"*{node.module}" if one.name == "*" else one.asname or one.name: f"{node.module}.{one.name}"
                for one in node.names
            }
    assigned = [node for node in nodes if isinstance(node, ast.Assign) and len(node.targets) == 1]
    pairs = [(node.targets[0].id, node.value) for node in assigned if isinstance(node.targets[0], ast.Name)]
    for _ in range(_ALIASES):
        for name, value in pairs:
            if name not in names and (full := full_name(value, names)):
                names[name] = full
    return names


def full_name(node: ast.AST, names: Mapping[str, str]) -> str:
    """Return the dotted name that an expression stands for, through imports; empty where it stands for none."""
    match node:
        case ast.Name(id=name):
            return names.get(name, "")
        case ast.Attribute(value=value, attr=attribute):
            base = full_name(value, names)
            return f"{base}.{attribute}" if base else ""
        case ast.Call(func=ast.Name(id="getattr"), args=[value, ast.Constant(value=str() as attribute), *_]):
            base = full_name(value, names)
            return f"{base}.{attribute}" if base else ""
        case ast.Call(func=ast.Name(id="__import__"), args=[ast.Constant(value=str() as module), *_]):
            return module.split(".")[0]
        case ast.Call(func=called, args=[ast.Constant(value=str() as module), *_]):
            return module if full_name(called, names) == "importlib.import_module" else ""
    return ""


@dataclass(frozen=True, slots=True)
class Code:
    """Parts of a syntax tree, and what the names in it stand for."""

    parts: tuple[ast.AST, ...]
    names: Mapping[str, str]

    def uses(self, spec: Spec, *, imports: bool) -> Iterator[ast.AST]:
        """Yield every place where the construct is used; with ``imports`` also where it is only imported."""
        if spec.value == "recursion" and spec.kind == "word":
            yield from (part for part in self._functions() if _calls_itself(part))
            return
        for part in self.parts:
            yield from (node for node in ast.walk(part) if self._is(node, spec))
            if imports and spec.kind == "name":
                yield from (node for node in ast.walk(part) if _imports(node, str(spec.value)))

    def _functions(self) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
        for part in self.parts:
            yield from (node for node in ast.walk(part) if isinstance(node, _FUNCTIONS))

    def _is(self, node: ast.AST, spec: Spec) -> bool:  # noqa: PLR0911 - one for each kind
        value = str(spec.value)
        match spec.kind:
            case "word":
                return isinstance(node, WORDS[value])
            case "operator":
                return isinstance(node, ast.BinOp) and isinstance(node.op, OPERATORS[value])
            case "assignment":
                return isinstance(node, ast.AugAssign) and isinstance(node.op, OPERATORS[value])
            case "literal":
                return isinstance(node, ast.Constant) and _equal(node.value, spec.value)
            case "attribute":
                return isinstance(node, ast.Attribute) and node.attr == value
            case "method":
                return isinstance(node, ast.Call) and _called(node) == value
            case "with":
                return isinstance(node, ast.With) and any(self._named(one.context_expr, value) for one in node.items)
        return self._named(node, value)

    def _named(self, node: ast.AST, name: str) -> bool:
        """Return whether an expression, called or not, is ``name`` or something below it."""
        found = full_name(node, self.names) or (full_name(node.func, self.names) if isinstance(node, ast.Call) else "")
        if not found and isinstance(node, ast.Name):  # a builtin, or a name that the hand-in or a star import binds
            stars = [full.removesuffix("*") for full in self.names.values() if full.endswith(".*")]
            return any(_below(f"{star}{node.id}", name) for star in ("", *stars))
        return _below(found, name)


def _imports(node: ast.AST, name: str) -> bool:
    match node:
        case ast.Import(names=aliases):
            return any(_below(one.name, name) for one in aliases)
        case ast.ImportFrom(module=str() as module, names=aliases, level=0):
            return any(_below(f"{module}.{one.name}", name) for one in aliases)
    return False


def _below(found: str, name: str) -> bool:
    return found == name or found.startswith(f"{name}.")


def _called(node: ast.Call) -> str:
    return node.func.attr if isinstance(node.func, ast.Attribute) else ""


def _equal(found: object, wanted: str | float) -> bool:
    if isinstance(wanted, str) or isinstance(found, str):
        return found == wanted
    return isinstance(found, int | float) and not isinstance(found, bool) and float(found) == float(wanted)


def _calls_itself(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    calls = (node.func for node in ast.walk(function) if isinstance(node, ast.Call))
    return any(
        (isinstance(one, ast.Name) and one.id == function.name)
        or (isinstance(one, ast.Attribute) and one.attr == function.name and _is_self(one.value))
        for one in calls
    )


def _is_self(node: ast.AST) -> bool:
    return isinstance(node, ast.Name) and node.id == "self"
