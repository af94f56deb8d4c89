"""Ready-made parts: blocks made from parameters, and the gallery of whole experiments."""

from builder.blocks.gallery import GALLERY, example

__all__ = ["GALLERY", "example"]
