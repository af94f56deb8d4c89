"""Measured comparisons. Each is a module to run from the root of the repository; `README.md` has the figures."""
