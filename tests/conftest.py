"""A small corpus, a tiny random encoder saved to disk, and no way out to the network."""

import json
import os
import socket
from pathlib import Path

import pytest
from hypothesis import settings

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["HF_DATASETS_OFFLINE"] = "1"
os.environ["TOKENIZERS_PARALLELISM"] = "false"
if "PYTEST_XDIST_WORKER" in os.environ:  # a worker a core already: threads of the numeric libraries would only queue
    os.environ.setdefault("OMP_NUM_THREADS", "1")

from detente.encoders import EncoderSpec
from detente.records import Statement
from detente.tasks import Task

settings.register_profile("unhurried", deadline=None, max_examples=50)
settings.load_profile("unhurried")

WORDS = {
    "cooperative": ["welcomes", "signed", "offers", "jointly", "resumes"],
    "skeptical": ["bans", "rejects", "warns", "seizes", "doubts"],
    "neutral": ["reported", "scheduled", "measured", "published", "listed"],
}
SUBJECTS = ["Moscow", "Washington", "The ministry", "A company", "The senator", "An analyst"]
RESOURCES = ["rare earths", "uranium", "aluminium", "gas", "titanium"]
TONES = {"positive": "gladly", "negative": "angrily", "neutral": "today"}


def _local(address: object) -> bool:
    return isinstance(address, str | bytes) or (isinstance(address, tuple) and str(address[0]) in ("127.0.0.1", "::1"))


@pytest.fixture(autouse=True)
def _no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    real = socket.socket.connect

    def connect(self: socket.socket, address: object) -> None:
        if not _local(address):
            raise OSError(f"a test reached for the network: {address}")
        real(self, address)

    monkeypatch.setattr(socket.socket, "connect", connect)


@pytest.fixture(scope="session")
def stance() -> Task:
    return Task(
        name="stance",
        labels=("cooperative", "skeptical", "neutral"),
        polar=("cooperative", "skeptical"),
        target="US–Russia resources",
    )


@pytest.fixture(scope="session")
def sentiment() -> Task:
    return Task(name="sentiment", labels=("positive", "negative", "neutral"), polar=("positive", "negative"))


def make_statements(n: int = 180) -> list[Statement]:
    """Statements whose verb gives the stance and whose adverb the tone; 30 scenarios over three splits."""
    made = []
    for i in range(n):
        stance, tone = list(WORDS)[i % 3], list(TONES)[(i // 3) % 3]
        verb = WORDS[stance][(i // 9) % 5]
        text = f"{SUBJECTS[(i // 2) % 6]} {TONES[tone]} {verb} the {RESOURCES[(i // 5) % 5]} project number {i}."
        scenario = i % 30
        split = "train" if scenario < 20 else "dev" if scenario < 25 else "test"
        made.append(
            Statement(
                id=f"s{i}",
                text=text,
                lang="en" if i % 2 else "it",
                split=split,
                labels={"stance": stance, "sentiment": tone},
                extra={"scenario": f"sc{scenario}"},
            )
        )
    return made


@pytest.fixture(scope="session")
def statements() -> list[Statement]:
    return make_statements()


@pytest.fixture(scope="session")
def corpus_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small corpus as one JSONL file whose rows bear their split."""
    from detente.files import write_statements

    path = tmp_path_factory.mktemp("corpus") / "small.jsonl"
    write_statements(path, make_statements())
    return path


@pytest.fixture(scope="session")
def tiny_encoder(tmp_path_factory: pytest.TempPathFactory) -> EncoderSpec:
    """A random BERT of a few thousand weights with a word tokenizer, saved as a user's would be."""
    import torch
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

    folder = tmp_path_factory.mktemp("encoder") / "tiny"
    texts = [s.text for s in make_statements()]
    words = sorted({w for t in texts for w in t.replace(".", " .").split()})
    vocabulary = {w: i for i, w in enumerate(["[PAD]", "[UNK]", "[CLS]", "[SEP]", *words])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, unk_token="[UNK]", pad_token="[PAD]", cls_token="[CLS]", sep_token="[SEP]"
    )
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(vocabulary), hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=64
    )
    BertModel(config).save_pretrained(folder)
    fast.save_pretrained(folder)
    return EncoderSpec(name="tiny", path=str(folder), max_length=32)


SMALL = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64}


@pytest.fixture(scope="session", params=["xlmr_base", "mdeberta_v3_base", "modernbert_base"])
def spec_of_architecture(
    request: pytest.FixtureRequest, tiny_encoder: EncoderSpec, tmp_path_factory: pytest.TempPathFactory
) -> EncoderSpec:
    """The architectures behind the encoder configurations, tiny and random, saved to disk."""
    import torch
    from transformers import AutoModel, AutoTokenizer, DebertaV2Config, ModernBertConfig, XLMRobertaConfig

    folder = tmp_path_factory.mktemp(request.param)
    tokenizer = AutoTokenizer.from_pretrained(tiny_encoder.path)
    n = len(tokenizer)
    config = {
        "xlmr_base": lambda: XLMRobertaConfig(vocab_size=n, pad_token_id=0, max_position_embeddings=80, **SMALL),
        "mdeberta_v3_base": lambda: DebertaV2Config(
            vocab_size=n, relative_attention=True, pos_att_type=["p2c", "c2p"], **SMALL
        ),
        "modernbert_base": lambda: ModernBertConfig(
            vocab_size=n, pad_token_id=0, bos_token_id=2, eos_token_id=3, cls_token_id=2, sep_token_id=3, **SMALL
        ),
    }[request.param]()
    torch.manual_seed(0)
    AutoModel.from_config(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return EncoderSpec(name=request.param, path=str(folder), max_length=32)


@pytest.fixture
def read_json():
    return lambda path: json.loads(Path(path).read_text(encoding="utf-8"))
