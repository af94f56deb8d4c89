"""A worker whose files may not grow beyond 100 kB, as on a full disk, as long as `limited` stands in its home."""

import resource
from typing import Any

from builder import worker
from builder.store import database

LIMIT = 100_000


def load() -> Any:
    training = worker.load_torch()

    def limited(*given: Any) -> Any:
        if (database.home() / "limited").exists():
            resource.setrlimit(resource.RLIMIT_FSIZE, (LIMIT, LIMIT))
        return training(*given)

    return limited


if __name__ == "__main__":
    worker.TELL_SECONDS = 0.2
    worker.main(load)
