"""The forward pass over many texts: batches of like length, padded to their longest, by whatever computes them.

On a CPU that oneDNN knows, the linear layers run on weights packed for it: the same float32 products as
torch's own, which go to MKL, at twice its speed where MKL takes its slow path (it does on AMD's processors).
"""

import copy
import os
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Progress = Callable[[int], None]
# What is read of a torch model's output, given the attention mask: (texts, width).
Read = Callable[[Any, Any], Any]

_GELU = ("GELUActivation",)  # the exact one, by the error function; oneDNN has it as "none"
_QUOTA = Path("/sys/fs/cgroup/cpu.max")


@dataclass(frozen=True, kw_only=True)
class Compute:
    """A forward pass, the tokens a batch that suit it, and how many batches may be computed at once.

    `call` takes a padded batch, (texts, tokens) by input name, and gives one row of numbers a text.
    """

    call: Callable[[Mapping[str, NDArray[np.int64]]], NDArray[np.float32]]
    batch_tokens: int
    at_once: int = 1


@dataclass(frozen=True, kw_only=True)
class Plan:
    """How a machine computes: on which device, in which type, how many tokens a batch, packed linear layers or not."""

    device: str
    dtype: str
    batch_tokens: int
    packed: bool


def plan(*, cuda: bool, bf16: bool, onednn: bool) -> Plan:
    """The plan for a machine with these abilities.

    bfloat16 on a GPU that has it: probabilities then differ from a CPU's in the third decimal. 4,096
    tokens a batch keep a CPU's caches; a GPU wants batches that fill it.
    """
    if cuda:
        return Plan(device="cuda", dtype="bfloat16" if bf16 else "float32", batch_tokens=131_072, packed=False)
    return Plan(device="cpu", dtype="float32", batch_tokens=4096, packed=onednn)


def plan_here() -> Plan:
    """The plan for this machine."""
    import torch

    cuda = torch.cuda.is_available()
    available: Any = torch.backends.mkldnn.is_available
    onednn = available() and torch.backends.cpu.get_cpu_capability().startswith("AVX")
    packs = onednn and all(hasattr(torch.ops.mkldnn, name) for name in ("_reorder_linear_weight", "_linear_pointwise"))
    return plan(cuda=cuda, bf16=cuda and torch.cuda.is_bf16_supported(), onednn=packs)


def cores() -> int:
    """The cores this process may use: those it is bound to, fewer where its control group allows fewer."""
    bound = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        quota, period = _QUOTA.read_text(encoding="ascii").split()
        allowed = bound if quota == "max" else max(1, int(quota) // int(period))
    except (OSError, ValueError):
        allowed = bound
    return min(bound, allowed)


def use_cores() -> int:
    """Let torch use the cores there are, unless OMP_NUM_THREADS says how many; returns how many."""
    import torch

    if not os.environ.get("OMP_NUM_THREADS"):
        torch.set_num_threads(cores())
    return int(torch.get_num_threads())


def torch_compute(model: Any, read: Read, chosen: Plan | None = None, **options: Any) -> Compute:
    """A torch model as a Compute. The model itself stays as it is; `options` go to its forward pass."""
    import torch

    chosen = chosen or plan_here()
    if chosen.device == "cpu":
        ready = packed(model) if chosen.packed else model
    else:
        ready = copy.deepcopy(model).to(chosen.device, getattr(torch, chosen.dtype))

    def compute(batch: Mapping[str, NDArray[np.int64]]) -> NDArray[np.float32]:
        with torch.inference_mode():
            inputs = {name: torch.from_numpy(values).to(chosen.device) for name, values in batch.items()}
            found = read(ready(**inputs, **options), inputs["attention_mask"])
            return np.asarray(found.float().cpu().numpy(), dtype=np.float32)

    return Compute(call=compute, batch_tokens=chosen.batch_tokens)


def packed(module: Any) -> Any:
    """A copy of a torch module for prediction whose float32 linear layers are packed for oneDNN.

    All other weights are shared with the original. A GELU that follows a linear layer in the module
    they share is computed with it.
    """
    import torch

    twin = copy.copy(module)
    # The capturing of hidden states hooks into modules: the copy's hooks must not be the original's.
    twin._forward_hooks = OrderedDict(module._forward_hooks)
    children = {
        name: _packed_linear(child) if _packable(child) else child and packed(child)
        for name, child in module._modules.items()
    }
    activation = children.get("intermediate_act_fn")
    if type(activation).__name__ in _GELU and _packable(module._modules.get("dense")):
        children["dense"] = _packed_linear(module._modules["dense"], "gelu")
        children["intermediate_act_fn"] = torch.nn.Identity()
    twin.__dict__["_modules"] = children
    return twin


def _packable(module: Any) -> bool:
    import torch

    return type(module) is torch.nn.Linear and module.weight.dtype == torch.float32 and not module._forward_hooks


def _packed_linear(linear: Any, after: str = "none") -> Any:
    """A linear layer on weights in oneDNN's own order, with what comes `after` it. Modules of torch are classes."""
    import torch

    class PackedLinear(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.bias = linear.bias
            self.packed = torch.ops.mkldnn._reorder_linear_weight(linear.weight.detach(), None)

        def forward(self, x: Any) -> Any:
            algorithm = "none" if after == "gelu" else ""
            return torch.ops.mkldnn._linear_pointwise(x, self.packed, self.bias, after, [], algorithm)

    return PackedLinear()


@dataclass(frozen=True)
class Tokens:
    """Texts as token ids, each different one once: columns of ids, the row of each text given, what pads a column."""

    columns: Mapping[str, Sequence[Sequence[int]]]
    at: NDArray[np.intp]
    padding: Mapping[str, int]

    @cached_property
    def lengths(self) -> list[int]:
        """Tokens of each row."""
        return [len(ids) for ids in self.columns["input_ids"]]

    def padded(self, batch: Sequence[int]) -> dict[str, NDArray[np.int64]]:
        """These rows as arrays, padded on the right to the longest of them."""
        longest = max(self.lengths[i] for i in batch)
        arrays = {}
        for name, rows in self.columns.items():
            array = np.full((len(batch), longest), self.padding.get(name, 0), dtype=np.int64)
            for k, i in enumerate(batch):
                array[k, : len(rows[i])] = rows[i]
            arrays[name] = array
        return arrays


def fitting(tokenizer: Any, pairs: Sequence[str], *, max_length: int) -> list[str]:
    """Second texts (targets) that leave room for the first; one that leaves none is cut to half of `max_length`."""
    backend = getattr(tokenizer, "backend_tokenizer", None)
    if backend is None:
        return list(pairs)
    room = max_length - backend.num_special_tokens_to_add(True)
    backend.no_truncation()
    backend.no_padding()
    different = list(dict.fromkeys(pairs))
    found = backend.encode_batch(different, add_special_tokens=False)
    spans = {pair: of.offsets for pair, of in zip(different, found, strict=True)}
    cut = {pair: pair[: at[max(room // 2, 1) - 1][1]] if len(at) >= room else pair for pair, at in spans.items()}
    return [cut[pair] for pair in pairs]


def tokenise(tokenizer: Any, texts: Sequence[str], pairs: Sequence[str] | None, *, max_length: int) -> Tokens:
    """Token ids of texts, or of texts with `pairs`, the text cut to fit (and a pair that leaves it no room)."""
    keys = list(texts) if pairs is None else list(zip(texts, pairs, strict=True))
    row_of = {key: i for i, key in enumerate(dict.fromkeys(keys))}
    at = np.fromiter((row_of[key] for key in keys), dtype=np.intp, count=len(keys))
    padding = {"input_ids": tokenizer.pad_token_id or 0, "token_type_ids": tokenizer.pad_token_type_id}
    if not keys:
        return Tokens({"input_ids": []}, at, padding)
    if pairs is None:
        found = tokenizer(list(row_of), truncation=True, max_length=max_length)
    else:
        firsts, seconds = zip(*row_of, strict=True)
        fit = fitting(tokenizer, seconds, max_length=max_length)
        found = tokenizer(list(firsts), fit, truncation="only_first", max_length=max_length)
    return Tokens(dict(found), at, padding)


def run(
    compute: Compute, tokens: Tokens, *, width: int, batch_tokens: int | None = None, progress: Progress | None = None
) -> NDArray[np.float32]:
    """The rows that `compute` gives, one a text, in the order the texts were given: (n, width).

    `progress` is told how many of the different texts a batch finished.
    """
    out = np.empty((len(tokens.lengths), width), dtype=np.float32)
    batches = token_batches(tokens.lengths, batch_tokens=batch_tokens or compute.batch_tokens)

    def one(batch: list[int]) -> int:
        out[batch] = compute.call(tokens.padded(batch))
        return len(batch)

    with ThreadPoolExecutor(compute.at_once) as pool:
        # The longest first, so that no thread is left with one of them at the end.
        for n in pool.map(one, reversed(batches)) if compute.at_once > 1 else map(one, batches):
            if progress:
                progress(n)
    return out[tokens.at]


def token_batches(lengths: Sequence[int], *, batch_tokens: int = 4096) -> list[list[int]]:
    """Positions of texts in batches of like length, about `batch_tokens` tokens each with padding."""
    batches: list[list[int]] = []
    for i in sorted(range(len(lengths)), key=lengths.__getitem__):
        if batches and (len(batches[-1]) + 1) * lengths[i] <= batch_tokens:
            batches[-1].append(i)
        else:
            batches.append([i])
    return batches
