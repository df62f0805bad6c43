"""détente: stance and sentiment classifiers for statements on US–Russia resource relations."""

__version__ = "0.1.0"
