"""Catalog blocks. To add one, add one class to one of these files; nothing else changes."""

from builder.blocks.template import Template, make, template_of
from builder.blocks.templates import attention, convolutional, densenet, inception, residual

__all__ = ["Template", "attention", "convolutional", "densenet", "inception", "make", "residual", "template_of"]
