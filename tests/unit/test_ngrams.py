"""N-grams counted in vectorised steps are those that scikit-learn counts, and so are their weights."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.feature_extraction.text import TfidfVectorizer

from detente.models.hashing import build_table, find
from detente.models.ngrams import Analyser, fit_tfidf, load_tfidf

WORDS = r"(?u)[#@]?\w+|[!?]+"
# Few letters make many repeats; blanks of several kinds, marks, capitals that change length, letters beyond 16 bits.
TEXTS = st.lists(st.text(alphabet="aabcéЖж 　\n.!?#@-İß𝒳1_", max_size=30), min_size=1, max_size=12)
SHAPES = [("word", 1, 1), ("word", 1, 2), ("word", 2, 3), ("char", 1, 3), ("char", 2, 5), ("char", 4, 6)]


def reference(kind, low, high, min_rows):
    settings = {"analyzer": "char_wb"} if kind == "char" else {"token_pattern": WORDS}
    return TfidfVectorizer(sublinear_tf=True, dtype=np.float32, ngram_range=(low, high), min_df=min_rows, **settings)


@pytest.mark.parametrize(("kind", "low", "high"), SHAPES)
@given(train=TEXTS, unseen=TEXTS, min_rows=st.integers(1, 2))
def test_terms_and_weights_are_those_of_scikit_learn(kind, low, high, train, unseen, min_rows):
    theirs = reference(kind, low, high, min_rows)
    analyser = Analyser(kind, low, high, WORDS)
    try:
        theirs.fit(train)
    except ValueError:
        with pytest.raises(ValueError, match="no term"):
            fit_tfidf(train, analyser, min_rows=min_rows)
        return
    ours = fit_tfidf(train, analyser, min_rows=min_rows)
    assert list(ours.terms) == theirs.get_feature_names_out().tolist()
    again = load_tfidf(analyser, ours.terms, ours.idf)
    for fitted in (ours, again):
        for texts in (train, unseen, []):
            wanted = theirs.transform(texts).toarray() if texts else np.zeros((0, len(ours.terms)))
            np.testing.assert_allclose(fitted.transform(texts).toarray(), wanted, atol=1e-6)


def test_fitting_in_portions_changes_nothing(monkeypatch):
    texts = [f"oil and gas {i % 7} from the north {i % 3}" for i in range(50)]
    whole = fit_tfidf(texts, Analyser("char", 2, 4, ""), min_rows=2)
    monkeypatch.setattr("detente.models.ngrams._PORTION", 7)
    parts = fit_tfidf(texts, Analyser("char", 2, 4, ""), min_rows=2)
    assert parts.terms == whole.terms
    np.testing.assert_array_equal(parts.idf, whole.idf)


@given(st.lists(st.integers(1, 2**64 - 1), unique=True, max_size=300), st.lists(st.integers(1, 2**64 - 1), max_size=50))
def test_a_table_finds_what_was_put_in_and_nothing_else(inside, asked):
    hashes = np.array(inside, dtype=np.uint64)
    table = build_table(hashes)
    np.testing.assert_array_equal(find(hashes, table), np.arange(len(inside)))
    wanted = [inside.index(h) if h in inside else -1 for h in asked]
    np.testing.assert_array_equal(find(np.array(asked, dtype=np.uint64), table), wanted)


def test_hashes_that_want_one_slot_are_all_found():
    crowded = np.arange(1, 40, dtype=np.uint64) * np.uint64(pow(0xD1342543DE82EF95, -1, 2**64))
    table = build_table(crowded)
    np.testing.assert_array_equal(find(crowded, table), np.arange(39))


def test_two_terms_of_one_hash_are_refused():
    with pytest.raises(ValueError, match="one hash"):
        build_table(np.array([5, 5], dtype=np.uint64))
