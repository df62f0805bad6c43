"""Labelling by machine: rules over lexicons, or a checkpoint."""
