"""Prediction over inputs of any size."""
