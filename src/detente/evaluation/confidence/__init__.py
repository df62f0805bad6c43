"""Confidence: whether probabilities hold, and what leaving out the unsure ones buys."""
