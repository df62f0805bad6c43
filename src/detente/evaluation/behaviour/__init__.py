"""Behaviour: probes of what a classifier should know, and swaps that should change nothing."""
