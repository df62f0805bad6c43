"""Sentence encoders: the embedded one, a folder, or a hub name; embedding texts in batches of like length."""

import hashlib
import importlib.util
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detente.errors import CheckpointError, InputError, UsageError
from detente.files import write_json
from detente.forward import Compute, Progress, Tokens, run, tokenise, torch_compute
from detente.forward import token_batches as token_batches
from detente.text.glossing import Glossaries, kept_glossaries, load_glossaries

EMBEDDED = "embedded:"
_SPEC_FILE = "encoder.json"


@dataclass(frozen=True, kw_only=True)
class EncoderSpec:
    """Which encoder, and how it is used.

    `path` is `embedded:PACKAGE` (weights inside an installed package, never the network), a folder, or
    a hub name. `sha256` of `model.safetensors` is checked where given. `pooling` (mean or cls) and
    `prefix` matter to embeddings; `max_length` is in tokens. `languages` are those it reads well, all if
    empty: the blend leaves it out for the others. Texts in a language of `glossed` are read word for word in English
    (`detente.text.glossing`). `learning_rate` is the one that suits training it whole.
    """

    name: str
    path: str
    sha256: str = ""
    revision: str = "main"
    max_length: int = 128
    pooling: str = "mean"
    prefix: str = ""
    languages: Sequence[str] = ()
    glossed: Sequence[str] = ()
    learning_rate: float = 5e-5

    def __post_init__(self) -> None:
        """Raise UsageError for an unknown pooling or a length that holds no text."""
        if self.pooling not in ("mean", "cls"):
            raise UsageError(f'encoder.pooling is "{self.pooling}"; it must be mean or cls')
        if self.max_length < 8:
            raise UsageError(f"encoder.max_length is {self.max_length}; it must be at least 8 tokens")

    def reads(self, lang: str) -> bool:
        """Whether the encoder makes sense of texts in this language."""
        return not self.languages or lang in self.languages or lang in self.glossed


@dataclass(frozen=True)
class Encoder:
    """A loaded encoder: tokenizer and model without a head, in evaluation mode.

    `computes` are its forward passes by the layers read: made from the model when first used, or given
    by who loads it for another runtime, which then needs of the model its `config` only. `glossaries` are those of the
    languages that it reads in English words.
    """

    spec: EncoderSpec
    tokenizer: Any
    model: Any
    computes: dict[str, Compute] = field(default_factory=dict, repr=False, compare=False)
    glossaries: Glossaries = field(default_factory=Glossaries, repr=False)

    @property
    def width(self) -> int:
        """Dimensions of an embedding."""
        return int(self.model.config.hidden_size)


def locate(spec: EncoderSpec) -> tuple[str, bool]:
    """(path or hub name for `from_pretrained`, whether it is local). Raises InputError if it is not there."""
    if spec.path.startswith(EMBEDDED):
        package = spec.path.removeprefix(EMBEDDED)
        found = importlib.util.find_spec(package)
        if found is None or not found.submodule_search_locations:
            raise InputError(f"the encoder {spec.name} needs the package {package}; install détente again")
        return str(Path(next(iter(found.submodule_search_locations))) / "model"), True
    folder = Path(spec.path).expanduser()
    if folder.is_dir():
        if not (folder / "config.json").is_file():
            raise InputError(f"{folder} holds no model (no config.json); give a folder saved by save_pretrained")
        return str(folder), True
    if spec.path.startswith((".", "/", "~")):
        raise InputError(f"{folder} does not exist; give a folder saved by save_pretrained, or a hub name")
    return spec.path, False


def load_pretrained(spec: EncoderSpec, auto_class: Any, **options: Any) -> tuple[Any, Any]:
    """(tokenizer, model) of an auto class of transformers, from safetensors only, its hash checked.

    Raises InputError when the encoder is not there, CheckpointError when its weights are not those expected.
    """
    from transformers import AutoTokenizer
    from transformers.utils import logging as transformers_logging

    transformers_logging.disable_progress_bar()
    transformers_logging.set_verbosity_error()
    where, local = locate(spec)
    if local and spec.sha256:
        _check_hash(Path(where) / "model.safetensors", spec)
    common = {"local_files_only": local, "revision": spec.revision}
    try:
        tokenizer = AutoTokenizer.from_pretrained(where, **common)
        model = auto_class.from_pretrained(where, use_safetensors=True, **common, **options)
    except (OSError, ValueError, ImportError) as error:
        reason = str(error).strip().splitlines()[0]
        remedy = (
            "check the folder" if local else "check the name and the network, or give a local folder as encoder.path"
        )
        raise InputError(
            f"the encoder {spec.name} ({spec.path}) could not be loaded ({reason[:300]}); {remedy}"
        ) from None
    return tokenizer, model


def load_encoder(spec: EncoderSpec) -> Encoder:
    """Load an encoder for embedding."""
    return _loaded(spec, load_glossaries(spec.glossed))


def _loaded(spec: EncoderSpec, glossaries: Glossaries) -> Encoder:
    from transformers import AutoModel

    tokenizer, model = load_pretrained(spec, AutoModel)
    return Encoder(spec, tokenizer, model.eval(), glossaries=glossaries)


def save_encoder(encoder: Encoder, folder: Path) -> None:
    """Write model, tokenizer and spec so that the folder needs nothing else."""
    encoder.model.save_pretrained(folder)
    encoder.tokenizer.save_pretrained(folder)
    encoder.glossaries.save(folder)
    write_json(folder / _SPEC_FILE, asdict(encoder.spec))


def load_saved(folder: Path) -> Encoder:
    """Read what `save_encoder` wrote."""
    saved = json.loads((folder / _SPEC_FILE).read_text(encoding="utf-8"))
    return _loaded(EncoderSpec(**saved | {"path": str(folder), "sha256": ""}), kept_glossaries(folder))


def embed(
    encoder: Encoder,
    texts: Sequence[str],
    *,
    layers: str = "last",
    batch_tokens: int | None = None,
    progress: Progress | None = None,
) -> NDArray[np.float32]:
    """One vector a text, in order: float32, (n, width) for `layers="last"`, pooled as the spec says, of unit length.

    With `layers="all"`, the means over tokens of every layer's states, one after the other:
    (n, (layers + 1) * width). Lower layers keep what the last one, trained for topical likeness, drops:
    negation, tone, who does what (Jawahar et al. 2019).

    Batches hold texts of like length; equal texts are computed once. `progress` is told how many texts
    a batch finished.
    """
    tokens = tokenise_for(encoder, texts)
    return embed_tokens(encoder, tokens, layers=layers, batch_tokens=batch_tokens, progress=progress)


def tokenise_for(encoder: Encoder, texts: Sequence[str]) -> Tokens:
    """The first half of `embed`: token ids."""
    prefixed = [encoder.spec.prefix + text for text in texts] if encoder.spec.prefix else texts
    return tokenise(encoder.tokenizer, prefixed, None, max_length=encoder.spec.max_length)


def embed_tokens(
    encoder: Encoder,
    tokens: Tokens,
    *,
    layers: str = "last",
    batch_tokens: int | None = None,
    progress: Progress | None = None,
) -> NDArray[np.float32]:
    """The second half of `embed`: vectors."""
    width = vector_width(encoder, layers)
    if not tokens.lengths:
        return np.empty((0, width), dtype=np.float32)
    if layers not in encoder.computes:
        encoder.computes[layers] = torch_compute(encoder.model, reader(encoder.spec, layers), output_hidden_states=True)
    return run(encoder.computes[layers], tokens, width=width, batch_tokens=batch_tokens, progress=progress)


def reader(spec: EncoderSpec, layers: str) -> Any:
    """What is read of the encoder's output: a function of it and of the attention mask, to (texts, width)."""
    if layers == "all":
        return lambda output, mask: _all_layers(output.hidden_states, mask)
    return lambda output, mask: _pool(spec, output.hidden_states[-1], mask)


def vector_width(encoder: Encoder, layers: str) -> int:
    """Dimensions of what `embed` gives. Raises UsageError unless `layers` is last or all."""
    if layers not in ("last", "all"):
        raise UsageError(f'layers is "{layers}"; it must be last or all')
    return encoder.width * (int(encoder.model.config.num_hidden_layers) + 1 if layers == "all" else 1)


def _mean(hidden: Any, mask: Any) -> Any:
    weights = mask.unsqueeze(-1).to(hidden.dtype)
    return (hidden * weights).sum(1) / weights.sum(1).clamp(min=1)


def _all_layers(states: Sequence[Any], mask: Any) -> Any:
    import torch

    return torch.cat([_mean(hidden, mask) for hidden in states], dim=-1)


def _pool(spec: EncoderSpec, hidden: Any, mask: Any) -> Any:
    import torch

    pooled = hidden[:, 0] if spec.pooling == "cls" else _mean(hidden, mask)
    return torch.nn.functional.normalize(pooled, dim=-1)


def sha256(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _check_hash(path: Path, spec: EncoderSpec) -> None:
    if not path.is_file():
        raise CheckpointError(f"{path} is missing; install the package of the encoder {spec.name} again")
    found = sha256(path)
    if found != spec.sha256:
        raise CheckpointError(
            f"{path} has the hash {found[:12]}…, expected {spec.sha256[:12]}…; it was altered: install it again"
        )
