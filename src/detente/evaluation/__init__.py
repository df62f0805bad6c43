"""Metrics with their intervals, slices, tables and plots."""
