"""`python -m builder.engine`."""

from builder.engine.service import serve

serve()
