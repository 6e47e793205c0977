"""A class that does not exist: who hands in what to sheet3/gradient_step, right, wrong, never ending, and broken."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

EXERCISE = "gradient_step"
NOTEBOOK, MODULE = f"{EXERCISE}.ipynb", f"{EXERCISE}.py"

#: How a student who knows how to do it calculates each answer.
RIGHT: Mapping[str, str] = {
    "z1": "x @ W1 + b1",
    "h": "np.maximum(z1, 0)",
    "y_hat": "h @ W2 + b2",
    "loss": "(y - y_hat) ** 2 / 2",
    "grad_y_hat": "y_hat - y",
    "grad_W2": "grad_y_hat * h",
    "grad_b2": "grad_y_hat",
    "grad_h": "grad_y_hat * W2",
    "grad_z1": "grad_h * (z1 > 0)",
    "grad_W1": "np.outer(x, grad_z1)",
    "grad_b1": "grad_z1",
    "W1_new": "W1 - learning_rate * grad_W1",
    "b1_new": "b1 - learning_rate * grad_b1",
    "W2_new": "W2 - learning_rate * grad_W2",
    "b2_new": "b2 - learning_rate * grad_b2",
}


def _updates(step: str) -> dict[str, str]:
    return {f"{name}_new": f"{name} {step} * grad_{name}" for name in ("W1", "b1", "W2", "b2")}


#: What a student with a misconception, by its id, calculates instead.
MISTAKES: Mapping[str, Mapping[str, str]] = {
    "bias_omitted": {"z1": "x @ W1"},
    "relu_omitted": {"h": "z1"},
    "half_omitted": {"loss": "(y - y_hat) ** 2", "grad_y_hat": "2 * (y_hat - y)"},
    "n_counts_inputs": {"loss": "(y - y_hat) ** 2 / (2 * 5)", "grad_y_hat": "(y_hat - y) / 5"},
    "n_counts_neurons": {"loss": "(y - y_hat) ** 2 / (2 * 3)", "grad_y_hat": "(y_hat - y) / 3"},
    "sign_turned": {"grad_y_hat": "y - y_hat"},
    "W2_sees_z1": {"grad_W2": "grad_y_hat * z1"},
    "W2_chain_stopped": {"grad_W2": "h"},
    "b2_chain_stopped": {"grad_b2": "1.0"},
    "back_through_new_W2": {"grad_h": "grad_y_hat * (W2 - learning_rate * grad_W2)"},
    "mask_forgotten": {"grad_z1": "grad_h"},
    "relu_of_gradient": {"grad_z1": "np.maximum(grad_h, 0)"},
    "times_activation": {"grad_z1": "grad_h * h"},
    "bias_multiplied": {"grad_b1": "grad_z1 * b1"},
    "step_uphill": _updates("+ learning_rate"),
    "rate_a_tenth": _updates("- learning_rate / 10"),
    "rate_omitted": _updates("- 1"),
    "b1_kept": {"b1_new": "b1"},
    "b2_kept": {"b2_new": "b2"},
}

_FIRST = [
    "Ada",
    "Bela",
    "Chen",
    "Dana",
    "Edo",
    "Femi",
    "Gita",
    "Hugo",
    "Ines",
    "Jonas",
    "Kaya",
    "Lea",
    "Malik",
    "Nora",
    "Omar",
    "Pia",
    "Quinn",
    "Rosa",
    "Sami",
    "Tova",
]
_LAST = [
    "Arndt",
    "Brandt",
    "Conrad",
    "Demir",
    "Ernst",
    "Fiedler",
    "Graf",
    "Haas",
    "Iqbal",
    "Jansen",
    "Kern",
    "Lang",
    "Moser",
    "Nagy",
    "Ott",
    "Peters",
    "Qin",
    "Roth",
]


@dataclass(frozen=True, slots=True)
class HandIn:
    """One folder of the demonstration: whose, what for, and how it is made.

    ``answers`` replace right calculations (None: the name is left out). ``before`` is code before
    them. ``numbers_of`` is whose personal numbers were used. ``files`` are added, or replace what was made.
    """

    person: str
    about: str
    form: str = NOTEBOOK
    answers: Mapping[str, str | None] = field(default_factory=dict)
    before: str = ""
    numbers_of: str = ""
    files: Mapping[str, bytes] | None = None


def hand_ins() -> Iterator[HandIn]:
    """Yield the class, at least one for everything that the grader has to be able to deal with."""
    yield HandIn("Anna Weber", "right, as a notebook")
    yield HandIn("Bilal Yilmaz", "right, as a module", MODULE)
    transposed = {"grad_W1": "np.outer(grad_z1, x)", "W1_new": "W1.T - learning_rate * grad_W1"}
    yield HandIn("Clara Voß", "right, weights transposed, scalars as arrays", answers={**transposed, "loss": _BOXED})
    tensors = {name: f"({code}).tolist()" for name, code in RIGHT.items() if name in {"z1", "h", "grad_W1"}}
    listed = {**tensors, "h": "np.maximum(z1, 0).astype(np.float32)"}
    yield HandIn(
        "Deniz Kaya",
        "right, as lists and in single precision",
        MODULE,
        {**listed, "grad_z1": _FROM_LISTS, "W1_new": _STEP_FROM_LIST},
    )
    for index, (mistake, answers) in enumerate(MISTAKES.items()):
        person = f"{_FIRST[index % len(_FIRST)]} {_LAST[index % len(_LAST)]}"
        yield HandIn(person, f"misconception {mistake}", (MODULE, NOTEBOOK)[index % 3 == 0], answers)
    two = {**MISTAKES["bias_omitted"], **MISTAKES["mask_forgotten"]}
    yield HandIn("Tobias König", "two misconceptions: bias_omitted and mask_forgotten", answers=two)
    yield HandIn("Mia O'Connor", "a slip in z1, carried forward", answers={"z1": "x @ W1 + b1 + np.array([0.5, 0, 0])"})
    yield HandIn("Noah Copy", "the personal numbers of Anna Weber", MODULE, numbers_of="Anna Weber")
    yield HandIn(
        "Olga Petrova",
        "one name is missing",
        answers={"grad_h": None, "grad_z1": "grad_y_hat * W2 * (z1 > 0)"},
    )
    yield HandIn("Paul Fehler", "an exception in a middle cell", before="undefined_name + 1\n")
    yield HandIn("Rita Schleife", "an endless loop after the forward pass", answers={"loss": _ENDLESS})
    yield HandIn("Sven Laut", "prints 200 MB", MODULE, before='for _ in range(200):\n    print("x" * 1_000_000)\n')
    yield HandIn("Tina Exit", "calls exit() in the middle", before="exit()\n")
    yield HandIn(
        "Uwe Warnung",
        "warnings on stderr",
        MODULE,
        before='import warnings\nwarnings.warn("only a warning")\n',
    )
    yield HandIn(
        "Vera Bruch",
        "a notebook that is cut off",
        files={NOTEBOOK: b'{"cells": [{"cell_type": "code", "sour'},
    )
    yield HandIn("Willi Leer", "an empty file", files={NOTEBOOK: b""})
    yield HandIn("Xenia Beides", "the module filled in, the starter notebook untouched beside it", MODULE)
    yield HandIn("Yara Word", "only a text document", files={"answers.docx": b"PK\x03\x04 not a notebook"})
    unclear = {"draft.ipynb": b"{}", "last.ipynb": b"{ }"}
    yield HandIn("Zoe Zwei", "two notebooks that could be meant", files=unclear)
    yield HandIn("Ida Ohne", "an empty folder", files={})
    nothing = dict.fromkeys(RIGHT, "None")
    yield HandIn("Nora Nichts", "the starter, untouched", answers=nothing)
    name = unicodedata.normalize("NFD", 'Zoë "Zo" Müller + José')
    yield HandIn(name, "right, under a name with quotes, a plus and decomposed accents", MODULE)


_BOXED = "np.array([(y - y_hat) ** 2 / 2])"
_FROM_LISTS = "np.array(grad_h) * (np.array(z1) > 0)"
_STEP_FROM_LIST = "W1 - learning_rate * np.array(grad_W1)"
_ENDLESS = "(y - y_hat) ** 2 / 2\nwhile True:\n    pass"
