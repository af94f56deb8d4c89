"""The process that owns the queue and the workers: `python -m builder.engine`. Torch-free.

It talks to everybody else through the store alone, outlives the app that started it, and ends itself when it has
nothing to do and no app shows signs of life.
"""

from builder.engine.manage import Status, ensure, status, stop

__all__ = ["Status", "ensure", "status", "stop"]
