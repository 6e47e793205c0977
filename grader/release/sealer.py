"""What seals of a bundle hang on besides the answers: public names alone, so that a second one tells nothing."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

from grader.checks.sealing import SALT_BYTES, WORK, Sketch, seal
from grader.reference import Reference


@dataclass(frozen=True, slots=True)
class Sealer:
    """Seals the checks of one exercise, for one person.

    Salts are a hash of names that are in the bundle anyway, and of no secret: of one with few possible values, such as
    the course's key, a salt would be a fast check. They are known before a bundle is made; but they differ between
    courses, checks and, where numbers do, people, which is all that they are for. Tests seal with less ``work``.
    """

    course: str
    assignment: str
    exercise: str
    person: str
    work: int = WORK

    def salt(self, check: str, reference: Reference, names: Iterable[str]) -> bytes:
        """Return the salt of ``check``, whose answer hangs on the givens and quantities ``names``.

        It is the same for everybody where the answer is.
        """
        nodes = reference.nodes
        personal = any("seed" in nodes[name].needs for name in reference.ancestors(names))
        return self._hashed(SALT_BYTES, "salt", check, self.person if personal else "")

    def seed(self) -> int:
        """Return the seed of inputs that are drawn for bundles: public, and nobody's hidden one."""
        return int.from_bytes(self._hashed(8, "inputs"), "big") >> 1

    def seals(self, plan: Sketch, messages: Mapping[bytes, Mapping[str, Any]]) -> dict[str, Any]:
        """Return the options of a check that hold its ``messages``, each sealed for its code."""
        return {
            "salt": base64.b64encode(plan.salt).decode(),
            "shifts": base64.b64encode(plan.shifts).decode(),
            **({"work": self.work} if self.work != WORK else {}),
            "seals": [base64.b64encode(one).decode() for one in seal(messages, plan.salt, self.work)],
        }

    def _hashed(self, size: int, *names: str) -> bytes:
        everything = json.dumps([self.course, self.assignment, self.exercise, *names])
        return blake2b(everything.encode(), digest_size=size).digest()
