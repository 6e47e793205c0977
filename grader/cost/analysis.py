"""What a network costs: the one call that puts counting, memory and precision together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from grader.cost.counting import conventions
from grader.cost.folding import PRECISIONS, bytes_by_unit, folded_into, folded_parameters, weight_bytes
from grader.cost.memory import ActivationBytes, activation_bytes
from grader.cost.network import Network, read_network
from grader.cost.operations import Shape, Uncounted
from grader.cost.problems import CostError, explain
from grader.cost.schedule import Schedule, element_bytes, elements_of, schedule
from grader.probing import probing


@dataclass(frozen=True, slots=True)
class LayerCost:
    """A layer as it runs. ``parameters`` that an earlier run or layer counted already are not counted again."""

    name: str
    kind: str
    output: tuple[Shape, ...]
    parameters: int
    macs: int
    weight_bytes: int
    output_bytes: int
    folded: bool


@dataclass(frozen=True, slots=True)
class Cost:
    """What a network costs for one run on given inputs.

    ``parameters`` are those that training may change, batch normalisation kept; ``folded_parameters`` what is deployed.
    ``macs`` are multiply-accumulates, ``conventions`` the same by other countings (see :mod:`grader.cost.counting`).
    ``weight_bytes`` are given for each precision, as deployed; ``activation_bytes`` for ``precision``.
    ``notes`` say what the figures do not tell.
    """

    network: Network
    precision: str
    parameters: int
    folded_parameters: int
    macs: int
    conventions: Mapping[str, int]
    weight_bytes: Mapping[str, int]
    activation_bytes: ActivationBytes
    schedule: Schedule
    layers: tuple[LayerCost, ...]
    notes: tuple[str, ...]

    @property
    def deployed_bytes(self) -> int:
        """Bytes of the weights as they lie in flash: in the precision asked, with those of single layers."""
        return self.weight_bytes.get("mixed", self.weight_bytes[self.precision])


def analyse(
    model: Any,
    inputs: Sequence[Sequence[int] | tuple[Sequence[int], str]],
    precision: str = "float32",
    layers: Mapping[str, str] | None = None,
) -> Cost:
    """Return the cost of one run of a torch module or Keras model on ``inputs``.

    ``model`` is a model, or a class or function without arguments that makes one; then it is built without allocating
    its weights, where that is possible. ``inputs`` are the shapes of its inputs, batch first, each alone or with the
    type of its numbers: ``((1, 16), "int64")``. ``precision`` is ``float32``, ``float16`` or ``int8``; ``layers`` gives
    other precisions of weights to layers by name. Raises CostError for a model that cannot be built, does not run, or
    cannot be analysed, and ValueError for an unknown precision.
    """
    tracing = probing("tracing")
    wanted = [_input(one) for one in inputs]
    is_model = probing("objects").framework_of(model)
    found = tracing.trace_instance(model, wanted) if is_model else tracing.trace(model, wanted)
    return cost_of(read_trace(found, "the model"), precision, layers)


def _input(one: Any) -> dict[str, Any]:
    typed = len(one) == 2 and isinstance(one[1], str)
    shape, dtype = one if typed else (one, "float32")
    return {"shape": [int(side) for side in shape], "dtype": dtype}


def read_trace(found: Mapping[str, Any], name: str) -> Network:
    """Return the network of a trace. Raises CostError where it tells a problem, ValueError where it is none."""
    if "problem" in found:
        raise CostError(explain(found, name), analysable=found.get("problem") != "not analysable")
    return read_network(found)


def cost_of(network: Network, precision: str = "float32", layers: Mapping[str, str] | None = None) -> Cost:
    """Return the cost of a traced network; see :func:`analyse`."""
    unknown = [one for one in (precision, *(layers or {}).values()) if one not in PRECISIONS]
    if unknown:
        raise ValueError(f"no precision {unknown[0]!r}; there are: {', '.join(PRECISIONS)}")
    names = {unit.name for unit in network.units}
    strange = [one for one in layers or {} if one not in names]
    if strange:
        raise ValueError(f"no layer {strange[0]!r}; there are: {', '.join(sorted(filter(None, names)))}")
    plan = schedule(network, precision)
    by_precision = {one: weight_bytes(network, one) for one in PRECISIONS}
    if layers:
        by_precision["mixed"] = weight_bytes(network, precision, layers)
    return Cost(
        network,
        precision,
        network.parameters,
        folded_parameters(network),
        network.macs,
        conventions(network, precision),
        by_precision,
        activation_bytes(plan, precision),
        plan,
        _layers(network, precision, layers or {}),
        tuple(_notes(network, plan)),
    )


def _layers(network: Network, precision: str, precisions: Mapping[str, str]) -> tuple[LayerCost, ...]:
    counted: set[int] = set()
    folded = folded_into(network)
    held = bytes_by_unit(network, precision, precisions)
    found = []
    for index, unit in enumerate(network.units):
        new = [network.weights[one] for one in unit.weights if one not in counted]
        counted.update(unit.weights)
        dtype = network.buffers[unit.made[0].buffer].dtype if unit.made else "float32"
        found.append(
            LayerCost(
                unit.name,
                unit.kind,
                tuple(one.shape for one in unit.made),
                sum(one.size for one in new if not one.is_statistic),
                unit.macs,
                held[index],
                elements_of(unit) * element_bytes(dtype, precision),
                index in folded,
            )
        )
    return tuple(found)


def _notes(network: Network, plan: Schedule) -> list[str]:
    notes = []
    uncounted = {one.name for unit in network.units for one in unit.operations if isinstance(one, Uncounted)}
    if uncounted:
        notes.append(f"Not counted, though it multiplies and sums up: {', '.join(sorted(uncounted))}.")
    used = {index for unit in network.units for index in unit.weights}.union(network.changed)
    idle = [one.name for index, one in enumerate(network.weights) if index not in used]
    if idle:
        more = f" and {len(idle) - 3} more" if len(idle) > 3 else ""
        notes.append(f"Counted as parameters, but not used in this run: {', '.join(idle[:3])}{more}.")
    if network.changed:
        names = ", ".join(network.weights[one].name for one in network.changed[:3])
        notes.append(f"It writes into its own weights or buffers as it runs ({names}): memory does not tell when.")
    constants = network.constants()
    if constants:
        size = sum(network.buffers[one].elements for one in constants)
        notes.append(f"The model holds {size} numbers that are neither parameters nor buffers; they count as weights.")
    if any(0 in one.shape for one in (*network.inputs, *(made for unit in network.units for made in unit.made))):
        notes.append("There are tensors without elements, which cost nothing.")
    kinds = {one.dtype for one in network.weights} | {one.dtype for one in network.buffers}
    if any(one.startswith("complex") for one in kinds):
        notes.append("Complex numbers: a MAC of theirs is counted as one, though it takes four of real numbers.")
    if not plan.is_best:
        notes.append("Too many branches to try every order: memory is that of the order in which the layers ran.")
    return notes
