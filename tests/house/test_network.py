"""The guard against the network holds, and says so."""

from __future__ import annotations

import socket

import pytest

from tests import network


def test_a_try_is_refused_and_noted() -> None:
    with pytest.raises(network.NetworkForbidden, match=r"192\.0\.2\.1:80"), socket.socket() as stranger:
        stranger.connect(("192.0.2.1", 80))
    with pytest.raises(network.NetworkForbidden, match=r"example\.org"):
        socket.create_connection(("example.org", 80), timeout=1)
    assert len(network.attempts) == 2
    network.attempts.clear()


def test_this_machine_can_be_reached() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = server.getsockname()
        with socket.create_connection(address, timeout=2) as client:
            assert client.getpeername() == address
