"""Reading a formula that a student wrote as text: a small grammar with a closed vocabulary, and caps on everything.

Nothing in the text is ever evaluated as code. What comes out is a tree of numbers, names and operations.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from fractions import Fraction
from functools import reduce
from typing import TypeAlias

MAX_CHARS = 500
MAX_TOKENS = 300
MAX_DEPTH = 40
MAX_DIGITS = 30
#: Reductions inside reductions cost the length of a vector to this power.
MAX_NESTED_SUMS = 3


def _table(text: str) -> dict[str, str]:
    """Return ``written=meant`` pairs as a mapping; a word alone means itself."""
    return {written: meant or written for written, _, meant in (pair.partition("=") for pair in text.split())}


#: Every function that may be written, and what it means here.
FUNCTIONS: Mapping[str, str] = _table(
    "floor ceil ceiling=ceil int=trunc trunc abs sqrt exp log ln=log log2 log10 pow=^ frac=/ dot=* matmul=* "
    "max maximum=max min minimum=min sum tanh sigmoid sigma=sigmoid activation=sigmoid relu"
)
_ARGUMENTS: Mapping[str, tuple[int, int]] = {
    "log": (1, 2),
    "^": (2, 2),
    "/": (2, 2),
    "*": (2, 2),
    "max": (1, 20),
    "min": (1, 20),
}
#: With one argument these run over a vector.
REDUCTIONS = frozenset({"sum", "max", "min"})
CONSTANTS = frozenset({"e", "pi"})

_SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁽⁾ⁿⁱ", "0123456789+-()ni")
_SUBSCRIPTS = str.maketrans("₀₁₂₃₄₅₆₇₈₉ᵢⱼₖₙ", "0123456789ijkn")
_SIGNS = str.maketrans(
    dict.fromkeys("·⋅×∙•∗@", "*")  # noqa: RUF001 - signs that look alike are the subject
    | dict.fromkeys("÷∕⁄", "/")  # noqa: RUF001
    | dict.fromkeys("−–—‐", "-")  # noqa: RUF001
    | dict.fromkeys("$`", "")
    | {"⌊": " floor(", "⌋": ")", "⌈": " ceil(", "⌉": ")", "√": " sqrt ", "Σ": " sum", "∑": " sum", "π": " pi "}
)
_LATEX: Mapping[str, str] = (
    _table("cdot=* times=* div=/ rfloor=) rceil=)")
    | {"lfloor": " floor(", "lceil": " ceil("}
    | dict.fromkeys(("left", "right", "operatorname", "mathrm", "text", *",;! "), "")
)
#: A Greek letter; the second group is there where a letter follows, with which its name must not grow together.
_GREEK = re.compile("([\N{GREEK SMALL LETTER ALPHA}-\N{GREEK SMALL LETTER OMEGA}])((?=[^\\W\\d_]))?")
_THOUSANDS = re.compile(r"(?<![\w.])\d{1,3}(?:[ \u00a0\u2009\u202f]\d{3})+(?![\w.])")
_LIMITS = re.compile(
    r"(?<!\w)(sum|max|min)\s*_\s*[({]?\s*([A-Za-z])(?!\w)\s*(?:=\s*\d+)?\s*[)}]?\s*(?:\^\s*(?:\{[^{}]*\}|\w))?"
)
_TOKEN = re.compile(r"\s*(?:(\d+\.?\d*(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?)|([^\W\d]\w*)|(//|[-+*/^%(),\[\]]))")


class FormulaError(ValueError):
    """A text that is no formula. The message is for the student."""


@dataclass(frozen=True, slots=True)
class Number:
    """A number, exactly as written."""

    value: Fraction


@dataclass(frozen=True, slots=True)
class Name:
    """A variable, constant, or element of a vector; ``index`` is empty where none is written."""

    name: str
    index: str = ""


@dataclass(frozen=True, slots=True)
class Call:
    """An operation or function. ``bound`` is the index over which a reduction runs, where it is written."""

    function: str
    arguments: tuple[Term, ...]
    bound: str = ""


Term: TypeAlias = "Number | Name | Call"


def parse(text: str, variables: Sequence[str], vectors: Sequence[str] = ()) -> Term:
    """Return the tree of a formula in ``variables`` and elements of ``vectors``.

    ``2·L·M``, ``2 L M``, ``2LM``, ``L²``, ``L**2``, ``⌊k/2⌋``, ``k//2``, ``1.5e3``, ``32 928``, simple LaTeX and
    ``name = formula`` are understood. Raises FormulaError with a sentence for the student.
    """
    if len(text) > MAX_CHARS:
        raise FormulaError(f"it has {len(text)} characters; a formula of at most {MAX_CHARS} is read")
    tokens = list(_tokens(_right_side(_plain(text))))
    if not tokens:
        raise FormulaError("it is empty")
    if len(tokens) > MAX_TOKENS:
        raise FormulaError("it is too long")
    parser = _Parser(tokens, variables, vectors)
    term = parser.sum(0)
    if parser.here:
        raise FormulaError(f"`{parser.here}` is not expected where it stands")
    return term


def names(term: Term) -> Iterator[Name]:
    """Yield every name in a tree."""
    match term:
        case Name():
            yield term
        case Call():
            for argument in term.arguments:
                yield from names(argument)


def functions(term: Term) -> frozenset[str]:
    """Return every function and operation in a tree, by what it means."""
    if not isinstance(term, Call):
        return frozenset()
    return frozenset({term.function}).union(*map(functions, term.arguments))


def _plain(text: str) -> str:
    """Return the text in plain characters: signs, subscripts, superscripts and LaTeX written out."""
    text = re.sub("[⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁽⁾ⁿⁱ]+", lambda found: f"^({found[0].translate(_SUPERSCRIPTS)})", text)
    text = re.sub("[₀₁₂₃₄₅₆₇₈₉ᵢⱼₖₙ]+", lambda found: f"_{found[0].translate(_SUBSCRIPTS)}", text)
    text = _THOUSANDS.sub(lambda found: re.sub(r"\s", "", found[0]), text)
    text = unicodedata.normalize("NFKC", text.translate(_SIGNS)).translate(_SIGNS)
    text = _GREEK.sub(lambda found: f" {_greek_name(found[1])}{' ' if found[2] is not None else ''}", text)
    text = re.sub(r"\\([A-Za-z]+|[,;! ])", lambda found: _LATEX.get(found[1], f" {found[1]}"), text)
    text = _LIMITS.sub(r"\1_\2 ", text)
    text = re.sub(r"\|([^|]+)\|", r" abs(\1)", text)
    text = re.sub(r"_\{(\w+)\}", r"_\1", text)
    text = re.sub(r"\b(?:np|numpy|math|torch|sympy|sp)\.", "", text)
    return text.replace("**", "^").replace("{", "(").replace("}", ")")


def _greek_name(letter: str) -> str:
    return unicodedata.name(letter).rpartition(" ")[2].lower()


def _right_side(text: str) -> str:
    left, sign, right = text.partition("=")
    if not sign:
        return text
    if "=" in right or not re.fullmatch(r"\s*\w+\s*(?:\([\w\s,]*\))?\s*", left):
        raise FormulaError("an expression is expected, not an equation")
    return right


def _tokens(text: str) -> Iterator[str]:
    place = 0
    text = text.rstrip()
    while place < len(text):
        found = _TOKEN.match(text, place)
        if found is None:
            raise FormulaError(f"`{text[place:].strip()[0]}` cannot be read")
        place = found.end()
        yield found[1] or found[2] or found[3]


class _Parser:
    """Recursive descent; each method takes the depth, so that no text can exhaust the stack."""

    def __init__(self, tokens: list[str], variables: Sequence[str], vectors: Sequence[str]) -> None:
        self._tokens, self._place = [*tokens, ""], 0
        self._scalars, self._vectors = tuple(variables), tuple(vectors)
        self._known = {*variables, *vectors}
        self._reductions = 0

    @property
    def here(self) -> str:
        return self._tokens[self._place]

    def _take(self, *wanted: str) -> str:
        """Return the next token and go on if it is one of ``wanted``; empty otherwise."""
        found = self.here if self.here in wanted else ""
        self._place += bool(found)
        return found

    def _need(self, wanted: str) -> None:
        if not self._take(wanted):
            raise FormulaError(f"a `{wanted}` is missing" + (f" before `{self.here}`" if self.here else " at the end"))

    def sum(self, depth: int) -> Term:
        term = self.product(depth)
        while sign := self._take("+", "-"):
            term = Call(sign, (term, self.product(depth)))
        return term

    def product(self, depth: int, signs: tuple[str, ...] = ("*", "/", "//", "%")) -> Term:
        term = self.factor(depth)
        while True:
            sign = self._take(*signs) or self._times_letter()
            if sign:
                term = Call(sign, (term, self.factor(depth)))
            elif self.here[:1].isdigit() and self._tokens[self._place - 1][:1].isdigit():
                raise FormulaError(f"a sign is missing before `{self.here}`")
            elif self.here == "(" or self.here[:1].isalnum() or self.here[:1] == "_":
                term = Call("*", (term, self.power(depth)))
            else:
                return term

    def _times_letter(self) -> str:
        """Take a lone letter x that stands for the sign of multiplication."""
        return "*" if not self._known & {"x", "X"} and self._take("x", "X") else ""

    def factor(self, depth: int) -> Term:
        _limit(depth)
        if self._take("-"):
            return Call("-", (Number(Fraction(0)), self.factor(depth + 1)))
        if self._take("+"):
            return self.factor(depth + 1)
        return self.power(depth)

    def power(self, depth: int) -> Term:
        base = self.atom(depth)
        return Call("^", (base, self.factor(depth + 1))) if self._take("^") else base

    def atom(self, depth: int) -> Term:
        _limit(depth)
        token = self.here
        self._place += 1
        if token[:1].isdigit() or token[:1] == ".":
            return Number(_number(token))
        if token in {"(", "["}:
            inside = self.sum(depth + 1)
            self._need({"(": ")", "[": "]"}[token])
            return inside
        if token[:1].isalpha() or token[:1] == "_":
            return self._named(token, depth)
        raise FormulaError(f"something is missing before `{token}`" if token else "something is missing at the end")

    def _named(self, token: str, depth: int) -> Term:
        if token in self._known or token in CONSTANTS:
            return self._indexed(token)
        stem, _, index = token.partition("_")
        if stem in self._vectors and index:
            return Name(stem, index)
        function = token if token in FUNCTIONS else token.lower()
        bound = ""
        if function not in FUNCTIONS and stem.lower() in REDUCTIONS and index:
            function, bound = stem.lower(), index
        if function in FUNCTIONS:
            return self._called(FUNCTIONS[function], bound, depth)
        return self._split(token)

    def _indexed(self, token: str) -> Term:
        if token in self._vectors and self._take("["):
            index = self.here
            if not index.isalnum():
                raise FormulaError(f"`{token}[...]` needs a plain index such as i")
            self._place += 1
            self._need("]")
            return Name(token, index)
        return Name(token)

    def _called(self, function: str, bound: str, depth: int) -> Term:
        if function in REDUCTIONS:
            self._reductions += 1
            if self._reductions > MAX_NESTED_SUMS:
                raise FormulaError(f"more than {MAX_NESTED_SUMS} sums or maxima cannot be read")
        if function == "/":  # \frac{a}{b}
            arguments = [self.atom(depth + 1), self.atom(depth + 1)]
        elif self.here == "(" and not bound:
            arguments = self._arguments(depth)
        else:
            arguments = [self.product(depth + 1, ("*",)) if function in REDUCTIONS else self.power(depth + 1)]
        least, most = _ARGUMENTS.get(function, (1, 1))
        match function, arguments:
            case "sum", [body, Name(index)]:  # sum(f(x_j), j)
                arguments, bound = [body], index
        if not least <= len(arguments) <= most:
            raise FormulaError(f"a function has {len(arguments)} arguments, which does not fit it")
        return Call(function, tuple(arguments), bound)

    def _arguments(self, depth: int) -> list[Term]:
        self._need("(")
        found = [self.sum(depth + 1)]
        while self._take(","):
            if self.here.isalpha() and self._tokens[self._place + 1] == ")" and self.here not in self._known:
                found.append(Name(self.here))  # the index of a sum
                self._place += 1
            else:
                found.append(self.sum(depth + 1))
        self._need(")")
        return found

    def _split(self, token: str) -> Term:
        """Return ``LMN`` or ``LxMxN`` as a product, and a name in other case as what it must mean; else complain."""
        for known in (self._known, {name.casefold() for name in self._known}):
            parts = _parts(token if known is self._known else token.casefold(), known)
            spelt = [_spelling(part, self._known) for part in parts]
            if parts and all(spelt):
                terms: list[Term] = [Name(name) for name in spelt]
                return reduce(_times, terms)
        near = get_close_matches(token, self._known, n=1)
        hint = f"did you mean `{near[0]}`?" if near else f"known are {', '.join(f'`{one}`' for one in self._names())}"
        raise FormulaError(f"`{token}` is not known here; {hint}")

    def _names(self) -> list[str]:
        return [*self._scalars, *(f"{vector}_i" for vector in self._vectors)]


def _times(left: Term, right: Term) -> Term:
    return Call("*", (left, right))


def _limit(depth: int) -> None:
    if depth > MAX_DEPTH:
        raise FormulaError("it is nested too deeply")


def _parts(token: str, known: set[str]) -> list[str]:
    """Return ``token`` as known names one after the other, the letter x between them left out; empty if it is not."""
    separator = "" if known & {"x", "X"} else "[xX]?"
    alternatives = "|".join(sorted(map(re.escape, known), key=len, reverse=True))
    if not known or not re.fullmatch(f"(?:{alternatives})(?:{separator}(?:{alternatives}))*", token):
        return []
    return re.findall(alternatives, token)


def _spelling(name: str, known: set[str]) -> str:
    """Return how a name is spelt here; empty where case would have to decide between two."""
    same = [one for one in known if one == name] or [one for one in known if one.casefold() == name.casefold()]
    return same[0] if len(same) == 1 else ""


def _number(token: str) -> Fraction:
    mantissa, _, exponent = token.lower().partition("e")
    if len(mantissa) > MAX_DIGITS or (exponent and (len(exponent) > 3 or abs(int(exponent)) > MAX_DIGITS)):
        raise FormulaError("a number in it is too large to be read")
    return Fraction(token)
