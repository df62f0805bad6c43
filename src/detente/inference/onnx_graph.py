"""Writing the graph of a torch model: exported, its known patterns fused, its products made 8-bit if asked."""

import copy
import logging
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from detente import files
from detente.errors import InputError, UsageError
from detente.forward import Tokens, token_batches
from detente.inference import onnx
from detente.inference.onnx import Part
from detente.inference.onnx_int8 import measure, quantise

# How products with weights are computed: in fp32, all in 8 bits, or all but those that widen.
PRODUCTS = ("fp32", "int8", "int8 but widening")
_OPSET = 17


def write_part(
    stem: Path,
    tokenizer: Any,
    model: Any,
    read: Callable[[Any, Any], Any],
    products: str,
    *,
    sample: Tokens,
    max_length: int,
    **options: Any,
) -> Part:
    """Write `stem`.onnx and its tokenizer, `stem`.json. `read` takes the model's output and the attention mask.

    `sample` are texts as they will come: the graph is traced on two, channels are measured on all. Raises
    UsageError for a tokenizer that is no fast one.
    """
    backend = getattr(tokenizer, "backend_tokenizer", None)
    if backend is None:
        raise UsageError(f"the tokenizer of {stem.name} is no fast one; save it as tokenizer.json and train again")
    by_length = sorted(range(len(sample.lengths)), key=sample.lengths.__getitem__)
    example = sample.padded([by_length[0], by_length[-1]])  # of different length: the graph must take none for fixed
    with _quiet():
        graph = _graph(model, read, example, stem.with_suffix(".raw"), products, options)
    if products != "fp32":
        batches = [sample.padded(batch) for batch in token_batches(sample.lengths)]
        peaks = measure(graph, batches)
        spare = products == PRODUCTS[2]
        if not quantise(graph, full_range=onnx.has_vnni(), spare_widening=spare, peaks=peaks):
            raise InputError(f"the graph of {stem.name} has no product with a constant matrix to quantise; use fp32")
    runtime = onnx.require("onnx")
    runtime.save(graph, str(stem.with_suffix(".onnx")))
    stem.with_suffix(".raw").unlink()
    files.write_text(stem.with_suffix(".json"), backend.to_str())
    return Part(
        max_length=max_length,
        pad_token_id=tokenizer.pad_token_id or 0,
        pad_token_type_id=tokenizer.pad_token_type_id,
        hidden_size=int(model.config.hidden_size),
        num_hidden_layers=int(model.config.num_hidden_layers),
        encoder={},
        products=products,
    )


def _graph(
    model: Any,
    read: Callable[[Any, Any], Any],
    example: Mapping[str, Any],
    path: Path,
    products: str,
    options: Mapping[str, Any],
) -> Any:
    """The optimised graph of a torch model. Written by the exporter that needs no package beside torch and onnx."""
    import torch

    plain = copy.deepcopy(model).float()
    plain.set_attn_implementation("eager")  # what the optimiser knows how to fuse
    names = list(example)

    class Pass(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model = plain

        def forward(self, *arrays: Any) -> Any:
            batch = dict(zip(names, arrays, strict=True))
            return read(self.model(**batch, **options), batch["attention_mask"])

    axes = {name: {0: "texts", 1: "tokens"} for name in names}
    torch.onnx.export(
        Pass().eval(),
        tuple(torch.from_numpy(array) for array in example.values()),
        str(path),
        input_names=names,
        output_names=["out"],
        dynamic_axes=axes | {"out": {0: "texts"}},
        opset_version=_OPSET,
        dynamo=False,
    )
    return _optimised(path, plain.config, products)


def _optimised(path: Path, config: Any, products: str) -> Any:
    """The graph with attention, GELU and layer norms fused where ONNX Runtime's optimiser knows their pattern."""
    from onnxruntime.transformers import optimizer
    from onnxruntime.transformers.fusion_options import FusionOptions

    options = FusionOptions("bert")
    # The fused attention holds its projections inside, where they could not be made 8-bit by row.
    options.enable_attention = products == "fp32"
    heads, size = getattr(config, "num_attention_heads", 0), getattr(config, "hidden_size", 0)
    fused = optimizer.optimize_model(
        str(path), "bert", num_heads=heads, hidden_size=size, opt_level=0, optimization_options=options
    )
    return fused.model


@contextmanager
def _quiet() -> Iterator[None]:
    """The exporter warns of what every transformers model does, and of its own age."""
    names = ("onnxruntime.transformers", "torch.onnx", "fusion_base", "onnx_model")
    levels = {name: logging.getLogger(name).level for name in names}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name in names:
            logging.getLogger(name).setLevel(logging.ERROR)
        try:
            yield
        finally:
            for name, level in levels.items():
                logging.getLogger(name).setLevel(level)
