"""Which code a process that starts now would run."""

import hashlib
from pathlib import Path

from builder.store.tables import ID_LENGTH

PACKAGE = Path(__file__).resolve().parent.parent
ROOT = PACKAGE.parent
"""The folder to start `python -m builder...` in."""


def code_version() -> str:
    """A short hash of the package's source as it is on the disk; some milliseconds."""
    digest = hashlib.sha256()
    for path in sorted(PACKAGE.rglob("*.py")):
        digest.update(path.relative_to(PACKAGE).as_posix().encode() + b"\0")
        digest.update(path.read_bytes() + b"\0")
    return digest.hexdigest()[:ID_LENGTH]
