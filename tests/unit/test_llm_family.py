"""A language model as a classifier: scored, saved, cut off midway."""

import numpy as np
import pytest

from detente import checkpoint as checkpoints
from detente.checkpoint import Checkpoint
from detente.corpus.tables import as_table
from detente.errors import InputError, UsageError
from detente.labelling.llm_spec import LlmSpec
from detente.models import base
from detente.models.llm import LlmModelSpec
from detente.tasks import Task
from tests.llm_server import GOOD, serve


def fitted(url, statements, tasks, folder, **settings):
    spec = LlmSpec(url=url, model="m", cache=str(folder / "answers.jsonl"), backoff=0.01, retries=1, **settings)
    table = as_table(statements[:30], tasks=tasks)
    return base.fit(LlmModelSpec(labeller=spec), tasks, table, table, seed=1, run_dir=folder)


def test_it_says_what_the_endpoint_says_and_asks_once(statements, stance, sentiment, tmp_path):
    rows, tasks = statements[:6], (stance, sentiment)
    with serve(lambda text, nth: GOOD) as endpoint:
        model = fitted(endpoint.url, statements, tasks, tmp_path)
        proba = model.predict_proba(rows)
        of = Checkpoint(family="llm", classifier=model, temperatures={})
        checkpoints.save(of, tmp_path / "checkpoint", card="# card\n")
        again = checkpoints.load(tmp_path).predict_proba(rows)
    np.testing.assert_allclose(proba["stance"][:, stance.labels.index("skeptical")], 0.8)
    np.testing.assert_allclose(again["sentiment"], proba["sentiment"], atol=1e-9)
    assert max(endpoint.answered.values()) == 1
    assert model.predict_proba([])["stance"].shape == (0, 3)


def test_a_statement_without_an_answer_gets_the_frequencies(statements, stance, tmp_path, caplog):
    rows = statements[:12]
    with serve(lambda text, nth: "no label here" if text == rows[1].text else GOOD) as endpoint:
        proba = fitted(endpoint.url, statements, (stance,), tmp_path).predict_proba(rows)["stance"]
    assert np.isfinite(proba).all()
    np.testing.assert_allclose(proba[1], 1 / 3, atol=0.05)
    assert "1 of 12 statements have no usable answer" in caplog.text


def test_what_was_answered_before_a_failure_is_kept(statements, stance, tmp_path):
    first, rest = statements[:4], statements[:8]
    with serve(lambda text, nth: GOOD) as endpoint:
        model = fitted(endpoint.url, statements, (stance,), tmp_path)
        model.predict_proba(first)
    with pytest.raises(InputError, match=r"4 of 8 statements have no usable answer .*keeps the answers"):
        model.predict_proba(rest)
    assert len((tmp_path / "answers.jsonl").read_text().splitlines()) == 4
    assert model.predict_proba(first)["stance"].shape == (4, 3)


def test_what_cannot_be_asked_is_refused(statements, tmp_path):
    other = Task(name="rumour", labels=("support", "deny"))
    rows = [type(s)(text=s.text, labels={"rumour": other.labels[i % 2]}) for i, s in enumerate(statements[:30])]
    with pytest.raises(UsageError, match="does not explain rumour"):
        fitted("http://127.0.0.1:9/v1", rows, (other,), tmp_path)
    with pytest.raises(UsageError, match="dry_run predicts nothing"):
        LlmModelSpec(labeller=LlmSpec(url="http://127.0.0.1:9/v1", model="m", dry_run=True))
