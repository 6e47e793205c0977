"""Describes a torch or Keras model as plain data: its layers as they run, its weights, and what it computes.

The trusted side runs this on the reference's models, so that both descriptions are made by the same code. It and what
it imports are therefore found in one folder, and import nothing else of ours.
"""

from __future__ import annotations

import copy
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, cast

import numpy as np

from . import objects

#: Of one run; more is cut off, as in a network that loops over time.
MAX_STEPS = 1000
MAX_TENSORS = 2000


class Network:
    """A model in eval mode. ``steps`` and the order of ``tensors`` are known after :meth:`trace`."""

    def __init__(self, model: Any) -> None:
        self.model = model
        self.framework = objects.framework_of(model)
        self.built = bool(getattr(model, "built", True)) if self.framework == "keras" else True
        self.steps: list[dict[str, Any]] = []
        self.failing: dict[str, Any] | None = None
        self._used: dict[int, Any] = {}
        self._depth = 0

    @contextmanager
    def undisturbed(self) -> Iterator[None]:
        """Put the model into eval mode; afterwards it is in the modes and has the weights that it had."""
        is_torch = self.framework == "torch"
        modes = [(one, one.training) for one in objects.torch_module().modules(self.model)] if is_torch else []
        kept = self.kept()
        if modes:
            self.model.eval()
        try:
            yield
        finally:
            for module, mode in modes:
                module.training = mode
            self.restore(kept)

    def run(self, inputs: Sequence[Any]) -> Any:
        """Return what the model makes of ``inputs``, arrays, without gradients; whatever it raises comes out."""
        with objects.without_gradients():
            return objects.plain_output(self._call(self._given(inputs)))

    def _call(self, given: Sequence[Any]) -> Any:
        return self.model(*given, training=False) if self.framework == "keras" else self.model(*given)

    def _given(self, inputs: Sequence[Any]) -> list[Any]:
        return [self._as_input(one) for one in inputs]

    def _as_input(self, value: Any) -> Any:
        """Return a fresh input: floats in single precision, for torch as a tensor of the weights' precision."""
        if hasattr(value, "detach"):
            value = value.detach().cpu().numpy()
        if not isinstance(value, np.ndarray | np.generic):
            return copy.deepcopy(value)
        array = np.array(value, dtype=np.float32 if value.dtype.kind == "f" else value.dtype)
        if self.framework != "torch":
            return array
        tensor = sys.modules["torch"].from_numpy(array)
        return tensor.to(self._dtype()) if tensor.is_floating_point() else tensor

    def _dtype(self) -> Any:
        """Return the type of number that the model calculates with."""
        floats = (one.dtype for one in objects.torch_module().parameters(self.model) if one.dtype.is_floating_point)
        return next(floats, sys.modules["torch"].get_default_dtype())

    def trace(self, inputs: Sequence[Any]) -> Any:
        """Return what the model makes of ``inputs``, noting its steps; ``failing`` is the one that raised, if any.

        A step is a layer of the library, or a call of a function of torch on tensors outside of any such layer.
        """
        if self.framework == "keras" and not self.built:
            self.run(inputs)  # making the weights is no step
        given = self._given(inputs)
        with objects.without_gradients():
            with self._watch_modules(), self._watch_keras(), self._watch_functions():
                result = self._call(given)
            return objects.plain_output(result)

    # What is watched

    @contextmanager
    def _watch_modules(self) -> Iterator[None]:
        hooks: Any = sys.modules.get("torch.nn.modules.module")
        if self.framework != "torch" or hooks is None:
            yield
            return
        names = {id(module): name for name, module in objects.torch_module().named_modules(self.model)}
        handles = [
            hooks.register_module_forward_pre_hook(lambda module, given: self._enter(module, names, given)),
            hooks.register_module_forward_hook(lambda module, _given, result: self._leave(module, result)),
        ]
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()

    def _enter(self, module: Any, names: dict[int, str], given: Any) -> None:
        if not objects.is_leaf(module):
            return
        self._depth += 1
        if self._depth == 1:
            name = names.get(id(module), "")
            self.failing = {"kind": type(module).__name__, "name": name, "inputs": objects.shapes_of(given)}
            self.failing["settings"] = objects.settings_of(module)

    def _leave(self, module: Any, result: Any) -> None:
        if not objects.is_leaf(module):
            return
        self._depth -= 1
        if self._depth == 0 and self.failing is not None:
            # Again: a lazy layer has become another one, with weights.
            self.failing |= {"kind": type(module).__name__, "settings": objects.settings_of(module)}
            self._note(objects.own_tensors(module))
            self._done(result)

    @contextmanager
    def _watch_keras(self) -> Iterator[None]:
        layers: Any = sys.modules.get("keras.layers")
        if self.framework != "keras" or layers is None:
            yield
            return
        original = layers.Layer.__call__

        def traced(layer: Any, *given: Any, **named: Any) -> Any:
            if self._depth or not objects.is_keras_leaf(layer):
                return original(layer, *given, **named)
            self.failing = {"kind": type(layer).__name__, "name": layer.name, "inputs": objects.shapes_of(given)}
            self.failing["settings"] = objects.settings_of_keras(layer)
            self._depth += 1
            try:
                result = original(layer, *given, **named)
            finally:
                self._depth -= 1
            self._note(variable.value for variable in layer.weights)
            self._done(result)
            return result

        layers.Layer.__call__ = traced
        try:
            yield
        finally:
            layers.Layer.__call__ = original

    @contextmanager
    def _watch_functions(self) -> Iterator[None]:
        torch: Any = sys.modules.get("torch")
        if torch is None:
            yield
            return
        network = self

        class Mode(torch.overrides.TorchFunctionMode):  # type: ignore[misc]
            def __torch_function__(self, function: Any, _types: Any, args: Any = (), kwargs: Any = None) -> Any:
                return network._function(function, args, kwargs or {})

        with Mode():
            yield

    def _function(self, function: Callable[..., Any], given: Any, named: dict[str, Any]) -> Any:
        tensors = [one for one in (*given, *named.values()) if objects.is_tensor(one)]
        if self._depth or not tensors:
            return function(*given, **named)
        before = self.failing
        self.failing = {
            "call": str(getattr(function, "__name__", "")),
            "inputs": objects.shapes_of(given),
            "arguments": [objects.plain_setting(one) for one in given],
            "keywords": {str(key): objects.plain_setting(one) for key, one in named.items()},
        }
        result = function(*given, **named)
        if objects.shapes_of(result):
            self._note(tensors)
            self._done(result)
        self.failing = before
        return result

    def _note(self, tensors: Any) -> None:
        for tensor in tensors:
            if tensor is not None:
                self._used.setdefault(id(tensor), tensor)

    def _done(self, result: Any) -> None:
        if len(self.steps) < MAX_STEPS and self.failing is not None:
            shapes = objects.shapes_of(result)
            self.steps.append({**self.failing, "output": shapes[0] if shapes else None})
        self.failing = None

    # Weights

    def tensors(self) -> list[dict[str, Any]]:
        """Return all weights: those used first in the order of their use, then the others in that of the model.

        Each has ``name``, ``shape`` (None where a lazy layer never ran), ``trainable``, ``buffer`` (a running mean and
        the like), ``used`` and ``finite``. Integers, such as counters, are left out.
        """
        return [{**facts, "finite": self._is_finite(facts, one)} for facts, one in self._entries()]

    def _is_finite(self, facts: dict[str, Any], tensor: Any) -> bool:
        return facts["shape"] is None or bool(np.isfinite(self._numbers(tensor)).all())

    def _entries(self) -> list[tuple[dict[str, Any], Any]]:
        if self.framework == "keras":
            own = {id(one.value): self._keras_entry(one) for one in self.model.weights}
        else:
            base = objects.torch_module()
            pairs = [
                *((name, one, False) for name, one in base.named_parameters(self.model)),
                *((name, one, True) for name, one in base.named_buffers(self.model)),
            ]
            own = {id(one): self._torch_entry(name, one, is_buffer) for name, one, is_buffer in pairs}
        order = [key for key in self._used if key in own]
        order += [key for key in own if key not in self._used]
        found = [own[key] for key in order if own[key][0] is not None]
        return found[:MAX_TENSORS]

    def _torch_entry(self, name: str, tensor: Any, is_buffer: bool) -> tuple[Any, Any]:  # noqa: FBT001
        lazy = type(tensor).__name__.startswith("Uninitialized")
        if not lazy and not tensor.is_floating_point():
            return None, tensor
        facts = {
            "name": name,
            "shape": None if lazy else list(tensor.shape),
            "trainable": not is_buffer and bool(tensor.requires_grad),
            "buffer": is_buffer,
            "used": id(tensor) in self._used,
        }
        return facts, tensor

    def _keras_entry(self, variable: Any) -> tuple[Any, Any]:
        if "float" not in str(variable.dtype):
            return None, variable
        facts = {
            "name": str(variable.path),
            "shape": [int(length) for length in variable.shape],
            "trainable": bool(variable.trainable),
            "buffer": not variable.trainable and objects.is_statistic(str(variable.path)),
            "used": id(variable.value) in self._used,
        }
        return facts, variable

    def kept(self) -> list[tuple[Any, Any]]:
        """Return all weights with copies of their numbers, for :meth:`restore`."""
        pairs = [(one, facts["shape"]) for facts, one in self._entries()]
        return [(one, self._numbers(one).copy()) for one, shape in pairs if shape is not None]

    def restore(self, kept: list[tuple[Any, Any]]) -> None:
        """Give weights the numbers that they had."""
        for tensor, array in kept:
            self._assign(tensor, array)

    def _numbers(self, tensor: Any) -> Any:
        return objects.to_numpy(tensor.value if self.framework == "keras" else tensor)

    def drawn(self, seed: int, spread: float) -> list[Any]:
        """Return drawn numbers for all weights, for :meth:`fill`."""
        entries = enumerate(self._entries())
        return [objects.draw(self.framework, seed, spread, index, facts) for index, (facts, _) in entries]

    def fill(self, arrays: Sequence[Any]) -> None:
        """Replace the weights, in the order of :meth:`tensors`, by ``arrays`` of their shapes; None leaves one be."""
        for (_, tensor), array in zip(self._entries(), arrays, strict=True):
            if array is not None:
                self._assign(tensor, array)

    def _assign(self, tensor: Any, array: Any) -> None:
        if self.framework == "keras":
            tensor.assign(np.asarray(array, dtype=np.float32))
        else:
            with objects.without_gradients():
                tensor.copy_(sys.modules["torch"].from_numpy(np.array(array, order="C")))

    def idle(self) -> list[dict[str, Any]]:
        """Return the layers of the model that the traced run did not come to, in the order of their making."""
        if self.framework != "torch":
            return []
        seen = {step["name"] for step in [*self.steps, *([self.failing] if self.failing else [])] if step.get("name")}
        return [
            {"kind": type(module).__name__, "name": name, "settings": objects.settings_of(module)}
            for name, module in objects.torch_module().named_modules(self.model)
            if name and name not in seen and objects.is_leaf(module)
        ]


def describe(network: Network, cases: Sequence[Sequence[Any]], seed: int | None = None) -> dict[str, Any]:
    """Return what a model is and does with each of ``cases`` (lists of inputs), as plain data.

    - ``framework``, ``type`` and, for Keras, whether it was ``built`` before it was called;
    - ``steps``, from the first case; ``idle``, the layers that it did not come to; ``tensors``;
    - ``outputs`` of each case, and ``steady``: whether a second call with the first case gives the same;
    - ``drawn``, the outputs with each draw of weights from ``seed``, where one is given; then it has its own again;
    - ``failed``, where a call raised: ``error``, ``message`` and the ``step`` (None outside of any), and ``case``.
    """
    found: dict[str, Any] = {
        "framework": network.framework,
        "type": str(type(network.model).__name__),
        "built": network.built,
        "outputs": [],
        "drawn": [],
        "steady": True,
        "failed": None,
    }
    with network.undisturbed():
        try:
            for index, case in enumerate(cases):
                found["case"] = index
                found["outputs"].append(network.run(case) if index else network.trace(case))
            found["steady"] = not cases or objects.same_output(found["outputs"][0], network.run(cases[0]))
            found["tensors"] = network.tensors()
            for spread in objects.SPREADS if seed is not None else ():
                network.fill(network.drawn(cast("int", seed), spread))
                found["drawn"] += [network.run(case) for case in cases]
        except TimeoutError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever a student's forward raises
            step = network.failing
            found["failed"] = {"error": type(error).__name__, "message": objects.text_of(error), "step": step}
        found.setdefault("tensors", network.tensors())
    return {**found, "steps": network.steps, "idle": network.idle()}
