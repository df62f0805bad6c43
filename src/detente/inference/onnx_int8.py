"""8-bit matrix products in an ONNX graph, each row of the activations with a scale of its own.

The usual dynamic quantisation gives a whole batch one scale, so that what a text gets depends on the texts
beside it. Here a row (a token) is scaled by its own largest value: the same text gives the same numbers in
any batch, and the error is smaller (Dettmers et al. 2022, vector-wise quantisation).
"""

import copy
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

# Without VNNI, MLAS adds pairs of 8-bit products in 16 bits, which overflow unless the weights keep to 7 bits.
_FULL, _REDUCED = 127, 63
_MIDDLE = 128


def quantise(
    model: Any, *, full_range: bool, spare_widening: bool = False, peaks: Mapping[str, Any] | None = None
) -> int:
    """Replace, in place, every product with a constant matrix by an 8-bit one; returns how many.

    Weights are symmetric by output column. `full_range` uses all of the 8 bits, for processors with VNNI.
    `spare_widening` leaves matrices with more outputs than inputs, the first of a feed-forward block, as they are.
    `peaks`, from `measure`, are the largest values of each channel of the products' inputs: channels that stand
    out are scaled down and their weights up (SmoothQuant, Xiao et al. 2023, with its alpha of a half).
    """
    from onnx import helper, numpy_helper

    graph = model.graph
    constants = {tensor.name: tensor for tensor in graph.initializer}
    smooth = _smoothing(_products(graph, spare_widening), constants, peaks or {})
    wanted = {node.output[0] for node in _products(graph, spare_widening)}
    nodes: list[Any] = []
    scaled: dict[str, tuple[str, str]] = {}
    replaced: list[str] = []
    for node in graph.node:
        if node.output[0] not in wanted:
            nodes.append(node)
            continue
        factor = smooth.get(node.input[0])
        if node.input[0] not in scaled:
            made, names = _scaled_rows(node.input[0], len(scaled), factor, graph)
            nodes += made
            scaled[node.input[0]] = names
        ints, scale = scaled[node.input[0]]
        stem = f"int8_{len(replaced)}"
        weights = numpy_helper.to_array(constants[node.input[1]])
        weights = weights if factor is None else weights * factor[:, None]
        columns = _columns(weights, _FULL if full_range else _REDUCED)
        for name, array in zip((f"{stem}_w", f"{stem}_s"), columns, strict=True):
            graph.initializer.append(numpy_helper.from_array(array, name))
        inputs = [ints, f"{stem}_w", "int8_one", f"{stem}_s", "int8_middle"]
        nodes += [
            helper.make_node("MatMulIntegerToFloat", inputs, [f"{stem}_y"], domain="com.microsoft"),
            helper.make_node("Mul", [f"{stem}_y", scale], [node.output[0]]),
        ]
        replaced.append(node.input[1])
    _put(graph, nodes, replaced)
    if replaced and not any(opset.domain == "com.microsoft" for opset in model.opset_import):
        model.opset_import.append(helper.make_opsetid("com.microsoft", 1))
    return len(replaced)


def measure(model: Any, batches: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The largest absolute value of each channel of the inputs of products, over batches of the graph's inputs."""
    from onnx import helper
    from onnxruntime import InferenceSession

    names = sorted({node.input[0] for node in _products(model.graph, spare_widening=False)})
    probe = copy.deepcopy(model)
    del probe.graph.output[:]
    probe.graph.output.extend(helper.make_empty_tensor_value_info(name) for name in names)
    session = InferenceSession(probe.SerializeToString(), providers=["CPUExecutionProvider"])
    kinds = {i.name: np.dtype("int32" if "int32" in i.type else "int64") for i in session.get_inputs()}
    peaks: dict[str, Any] = {}
    for batch in batches:
        values = session.run(names, {name: batch[name].astype(kind) for name, kind in kinds.items()})
        for name, value in zip(names, values, strict=True):
            largest = np.abs(value).reshape(-1, value.shape[-1]).max(axis=0)
            peaks[name] = np.maximum(peaks.get(name, 0), largest)
    return peaks


def _products(graph: Any, spare_widening: bool) -> list[Any]:
    """The products with a constant matrix."""
    matrices = {tensor.name: tensor.dims for tensor in graph.initializer if len(tensor.dims) == 2}
    found = [node for node in graph.node if node.op_type == "MatMul" and node.input[1] in matrices]
    if not spare_widening:
        return found
    return [node for node in found if matrices[node.input[1]][1] <= matrices[node.input[1]][0]]


def _smoothing(products: Sequence[Any], constants: Mapping[str, Any], peaks: Mapping[str, Any]) -> dict[str, Any]:
    """By what each channel of an input is divided; the matrices that read the input share it."""
    from onnx import numpy_helper

    heavy: dict[str, Any] = {}
    for node in products:
        rows = np.abs(numpy_helper.to_array(constants[node.input[1]])).max(axis=1)
        heavy[node.input[0]] = np.maximum(heavy.get(node.input[0], 0), rows)
    factors = {}
    for name, rows in heavy.items():
        if name in peaks:
            factor = np.sqrt(np.maximum(peaks[name], 1e-5) / np.maximum(rows, 1e-5))
            factors[name] = (factor / np.exp(np.log(factor).mean())).astype(np.float32)
    return factors


def _scaled_rows(name: str, number: int, factor: Any, graph: Any) -> tuple[list[Any], tuple[str, str]]:
    """Nodes that turn a tensor into 8-bit rows, and the names of these and of their scales."""
    from onnx import helper, numpy_helper

    stem = f"int8_rows_{number}"
    node = helper.make_node
    nodes = []
    if factor is not None:
        graph.initializer.append(numpy_helper.from_array(1 / factor, f"{stem}_factor"))
        nodes.append(node("Mul", [name, f"{stem}_factor"], [f"{stem}_smooth"]))
        name = f"{stem}_smooth"
    nodes += [
        node("ReduceMax", [name], [f"{stem}_max"], axes=[-1], keepdims=1),
        node("ReduceMin", [name], [f"{stem}_min"], axes=[-1], keepdims=1),
        node("Neg", [f"{stem}_min"], [f"{stem}_neg"]),
        node("Max", [f"{stem}_max", f"{stem}_neg", "int8_tiny"], [f"{stem}_top"]),
        node("Div", [f"{stem}_top", "int8_range"], [f"{stem}_scale"]),
        node("Div", [name, f"{stem}_scale"], [f"{stem}_even"]),
        node("QuantizeLinear", [f"{stem}_even", "int8_one", "int8_middle"], [f"{stem}_q"]),
    ]
    return nodes, (f"{stem}_q", f"{stem}_scale")


def _columns(weights: Any, top: int) -> tuple[Any, Any]:
    """8-bit weights (inputs, outputs) and the scale of each output."""
    scale = np.maximum(np.abs(weights).max(axis=0), 1e-12) / top
    return np.round(weights / scale).astype(np.int8), scale.astype(np.float32)


def _put(graph: Any, nodes: list[Any], replaced: list[str]) -> None:
    """Give the graph its new nodes; weights that nothing reads any more are left out."""
    from onnx import numpy_helper

    shared: dict[str, Any] = {
        "int8_one": np.array(1.0, dtype=np.float32),
        "int8_middle": np.array(_MIDDLE, dtype=np.uint8),
        "int8_range": np.array([255 - _MIDDLE], dtype=np.float32),
        "int8_tiny": np.array([1e-12], dtype=np.float32),
    }
    read = {name for node in nodes for name in node.input}
    kept = [tensor for tensor in graph.initializer if tensor.name not in replaced or tensor.name in read]
    kept += [numpy_helper.from_array(array, name) for name, array in shared.items() if replaced]
    del graph.node[:], graph.initializer[:]
    graph.node.extend(nodes)
    graph.initializer.extend(kept)
