"""From a design to torch: the module, its initial numbers, its loss and its optimizer."""

from builder.compile.build import build, loss_function, optimizer
from builder.compile.network import Compiled

__all__ = ["Compiled", "build", "loss_function", "optimizer"]
