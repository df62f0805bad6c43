"""Corpora: loading from files, the shipped data or a hub, splits that cannot leak, fingerprints."""

from detente.corpus.loading import Corpus, DataSpec, load_corpus

__all__ = ["Corpus", "DataSpec", "load_corpus"]
