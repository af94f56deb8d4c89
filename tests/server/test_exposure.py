"""Serving others needs a secret."""

import pytest

from builder.problem import Refused
from builder.server.exposure import only_this_machine, require_secret


@pytest.mark.parametrize("address", ["127.0.0.1", "127.8.9.1", "::1", "localhost"])
def test_this_machine_alone_needs_nothing(address: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("LAYERLAB_SECRET", raising=False)
    assert only_this_machine(address)
    require_secret(address)


@pytest.mark.parametrize("address", ["0.0.0.0", "::", "192.168.1.5", "example.org", "", None])
def test_every_other_address_needs_the_secret(address: str | None, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("LAYERLAB_SECRET", raising=False)
    with pytest.raises(Refused) as refused:
        require_secret(address)
    assert refused.value.problems[0].code == "server/no-secret"
    monkeypatch.setenv("LAYERLAB_SECRET", "long and random")
    require_secret(address)
