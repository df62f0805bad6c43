"""Explanation: which words moved a label, and whether that is true of the model."""
