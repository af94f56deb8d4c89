"""What a network is before it exists: signals, cost and Problems, in closed form, without torch."""

from builder.analysis.experiment import check
from builder.analysis.network import Analysis, Row, analyze

__all__ = ["Analysis", "Row", "analyze", "check"]
