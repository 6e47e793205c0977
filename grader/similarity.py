"""Nearly the same code in two hand-ins, by winnowing (Schleimer, Wilkerson, Aiken: SIGMOD 2003): for a person to judge.

A source becomes tokens without comments, docstrings and layout. A name counts as how far back it stood last *within the
run of tokens* (Baker's parameterised matching): renaming changes nothing, but ``a = b * a`` and ``a = b * c`` stay
different, which they would not if every name became the same. Built-ins, attributes but those of ``self``, and numbers
are kept, since nobody can rename them; text is not.
"""

from __future__ import annotations

import builtins
import io
import keyword
import tokenize
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from zlib import crc32

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from grader.model import AlikePassage

#: Tokens in a run: shorter common code is not noticed, since everybody writes ``for i in range(n):``.
RUN = 16
#: Of so many runs in a row one is kept, so that RUN + WINDOW - 1 common tokens are always noticed.
WINDOW = 8
#: Two hand-ins are told if one of them shares so much of its own code, and at least so many fingerprints.
LEAST_SHARE = 0.5
LEAST_SHARED = 6
#: What more than this share of the class wrote is nobody's own. In small classes that is what more than half or ten
#: of it wrote, in very large ones what more than forty did: larger groups do not copy from each other unnoticed.
COMMON_SHARE = 0.1
COMMON_IN_SMALL, COMMON_IN_LARGE = 10, 40
SHOWN, MOST_PAIRS = 50, 200
#: Of longer sources, the beginning is looked at.
MOST_CHARS = 200_000
_PASSAGES, _PASSAGE_LINES, _LINE_CHARS = 3, 12, 100
_SKIPPED = frozenset(
    {tokenize.COMMENT, tokenize.NL, tokenize.INDENT, tokenize.DEDENT, tokenize.ENCODING, tokenize.ENDMARKER}
)
_KEPT = frozenset(keyword.kwlist) | frozenset(dir(builtins))
_WRITTEN: Mapping[int, str] = {tokenize.STRING: "''", tokenize.NEWLINE: ";"}
_FACTOR = np.uint64(0x9E3779B97F4A7C15)


@dataclass(frozen=True, slots=True)
class Fingerprints:
    """What is kept of a source: hashes of runs, and the first and last line of each (from 1)."""

    lines: tuple[str, ...]
    hashes: NDArray[np.uint64]
    first: NDArray[np.int64]
    last: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Pair:
    """Two sources, by their keys, how much of the own code of each is in the other, and where."""

    left: str
    right: str
    left_share: float
    right_share: float
    passages: tuple[AlikePassage, ...]


def alike(sources: Mapping[str, str], known: Iterable[str] = ()) -> tuple[Pair, ...]:
    """Return the pairs of ``sources``, by key, that share most of their own code; the most alike first.

    What ``known`` sources hold (starter, solutions) and what is common in the class does not count. The first SHOWN
    pairs come with passages; no more than MOST_PAIRS are returned.
    """
    prints = {key: fingerprints(source) for key, source in sources.items()}
    ignored = _distinct(fingerprints(source) for source in known)
    holders: dict[int, list[str]] = defaultdict(list)
    for key, one in prints.items():
        for value in set(one.hashes.tolist()) - ignored:
            holders[value].append(key)
    common = _common(len(prints))
    own = {value: keys for value, keys in holders.items() if len(keys) <= common}
    sizes = Counter(key for keys in own.values() for key in keys)
    shared = Counter(pair for keys in own.values() for pair in combinations(keys, 2))
    found = [
        Pair(left, right, count / sizes[left], count / sizes[right], ())
        for (left, right), count in shared.items()
        if count >= LEAST_SHARED and count >= LEAST_SHARE * min(sizes[left], sizes[right])
    ]
    found.sort(key=lambda pair: (-max(pair.left_share, pair.right_share), pair.left, pair.right))
    shown = [replace(one, passages=_passages(prints[one.left], prints[one.right], own)) for one in found[:SHOWN]]
    return (*shown, *found[SHOWN:MOST_PAIRS])


def _common(class_size: int) -> float:
    """Return how many may have written something before it is nobody's own."""
    most = min(COMMON_SHARE * class_size, COMMON_IN_LARGE)
    return max(2.0, min(COMMON_IN_SMALL, class_size / 2), most)


def fingerprints(source: str) -> Fingerprints:
    """Return the fingerprints of a source; of one that is no Python, those of what can be read."""
    source = source[:MOST_CHARS]
    codes, named, lines = _tokens(source)
    hashes = _runs(codes, named)
    chosen = _winnowed(hashes)
    return Fingerprints(tuple(source.split("\n")), hashes[chosen], lines[chosen], lines[chosen + RUN - 1])


def _distinct(every: Iterable[Fingerprints]) -> frozenset[int]:
    return frozenset(value for one in every for value in one.hashes.tolist())


def _tokens(source: str) -> tuple[NDArray[np.uint64], NDArray[np.bool_], NDArray[np.int64]]:
    """Return a code for each token, whether it is a name to be numbered, and its line."""
    texts: list[str] = []
    named: list[bool] = []
    lines: list[int] = []
    before, dot = "", False
    for kind, text, line in _meaningful(source):
        free = kind == tokenize.NAME and text not in _KEPT and (not dot or before == "self")
        dot = text == "."
        before = before if dot else text
        texts.append(_WRITTEN.get(kind, text))
        named.append(free)
        lines.append(line)
    codes = {text: crc32(text.encode("utf-8", "surrogatepass")) for text in set(texts)}
    return (
        np.array([codes[text] for text in texts], dtype=np.uint64),
        np.array(named, dtype=np.bool_),
        np.array(lines, dtype=np.int64),
    )


def _meaningful(source: str) -> Iterator[tuple[int, str, int]]:
    """Yield kind, text and line of the tokens that are no comment, layout or docstring, while they can be read."""
    begins, held = True, None
    try:
        for kind, text, (line, _), _, _ in tokenize.generate_tokens(io.StringIO(source).readline):
            if kind in _SKIPPED:
                continue
            if held is not None:
                if kind == tokenize.NEWLINE:
                    held = None
                    continue
                yield held
                held = None
            if begins and kind == tokenize.STRING:
                held = kind, text, line
            else:
                yield kind, text, line
            begins = kind == tokenize.NEWLINE
    except (tokenize.TokenError, SyntaxError, ValueError):
        return


def _runs(codes: NDArray[np.uint64], named: NDArray[np.bool_]) -> NDArray[np.uint64]:
    """Return the hash of each run of RUN tokens; a name counts as how far back in the run it stood last."""
    amount = len(codes) - RUN + 1
    if amount <= 0:
        return np.zeros(0, dtype=np.uint64)
    back = _back(codes, named)
    hashes = np.zeros(amount, dtype=np.uint64)
    for place in range(RUN):
        part = slice(place, place + amount)
        distance = np.where(back[part] <= place, back[part], 0).astype(np.uint64)
        value = np.where(named[part], distance + np.uint64(1 << 33), codes[part])
        hashes = (hashes ^ value) * _FACTOR
        hashes ^= hashes >> np.uint64(29)
    return hashes


def _back(codes: NDArray[np.uint64], named: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return for each name how many tokens ago it stood last; 0 for the first time."""
    last: dict[int, int] = {}
    back = np.zeros(len(codes), dtype=np.int64)
    values = codes.tolist()
    for place in np.flatnonzero(named).tolist():
        back[place] = place - last.get(values[place], place)
        last[values[place]] = place
    return back


def _winnowed(hashes: NDArray[np.uint64]) -> NDArray[np.int64]:
    """Return the places of the least hash of every WINDOW in a row, the last of equal ones."""
    if len(hashes) <= WINDOW:
        return np.flatnonzero(hashes == hashes.min())[-1:] if len(hashes) else np.zeros(0, dtype=np.int64)
    windows = sliding_window_view(hashes, WINDOW)
    places = np.arange(len(windows)) + WINDOW - 1 - np.argmin(windows[:, ::-1], axis=1)
    return np.unique(places)


def _passages(left: Fingerprints, right: Fingerprints, own: Collection[int]) -> tuple[AlikePassage, ...]:
    """Return the longest stretches in which fingerprints follow each other in both."""
    places = {value: place for place, value in enumerate(right.hashes.tolist())}
    stretches: list[list[tuple[int, int]]] = []
    for place, value in enumerate(left.hashes.tolist()):
        if value not in own or value not in places:
            continue
        follows = stretches and stretches[-1][-1] == (place - 1, places[value] - 1)
        if follows:
            stretches[-1].append((place, places[value]))
        else:
            stretches.append([(place, places[value])])
    longest = sorted(stretches, key=len, reverse=True)[:_PASSAGES]
    return tuple(_passage(left, right, stretch) for stretch in longest)


def _passage(left: Fingerprints, right: Fingerprints, stretch: Sequence[tuple[int, int]]) -> AlikePassage:
    (left_from, right_from), (left_to, right_to) = stretch[0], stretch[-1]
    first_left, first_right = int(left.first[left_from]), int(right.first[right_from])
    left_text = _text(left, first_left, int(left.last[left_to]))
    return AlikePassage(first_left, left_text, first_right, _text(right, first_right, int(right.last[right_to])))


def _text(one: Fingerprints, first: int, last: int) -> str:
    shown = one.lines[first - 1 : min(last, first - 1 + _PASSAGE_LINES)]
    more = [f"… {last - first + 1 - len(shown)} more lines"] if last - first + 1 > len(shown) else []
    cut = [line if len(line) <= _LINE_CHARS else f"{line[:_LINE_CHARS]} …" for line in shown]
    return "\n".join([*cut, *more])
