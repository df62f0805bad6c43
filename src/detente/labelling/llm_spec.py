"""Settings of a language model as labeller."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from detente.errors import UsageError, did_you_mean

# From the surest to the one that every server takes: JSON schema, any JSON object, plain text.
FORMATS = ("schema", "object", "text")
CONFIDENCES = ("stated", "logprobs")
_POSITIVE = ("timeout", "concurrency", "samples")
_NOT_NEGATIVE = ("retries", "backoff", "max_wait", "requests_per_minute", "max_cost", "price_in", "price_out", "seed")


@dataclass(frozen=True, kw_only=True)
class LlmSpec:
    """An OpenAI-compatible endpoint and how it is asked.

    `url` is the base address (`http://localhost:8000/v1`); `key_env` names the environment variable that holds the
    key, if one is needed. `samples` answers a statement are averaged. `confidence` is what the model states, or what
    its token probabilities say. Prices are per million tokens; `max_cost` ends the asking. Times are in seconds.
    """

    url: str
    model: str
    key_env: str = ""
    cache: str = "runs/label/answers.jsonl"
    temperature: float | None = 0.0
    max_tokens: int = 200
    samples: int = 1
    confidence: str = "stated"
    format: str = "auto"
    extra: Mapping[str, Any] = field(default_factory=dict)
    concurrency: int = 4
    timeout: float = 60.0
    retries: int = 5
    backoff: float = 1.0
    max_wait: float = 300.0
    requests_per_minute: float = 0.0
    price_in: float = 0.0
    price_out: float = 0.0
    max_cost: float = 0.0
    seed: int = 1
    dry_run: bool = False

    def __post_init__(self) -> None:
        """Raise UsageError for an address that is none, or settings that contradict each other."""
        parts = urlsplit(str(self.url))
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise UsageError(f'labeller.url is "{self.url}"; it must be like http://localhost:8000/v1')
        if parts.username or parts.password:
            raise UsageError(
                "labeller.url holds a name or password; put the key into a variable, labeller.key_env=NAME"
            )
        object.__setattr__(self, "url", str(self.url).rstrip("/").removesuffix("/chat/completions"))
        object.__setattr__(self, "model", str(self.model))
        for name, allowed in (("format", ("auto", *FORMATS)), ("confidence", CONFIDENCES)):
            if getattr(self, name) not in allowed:
                raise UsageError(f'labeller.{name} is "{getattr(self, name)}"; {did_you_mean(self.format, allowed)}')
        for names, least in ((_POSITIVE, "above 0"), (_NOT_NEGATIVE, "0 or more")):
            for name in names:
                value = getattr(self, name)
                if isinstance(value, int | float) and (value < 0 or (value == 0 and least == "above 0")):
                    raise UsageError(f"labeller.{name} is {value}; it must be {least}")
        if self.max_cost and not (self.price_in or self.price_out):
            raise UsageError("labeller.max_cost needs labeller.price_in and labeller.price_out, per million tokens")
        if self.samples > 1 and not self.temperature:
            raise UsageError("labeller.samples above 1 needs labeller.temperature above 0; else all samples are one")

    def seed_of(self, sample: int) -> int | None:
        """The seed a request bears; the first sample bears one only if `seed` was set, for servers that know none."""
        return self.seed + sample if sample or self.seed != LlmSpec.seed else None

    @property
    def wants_logprobs(self) -> bool:
        """Whether token probabilities are asked for."""
        return self.confidence == "logprobs"
