"""Data as numpy arrays: read or made, split, prepared. Needs no torch, and scikit-learn only for its sets."""

from builder.data.arrays import Arrays, load

__all__ = ["Arrays", "load"]
