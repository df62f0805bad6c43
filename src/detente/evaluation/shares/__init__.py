"""Shares of labels by group and time, corrected for the classifier's errors."""
