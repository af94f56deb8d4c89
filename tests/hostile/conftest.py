"""The random networks of tests/design serve here too, and what tests/catalog knows of PyTorch."""

import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parent.parent / folder) for folder in ("design", "catalog")]
