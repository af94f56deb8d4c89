"""Ready-made parts: blocks made from parameters, and the gallery of whole experiments."""

from builder.blocks.gallery import GALLERY, Exhibit, Published, example
from builder.blocks.templates import Template, make

__all__ = ["GALLERY", "Exhibit", "Published", "Template", "example", "make"]
