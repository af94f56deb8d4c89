"""Files of a person's own, read in a process of its own: plain arrays, and a profile that says what they are."""

from builder.reading.process import read_file
from builder.reading.profile import Reading
from builder.reading.wish import Wish

__all__ = ["Reading", "Wish", "read_file"]
