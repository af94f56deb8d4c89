"""An engine whose workers count instead of training."""

import sys

from builder.engine.service import serve

if __name__ == "__main__":
    serve([sys.executable, "-m", "tests.engine.fake_worker"])
