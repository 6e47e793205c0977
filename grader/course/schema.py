"""Models of the files that authors write."""

from __future__ import annotations

from typing import Annotated, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, field_validator

from grader.course.lateness import STRICT, LatePolicy, Until
from grader.data import NAMES


class Strict(BaseModel):
    """A mapping in which unknown keys are problems."""

    model_config = STRICT


class AssignmentFile(Strict):
    """One assignment in course.yaml. ``late``, ``max_group`` and ``roster`` replace the course's.

    ``extensions`` gives people or groups a later deadline; more of them may stand in ``extensions_file``.
    """

    title: str
    exercises: list[str] = Field(min_length=1)
    personal: bool = False
    deadline: AwareDatetime | None = None
    late: LatePolicy | None = None
    extensions: dict[str, Until] = {}
    extensions_file: str = ""
    max_group: int | None = Field(default=None, ge=1)
    roster: str = ""

    @field_validator("extensions", mode="before")
    @classmethod
    def _numbers_are_names(cls, value: object) -> object:
        return {str(name): until for name, until in value.items()} if isinstance(value, dict) else value


class BundleFile(BaseModel):
    """What `grade release` says of a bundle for students, in its course.yaml. Newer versions may say more.

    ``format`` numbers the layout of bundles; ``grader`` is the version that made this one. ``person`` is whose numbers
    it holds, empty where everybody has the same. ``files`` are the hashes of what its checks are read from.
    """

    model_config = ConfigDict(frozen=True, defer_build=True)

    format: int
    grader: str
    person: str = ""
    files: dict[str, str]


class CourseFile(Strict):
    """course.yaml. Only bundles for students have a ``bundle``.

    ``time_zone`` is that of times which say none, such as a platform's.
    """

    title: str
    bundle: BundleFile | None = None
    key: str = Field(default="", max_length=64)
    time_zone: str = ""
    late: LatePolicy | None = None
    max_group: int = Field(default=4, ge=1)
    roster: str = ""
    assignments: dict[str, AssignmentFile] = Field(min_length=1)

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value or "UTC")
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise ValueError("should be a time zone by its IANA name, such as Europe/Berlin") from None
        return value


class DataFile(Strict):
    """How much of a data set a run finds at most, in samples; all of it where nothing is said."""

    train: int | None = Field(default=None, gt=0)
    test: int | None = Field(default=None, gt=0)


class ExerciseFile(Strict):
    """exercise.yaml: how an exercise is handed out and run. Memory in MiB.

    ``files`` are the names under which it may be handed in, run where they are notebooks or modules; ``also`` those
    that belong beside it, or lie once elsewhere in what was handed in. ``floor`` names the checks that an untouched
    starter passes. ``data`` names the data sets that a run finds under ``data/``, as a list, or with sizes. ``items``
    says which checks grade each item of the course's documents; none named means all. ``preload`` names modules that
    hand-ins import and that take long to: imported once, ahead, for all of them.
    """

    title: str
    files: list[str] = Field(min_length=1)
    also: list[str] = []
    data: dict[str, DataFile] = {}
    starters: list[str] = []
    floor: list[str] = []
    task: str = "task.md"
    items: dict[str, list[str]] = {}
    timeout_seconds: float = Field(default=60.0, gt=0, le=86_400)
    memory_mb: int = Field(default=2048, ge=64)
    preload: list[Annotated[str, Field(pattern=r"^[A-Za-z_]\w*(\.[A-Za-z_]\w*)*$")]] = []

    @field_validator("items", mode="before")
    @classmethod
    def _each_by_all(cls, value: object) -> object:
        return {str(name): [] for name in value} if isinstance(value, list) else value

    @field_validator("data", mode="before")
    @classmethod
    def _as_mapping(cls, value: object) -> object:
        names = value if isinstance(value, list) else list(value) if isinstance(value, dict) else []
        for name in names:
            if name not in NAMES:
                raise ValueError(f"no data set {name!r}; there are {', '.join(NAMES)}")
        return {str(name): {} for name in value} if isinstance(value, list) else value


class CriterionFile(Strict):
    """One criterion of a rubric; its checks are read by the kinds."""

    id: str | None = Field(default=None, pattern=r"^[A-Za-z][A-Za-z0-9_-]*$")
    title: str
    points: float = Field(ge=0)
    checks: list[dict[str, Any]] = Field(min_length=1)


class RubricFile(Strict):
    """A rubric. ``defaults`` holds, for each kind of check, options that its checks need not repeat."""

    title: str
    defaults: dict[str, dict[str, Any]] = {}
    criteria: list[CriterionFile] = Field(min_length=1)


class WrongFile(Strict):
    """One known-wrong hand-in in wrong.yaml. ``without`` names files of the solution that are not handed in."""

    title: str
    loses: list[str] = Field(min_length=1)
    names: list[str] = []
    without: list[str] = []
