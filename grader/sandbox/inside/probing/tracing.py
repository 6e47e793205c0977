"""Traces what a torch or Keras model computes, as plain data: which operations, on which buffers, with which weights.

Nothing is computed while tracing: torch's fake tensors have shapes and no numbers. A *unit* is one layer of the
library as it runs, or one call of a function of torch outside of any; an *operation* is what torch itself carries out
inside of it (a convolution, a product of matrices, a pooling). A *buffer* is a storage, so that views share one.

The trusted side runs this on an author's own models, so it imports nothing of ours but its neighbours.
"""

from __future__ import annotations

import logging
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from math import prod
from typing import Any, cast

from . import objects, operations
from .cells import Cells

#: Of one run. A network that loops over more is not analysed.
MAX_UNITS = 20_000
#: A model that cannot be built without numbers is built with them, if it is not known to have more weights than this.
MAX_BUILT_WEIGHTS = 200_000_000

_DATA_DEPENDENT = ("DataDependentOutputException", "DynamicOutputShapeException", "GuardOnDataDependentSymNode")
_OUT_OF_TORCH = (".numpy() is not supported", "meta tensor", "tolist() is not supported", "data_ptr")
#: Functions that torch carries out in many operations, and that are one to us.
_RECURRENT = {"lstm": 4, "gru": 3, "rnn_tanh": 1, "rnn_relu": 1}
_KERAS_ALIASES = frozenset(
    {"Flatten", "Reshape", "Dropout", "SpatialDropout1D", "SpatialDropout2D", "SpatialDropout3D", "AlphaDropout"}
    | {"GaussianDropout", "GaussianNoise", "Identity", "ActivityRegularization", "InputLayer"}
)


class UntraceableError(Exception):
    """The model cannot be traced; ``problem`` says why, as :func:`trace` returns it."""

    def __init__(self, problem: dict[str, Any]) -> None:
        super().__init__(str(problem))
        self.problem = problem


def trace(make: Callable[[], Any], inputs: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return the trace of the model that ``make`` returns, given ``inputs`` (the ``shape`` and ``dtype`` of each).

    A model is built without its weights where that is possible. The answer has ``framework``, ``type``, ``buffers``,
    ``weights``, ``units``, ``inputs`` and ``outputs``; or ``problem``:

    - ``construct`` (with ``error`` and ``message``) and ``no model`` (with ``type``);
    - ``invalid``: running it raised ``error`` with ``message`` at ``place``, in ``unit`` (None outside of any);
    - ``not analysable``, for a ``reason``, at ``place``: what is computed depends on numbers, or is unknown to us.
    """
    try:
        for build in (_faked, _hollowed):
            model, fake = build(make)
            if model is not None:
                try:
                    return _Tracer(model, fake).trace(inputs)
                except UntraceableError:
                    if _count(model) > MAX_BUILT_WEIGHTS:
                        raise
        return trace_instance(_built(make), inputs)
    except UntraceableError as error:
        return error.problem


def trace_instance(model: Any, inputs: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return the trace of a model with weights, as :func:`trace`."""
    if not objects.framework_of(model):
        return {"problem": "no model", "type": type(model).__name__}
    try:
        return _Tracer(model, _fake_mode()).trace(inputs)
    except UntraceableError as error:
        return error.problem


# Building


def _fake_mode() -> Any:
    from torch._subclasses.fake_tensor import FakeTensorMode  # noqa: PLC0415 - slow to import, and seldom needed

    return FakeTensorMode(allow_non_fake_inputs=True)


def _faked(make: Callable[[], Any]) -> tuple[Any, Any]:
    """Return a torch module with fake weights, and the mode they belong to; or nothing."""
    fake = _fake_mode()
    try:
        with fake:
            model = make()
    except TimeoutError:
        raise
    except Exception:  # noqa: BLE001 - whatever a constructor raises; it is tried again with weights
        return None, None
    return (model, fake) if objects.framework_of(model) == "torch" and not _is_lazy(model) else (None, None)


def _hollowed(make: Callable[[], Any]) -> tuple[Any, Any]:
    """Return a Keras model whose weights were replaced by fake ones, and the mode they belong to; or nothing."""
    keras: Any = sys.modules.get("keras")
    if keras is None:
        return None, None
    try:
        with keras.device("meta"):
            model = make()
        if objects.framework_of(model) != "keras" or not model.built:
            return None, None
        fake = _fake_mode()
        with fake:
            for one in model.variables:
                one._value = _as_parameter(one._value)
    except TimeoutError:
        raise
    except Exception:  # noqa: BLE001 - as above
        return None, None
    return model, fake


def _as_parameter(value: Any) -> Any:
    torch = sys.modules["torch"]
    empty = torch.empty(tuple(value.shape), dtype=value.dtype, device="cpu")
    return torch.nn.Parameter(empty, requires_grad=False)


def _built(make: Callable[[], Any]) -> Any:
    try:
        return make()
    except TimeoutError:
        raise
    except Exception as error:
        message = objects.text_of(error)
        problem = {"problem": "construct", "error": type(error).__name__, "message": message, "place": place_of(error)}
        raise UntraceableError(problem) from error


def _is_lazy(model: Any) -> bool:
    return any(type(one).__name__.startswith("Uninitialized") for one in model.parameters())


def _count(model: Any) -> int:
    weights = (one.value for one in model.weights) if objects.framework_of(model) == "keras" else model.parameters()
    return sum(one.numel() for one in weights)


def place_of(error: BaseException) -> str:
    """Return where in code that is neither a library's nor ours an exception was raised: ``line 14, in forward``."""
    libraries = {"torch", "keras", "numpy", *sys.stdlib_module_names}
    found, trace_back = "", error.__traceback__
    while trace_back is not None:
        code = trace_back.tb_frame.f_code
        own = __name__.rpartition(".")[0]
        module = str(trace_back.tb_frame.f_globals.get("__name__", ""))
        if module.partition(".")[0] not in libraries and not module.startswith(own):
            found = f"line {trace_back.tb_lineno}, in {code.co_name}"
        trace_back = trace_back.tb_next
    return found


# Tracing


class _Tracer:
    """Runs a model once and notes its units. Storages are kept alive, since they are told by their addresses."""

    def __init__(self, model: Any, fake: Any) -> None:
        self.model, self.fake = model, fake
        self.framework = objects.framework_of(model)
        self.torch: Any = sys.modules["torch"]
        self.units: list[dict[str, Any]] = []
        self.unit: dict[str, Any] | None = None
        self._buffers: dict[int, int] = {}
        self._sizes: list[dict[str, Any]] = []
        self._weights: dict[int, int] = {}
        self._named: list[dict[str, Any]] = []
        self._changed: set[int] = set()
        self._kept: list[Any] = []
        self._muted = False
        self._cells = Cells()

    def trace(self, inputs: Sequence[dict[str, Any]]) -> dict[str, Any]:
        """Return what :func:`trace` returns. Raises UntraceableError."""
        with _quiet():
            return self._trace(inputs)

    def _trace(self, inputs: Sequence[dict[str, Any]]) -> dict[str, Any]:
        modes = [(one, one.training) for one in self.model.modules()] if self.framework == "torch" else []
        if any(".quantized" in type(one).__module__ for one, _ in modes):
            raise _quantised()
        attention = self.torch.backends.mha
        fast = attention.get_fastpath_enabled()
        attention.set_fastpath_enabled(False)  # one operation that shows nothing of what it does
        try:
            for module, _ in modes:
                module.training = False
            with self.torch.no_grad():
                self._materialise(inputs)
                self._guarded(self._note_weights)
                with self.fake:
                    given = self._guarded(lambda: [self._input(one) for one in inputs])
                    result = self._run(given)
                    return self._answer(given, result)
        finally:
            attention.set_fastpath_enabled(fast)
            for module, mode in modes:
                module.training = mode

    def _materialise(self, inputs: Sequence[dict[str, Any]]) -> None:
        """Let lazy layers, and a Keras model that is not built, make their weights."""
        lazy = not self.model.built if self.framework == "keras" else _is_lazy(self.model)
        if lazy:
            self._guarded(lambda: self._call([self._input(one) for one in inputs]))

    def _input(self, wanted: dict[str, Any]) -> Any:
        dtype = getattr(self.torch, wanted["dtype"])
        if dtype.is_floating_point and self.framework == "torch":
            dtype = next((one.dtype for one in self.model.parameters() if one.dtype.is_floating_point), dtype)
        return self.torch.zeros(wanted["shape"], dtype=dtype)

    def _call(self, given: Sequence[Any]) -> Any:
        if self.framework == "keras":
            wanted = len(getattr(self.model, "inputs", None) or given)
            if wanted != len(given):  # Keras takes what it needs, and only warns
                raise TypeError(f"it takes {wanted} inputs, and {len(given)} were given")
            return self.model(given[0] if len(given) == 1 else list(given), training=False)
        return self.model(*given)

    def _run(self, given: Sequence[Any]) -> Any:
        with self._watch_modules(), self._watch_keras(), self._watch_functions(), self._watch_operations():
            return self._guarded(lambda: self._call(given))

    def _guarded(self, action: Callable[[], Any]) -> Any:
        try:
            return action()
        except (TimeoutError, UntraceableError):
            raise
        except Exception as error:
            raise UntraceableError(self._problem(error)) from error

    def _problem(self, error: Exception) -> dict[str, Any]:
        """Return what an exception in ``forward`` says about the model, as :func:`trace` returns it."""
        message, name = objects.text_of(error), type(error).__name__
        reason = message if "UnsupportedFakeTensor" in name or "UnsupportedOperator" in name else ""
        if name in _DATA_DEPENDENT or any(words in message for words in _OUT_OF_TORCH):
            reason = "depends on numbers"
        if reason:
            return {"problem": "not analysable", "reason": reason, "place": place_of(error)}
        found = {"problem": "invalid", "error": name, "message": message, "place": place_of(error)}
        return {**found, "unit": self._shown()}

    def _shown(self) -> dict[str, Any] | None:
        """Return the unit that was running, with the shapes of its weights."""
        if self.unit is None:
            return None
        shapes = [self._named[index]["shape"] for index in self.unit["weights"]]
        return {key: self.unit[key] for key in ("kind", "name", "given")} | {"weights": shapes}

    def _answer(self, given: Sequence[Any], result: Any) -> dict[str, Any]:
        if not objects.tensors_in(result):
            message = f"it returns something of type {type(result).__name__} and no tensor; is a `return` missing?"
            problem = {"problem": "invalid", "error": "TypeError", "message": message, "place": "", "unit": None}
            raise UntraceableError(problem)
        return {
            "framework": self.framework,
            "type": type(self.model).__name__,
            "inputs": self._references(given),
            "outputs": self._references(result),
            "units": self.units,
            "weights": self._named,
            "buffers": self._sizes,
            "changed": sorted(self._changed),
        }

    # Buffers and weights

    def _note_weights(self) -> None:
        for name, tensor, is_statistic in self._own_weights():
            key = self._key(tensor)
            if key not in self._weights:  # tied weights are one
                self._weights[key] = len(self._named)
                dtype = str(tensor.dtype).removeprefix("torch.")
                facts = {"name": name, "shape": list(tensor.shape), "dtype": dtype, "statistic": is_statistic}
                self._named.append(facts)
            if not self.fake.is_our_fake(tensor):  # views of a weight with numbers will be of its fake twin
                self._weights.setdefault(self._key(self.fake.from_tensor(tensor)), self._weights[key])

    def _own_weights(self) -> Iterator[tuple[str, Any, bool]]:
        if self.framework == "keras":
            for one in self.model.weights:
                if "int" not in str(one.dtype) or one.name != "count":  # of batches, as in torch
                    yield str(one.path), one.value, not one.trainable and objects.is_statistic(str(one.path))
            return
        base = objects.torch_module()
        yield from ((name, one, False) for name, one in base.named_parameters(self.model))
        counters = ("num_batches_tracked",)
        buffers = base.named_buffers(self.model)
        yield from ((name, one, True) for name, one in buffers if not name.endswith(counters))

    def _key(self, tensor: Any) -> int:
        storage = tensor.untyped_storage()
        self._kept.append(storage)
        return int(storage._cdata)

    def _references(self, value: Any) -> list[dict[str, Any]]:
        """Return buffer and shape of every tensor in a value that is no weight."""
        found = []
        for tensor in objects.tensors_in(value):
            key = self._key(tensor)
            if key not in self._weights:
                sides, strides = ([int(one) for one in each] for each in (tensor.shape, tensor.stride()))
                found.append({"buffer": self._buffer(key, tensor), "shape": sides, "strides": strides})
        return found

    def _buffer(self, key: int, tensor: Any) -> int:
        if key not in self._buffers:
            self._buffers[key] = len(self._sizes)
            size = tensor.untyped_storage().nbytes() // tensor.element_size()
            self._sizes.append({"elements": int(size), "dtype": str(tensor.dtype).removeprefix("torch.")})
        return self._buffers[key]

    def _used(self, tensors: Sequence[Any]) -> list[int]:
        keys = [self._key(one) for one in tensors if one is not None]
        return list(dict.fromkeys(self._weights[key] for key in keys if key in self._weights))

    # Units

    @contextmanager
    def _running(self, kind: str, name: str, given: Any, weights: Sequence[Any]) -> Iterator[dict[str, Any]]:
        """Make one unit of what runs in the block; what raises is left as the unit that was running."""
        if len(self.units) >= MAX_UNITS:
            reason = f"it takes more than {MAX_UNITS} steps"
            raise UntraceableError({"problem": "not analysable", "reason": reason, "place": ""})
        unit: dict[str, Any] = {"kind": kind, "name": name, "given": self._references(given), "operations": []}
        unit |= {"weights": self._used(weights), "overwrites": []}
        self.unit = unit
        yield unit
        self.unit = None

    def _finish(self, unit: dict[str, Any], result: Any, *, always: bool) -> None:
        """Keep a unit, unless it is a function that only looks at what is there in another way."""
        unit["made"] = self._references(result)
        returned = {one["buffer"] for one in unit["made"]}
        written = {one["buffer"]: one for one in unit["overwrites"]}
        unit["made"] += [one for buffer, one in written.items() if buffer not in returned]  # by `y[:, :2] = z`
        unit["overwrites"] = list(written)
        known = {one["buffer"] for one in unit["given"]} - set(written)
        is_view = not unit["operations"] and {one["buffer"] for one in unit["made"]} <= known
        if unit["made"] and (always or not is_view):
            self.units.append(unit)

    @contextmanager
    def _watch_modules(self) -> Iterator[None]:
        if self.framework != "torch":
            yield
            return
        handles: list[Any] = []
        entered: list[tuple[Any, Any, dict[str, Any]]] = []

        def enter(module: Any, given: Any, named: Any) -> None:
            if self.unit is None:
                running = self._running(type(module).__name__, names[module], (given, named), _weights_in(module))
                unit = running.__enter__()
                unit["settings"] = objects.settings_of(module)
                entered.append((module, running, unit))

        def leave(module: Any, _given: Any, _named: Any, result: Any) -> None:
            if entered and entered[-1][0] is module:
                _, running, unit = entered.pop()
                running.__exit__(None, None, None)
                self._finish(unit, result, always=True)

        names = {module: name for name, module in objects.torch_module().named_modules(self.model)}
        for module in names:
            if objects.is_leaf(module) and not type(module).__name__.startswith("Transformer"):
                handles.append(module.register_forward_pre_hook(enter, with_kwargs=True))
                handles.append(module.register_forward_hook(leave, with_kwargs=True))
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()

    @contextmanager
    def _watch_keras(self) -> Iterator[None]:
        if self.framework != "keras":
            yield
            return
        layers: Any = sys.modules["keras.layers"]
        original = layers.Layer.__call__

        def traced(layer: Any, *given: Any, **named: Any) -> Any:
            if self.unit is not None:
                return self._inner(original, layer, given, named)
            if not objects.is_keras_leaf(layer):
                return original(layer, *given, **named)
            weights = [one.value for one in layer.weights]
            with self._running(type(layer).__name__, layer.name, (given, named), weights) as unit:
                unit["settings"] = objects.settings_of_keras(layer)
                result = self._inner(original, layer, given, named)
            known = len(self._sizes)
            self._finish(unit, result, always=True)
            self._shrink(unit["made"], known)
            unit["axis"] = objects.channel_axis(layer, len(unit["made"][0]["shape"]) if unit["made"] else 1)
            if type(layer).__name__ in _KERAS_ALIASES and len(unit["made"]) == len(unit["given"]) == 1:
                unit["made"][0]["buffer"] = unit["given"][0]["buffer"]
                self._buffers[self._key(objects.tensors_in(result)[0])] = unit["given"][0]["buffer"]
            return result

        layers.Layer.__call__ = traced
        try:
            yield
        finally:
            layers.Layer.__call__ = original

    def _shrink(self, made: Sequence[dict[str, Any]], known: int) -> None:
        """Give the buffers that a layer made the size of what it returns: its own crops are no concern of others."""
        returned: dict[int, int] = {}
        for one in made:
            returned[one["buffer"]] = returned.get(one["buffer"], 0) + prod(one["shape"])
        for buffer, elements in returned.items():
            if buffer >= known:
                self._sizes[buffer]["elements"] = min(self._sizes[buffer]["elements"], elements)

    def _inner(self, original: Callable[..., Any], layer: Any, given: Any, named: dict[str, Any]) -> Any:
        noted = cast("dict[str, Any]", self.unit)["operations"]
        return self._cells.run(layer, (given, named), noted, lambda: original(layer, *given, **named))

    @contextmanager
    def _watch_functions(self) -> Iterator[None]:
        tracer = self

        class Mode(self.torch.overrides.TorchFunctionMode):  # type: ignore[misc, name-defined]
            def __torch_function__(self, function: Any, _types: Any, args: Any = (), kwargs: Any = None) -> Any:
                return tracer._function(function, args, kwargs or {})

        with Mode():
            yield

    def _function(self, function: Callable[..., Any], given: Any, named: dict[str, Any]) -> Any:
        name = str(getattr(function, "__name__", ""))
        if self.unit is not None:
            return self._recurrent(name, function, given, named)
        with self._running(name, "", (given, named), objects.tensors_in((given, named))) as unit:
            result = self._recurrent(name, function, given, named)
        self._finish(unit, result, always=False)
        return result

    def _recurrent(self, name: str, function: Callable[..., Any], given: Any, named: dict[str, Any]) -> Any:
        """Return what the function returns; of a recurrent one note one operation in place of those for each step."""
        if name not in _RECURRENT or self._muted:
            return function(*given, **named)
        self._muted = True
        try:
            result = function(*given, **named)
        finally:
            self._muted = False
        cast("dict[str, Any]", self.unit)["operations"].append(operations.recurrent(_RECURRENT[name], given, result))
        return result

    @contextmanager
    def _watch_operations(self) -> Iterator[None]:
        tracer = self
        from torch.utils import _python_dispatch  # noqa: PLC0415 - torch is loaded by now

        base: Any = _python_dispatch.TorchDispatchMode

        class Mode(base):  # type: ignore[misc]
            def __torch_dispatch__(self, function: Any, _types: Any, args: Any = (), kwargs: Any = None) -> Any:
                result = function(*args, **(kwargs or {}))
                tracer._operation(function, args, kwargs or {}, result)
                return result

        with Mode():
            yield

    def _operation(self, function: Any, given: Any, named: dict[str, Any], result: Any) -> None:
        if self.unit is None or self._muted:
            return
        if function.namespace in {"quantized", "_quantized"}:
            raise _quantised()
        overwritten = operations.overwritten(function, given, named)
        there = [one for one in overwritten if self._key(one) in self._buffers]
        self.unit["overwrites"] += self._references(there)
        self._changed.update(self._used(overwritten))
        name = str(function.__name__).partition(".")[0]
        found = operations.note(name, given, result)
        if found is None:
            return
        if found["op"] == "matrices":  # weights to the left make rows
            right = given[operations.MATRICES[name][1]]
            self.unit["axis"] = -1 if self._key(right) in self._weights else -2
        if found.get("name") == "add" and any(self._is_bias(one) for one in objects.tensors_in(list(given[:2]))):
            found["name"] = "bias"
        self.unit["operations"].append(found)

    def _is_bias(self, tensor: Any) -> bool:
        """Return whether a tensor is a weight, or a part of one, that is added to each element of a channel."""
        index = self._weights.get(self._key(tensor))
        if index is None:
            return False
        return len(self._named[index]["shape"]) < 2 or self._named[index]["name"].endswith("bias")


def _quantised() -> UntraceableError:
    reason = "it is quantised: hand in the network with floating-point weights"
    return UntraceableError({"problem": "not analysable", "reason": reason, "place": ""})


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep to ourselves what torch has to say about exceptions while tracing, and warns of."""
    log = logging.getLogger("torch._subclasses.fake_tensor")
    before, log.disabled = log.disabled, True
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        log.disabled = before


def _weights_in(module: Any) -> list[Any]:
    """Return the weights of a layer, with those of layers inside of it, as in multi-head attention."""
    return [one for inner in module.modules() for one in objects.own_tensors(inner)]
