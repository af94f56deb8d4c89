"""A design as plain PyTorch: what a person takes home. Written without torch."""

from builder.source.network import network_source
from builder.source.places import lines_of
from builder.source.program import program

__all__ = ["lines_of", "network_source", "program"]
