"""Which exercises of a course a path means that is to be checked."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path, PurePosixPath

from grader.course.loading import RUN_SUFFIXES
from grader.errors import UsageError
from grader.pipeline.handins import fits, longest, tidy

#: Exercises by assignment, each with the names that its files may have.
Known = Mapping[str, Mapping[str, tuple[str, ...]]]
#: An assignment and an exercise.
_Place = tuple[str, str]
#: As much of a file is compared with what was handed out.
_LOOKED_AT_BYTES = 64 * 1024


def meant(
    root: Path, path: Path, files: Iterable[str], known: Known, assignment: str | None, exercise: str | None
) -> tuple[str, list[str]]:
    """Return the assignment and exercises that ``path`` means, with ``files`` in it: one for a file.

    ``assignment`` and ``exercise`` are those that a person named. Otherwise names tell; where they do not, the
    exercise in whose folder the path lies. Raises UsageError when that is not clear.
    """
    is_file = path.is_file()
    asked = {name for exercises in known.values() for names in exercises.values() for name in names}
    if is_file and path.suffix.lower() not in RUN_SUFFIXES and path.name not in asked:
        raise UsageError(f"{path}: is neither a notebook (.ipynb) nor a module (.py); name the file with your work")
    if assignment is not None and assignment not in known:
        raise UsageError(f"{root}: no assignment {assignment!r} in this course; it has: {', '.join(known)}")
    own = _own_place(root, path)
    if own and own[0] in known and own[1] not in known[own[0]]:
        raise UsageError(f"{path}: nothing of {'/'.join(own)} can be checked here; it is judged after it was handed in")
    every = [(one, name) for one in ([assignment] if assignment else known) for name in known[one]]
    names = {path.name} if is_file else {PurePosixPath(name).name for name in files}
    if exercise:
        found = [place for place in every if place[1] == exercise]
        if not found:
            raise UsageError(f"{root}: no exercise {exercise!r}; there are: {', '.join(map('/'.join, every))}")
    else:
        found = _named(names, every, known) or [place for place in every if place == own]
    if not found and len({one for one, _ in every}) == 1 and (len(every) == 1 or not (is_file or runnable(names))):
        found = every
    if len({one for one, _ in found}) != 1 or (is_file and len(found) > 1):
        raise UsageError(f"{path}: {_question(root, path, found, every)}")
    return found[0][0], [name for _, name in found]


def runnable(names: Iterable[str]) -> bool:
    """Return whether one of the files is run."""
    return any(PurePosixPath(name).suffix.lower() in RUN_SUFFIXES for name in names)


def _named(names: Iterable[str], every: Sequence[_Place], known: Known) -> list[_Place]:
    """Return the exercises that ask for one of the names; only where none does, for one much like it, or in it."""
    asked = {(one, exercise): known[one][exercise] for one, exercise in every}
    exact = [place for place in every if not set(names).isdisjoint(asked[place])]
    near = [place for place in every if any(fits(name, one) for name in names for one in asked[place])]
    every_name = {tidy(one) for some in asked.values() for one in some}
    within = {longest(name, every_name) for name in names}
    return exact or near or [place for place in every if not within.isdisjoint(map(tidy, asked[place]))]


def _own_place(root: Path, path: Path) -> _Place | None:
    """Return the exercise in whose folder the path lies."""
    real, place = path.resolve(), root.resolve() / "exercises"
    parts = real.relative_to(place).parts if real.is_relative_to(place) else ()
    return (parts[0], parts[1]) if len(parts) > 1 and place.joinpath(*parts[:2]).is_dir() else None


def _question(root: Path, path: Path, found: Sequence[_Place], every: Sequence[_Place]) -> str:
    """Return why it is not clear what is meant, and how to say it: first the exercise that fits best."""
    is_file = path.is_file()
    if found:
        why = "has a name that fits several exercises" if is_file else "holds files of several assignments"
    else:
        why = "has a name that fits no exercise" if is_file else "holds no file that is named as an exercise asks"
    places = list(found or every)
    if is_file:
        shared = {place: _words_in_common(root, path, place) for place in places}
        places.sort(key=shared.__getitem__, reverse=True)  # a stable sort: else as in the course
    counts = Counter(name for _, name in places)
    options = [
        f"--exercise {name}" if counts[name] == 1 else f"--assignment {one} --exercise {name}" for one, name in places
    ]
    if found and not is_file:
        options = list(dict.fromkeys(f"--assignment {one}" for one, _ in places))
    first, *others = options
    rest = f" (or {', '.join(one.removeprefix('--exercise ') for one in others)})" if others else ""
    return f"{why}; say which is meant: {first}{rest}"


def _words_in_common(root: Path, path: Path, place: _Place) -> int:
    """Return how many distinct words a file shares with those that were handed out for an exercise."""
    folder = root.joinpath("exercises", *place)
    handed_out = {word for one in folder.glob("*") if one.suffix.lower() in RUN_SUFFIXES for word in _words(one)}
    return len(handed_out & _words(path))


def _words(path: Path) -> set[str]:
    try:
        with path.open("rb") as file:
            text = file.read(_LOOKED_AT_BYTES).decode("utf-8", "replace")
    except OSError:
        return set()
    return set(re.findall(r"[^\W\d]\w+", text))
