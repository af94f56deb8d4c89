"""What is kept: people's designs, runs, commands, histories and pictures. Torch-free.

App, engine, workers and command line talk to each other through it and nothing else.
"""

from builder.store.database import engine, home, secret

__all__ = ["engine", "home", "secret"]
