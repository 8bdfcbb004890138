"""No test reaches for the network: a try is refused, and fails the test even where the code swallows the error."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from ipaddress import ip_address
from typing import Any

import pytest

attempts: list[str] = []


class NetworkForbidden(OSError):
    """What a caller sees: an OSError, as on a machine without a network."""


def is_local(host: object) -> bool:
    """Whether `host` is this machine: no host, localhost, a loopback address."""
    if isinstance(host, bytes):
        host = host.decode()
    if host in (None, "", "localhost", "localhost.localdomain"):
        return True
    try:
        return ip_address(str(host)).is_loopback
    except ValueError:
        return False


def refuse(what: str) -> None:
    attempts.append(what)
    raise NetworkForbidden(f"tests may not use the network: {what}")


class GuardedSocket(socket.socket):
    """A socket that reaches Unix sockets and loopback addresses only."""

    def _check(self, address: Any) -> None:
        if self.family in (socket.AF_INET, socket.AF_INET6) and not is_local(address[0]):
            refuse(f"{address[0]}:{address[1]}")

    def connect(self, address: Any) -> None:
        self._check(address)
        super().connect(address)

    def connect_ex(self, address: Any) -> int:
        self._check(address)
        return super().connect_ex(address)

    def sendto(self, *args: Any) -> int:
        self._check(args[-1])
        return super().sendto(*args)


@pytest.fixture(scope="session", autouse=True)
def guarded_sockets() -> Iterator[None]:
    """Puts the guard in place of the socket class and of name look-ups, for the whole session."""
    look_up = socket.getaddrinfo

    def guarded_look_up(host: Any, *args: Any, **kwargs: Any) -> Any:
        if not is_local(host):
            refuse(f"look-up of {host}")
        return look_up(host, *args, **kwargs)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket, "socket", GuardedSocket)
        patch.setattr(socket, "getaddrinfo", guarded_look_up)
        yield


@pytest.fixture(autouse=True)
def no_network(guarded_sockets: None) -> Iterator[None]:
    """Fails the test that reached for the network."""
    attempts.clear()
    yield
    assert not attempts, f"the test reached for the network: {', '.join(attempts)}"
