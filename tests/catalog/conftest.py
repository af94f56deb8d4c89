"""PyTorch draws the same numbers in every run of a test."""

import pytest
import torch


@pytest.fixture(autouse=True)
def torch_seed() -> None:
    torch.manual_seed(0)
