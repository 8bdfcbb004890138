"""Posting to an address that people of a project chose, without being led into the own network.

The name is looked up once, every address it has must be a public one, and the call goes to what was looked up: a name
that answers differently the second time leads nowhere else. Redirects are not followed, proxies of the environment
not used, and of the answer only the status is read.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import http.client
import socket
import ssl
import threading
from collections.abc import Mapping
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from urllib.parse import SplitResult, urlsplit

# The whole call, from the connection to the status, in seconds.
PATIENCE = 10.0
# Networks of version 6 whose addresses carry one of version 4 that a gateway would go on to.
_CARRIERS = tuple(map(ip_network, ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32")))


class WebhookError(Exception):
    """A call that did not succeed; the text says why, in words for the administrators of the project."""


def check_url(url: str, *, inside: bool) -> SplitResult:
    """`url` in its parts. Raises ValueError, in words for people, for one that no webhook can have.

    `inside`: addresses of the machine itself and of private networks are allowed.
    """
    parts = urlsplit(url)  # raises ValueError itself for brackets that do not match
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("Write the whole address of the webhook, such as https://chat.example.org/hooks/marrow.")
    if parts.username is not None or parts.password is not None:
        raise ValueError("The address may hold no user or password: the receiver checks the signature instead.")
    if not url.isascii() or not url.isprintable() or " " in url:
        raise ValueError("The address may hold no spaces or letters beyond ASCII: write them as %20 and the like.")
    _ = parts.port  # raises ValueError for one that is no number, or too large
    try:
        literal = ip_address(parts.hostname)
    except ValueError:
        return parts
    if not inside and not is_public(literal):
        raise ValueError(_REFUSED)
    return parts


_REFUSED = (
    "This address lies on the server itself or in a private network, which webhooks may not reach: "
    "who keeps the server can allow it by MARROWLOOP_WEBHOOKS_INSIDE=yes."
)


def is_public(address: IPv4Address | IPv6Address) -> bool:
    """Whether `address` is one of the public internet, and not a public one that stands for another."""
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return is_public(address.ipv4_mapped)
        if any(address in network for network in _CARRIERS):
            return False
    return address.is_global and not address.is_multicast and not address.is_reserved


def sign(secret: str, timestamp: str, body: bytes) -> str:
    """HMAC-SHA256 of `timestamp`, a full stop and `body`, hexadecimal: as the receiver works it out, too."""
    return hmac.new(secret.encode(), timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()


def post(url: str, body: bytes, headers: Mapping[str, str], *, inside: bool) -> None:
    """Post `body` to `url`. Raises WebhookError unless it is answered with 200 to 299 in time."""
    try:
        parts = check_url(url, inside=inside)
    except ValueError as error:
        raise WebhookError(str(error)) from error
    host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
    place = _look_up(host, port, inside=inside)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    try:
        status = _call(parts.scheme, host, port, place, target, body, headers)
    except ssl.SSLError as error:
        raise WebhookError(f"The receiver's certificate or TLS was not accepted ({error.reason or 'TLS'}).") from error
    except TimeoutError as error:
        raise WebhookError("The receiver did not answer within 10 seconds.") from error
    except (OSError, http.client.HTTPException) as error:
        raise WebhookError(f"The receiver could not be reached ({type(error).__name__}).") from error
    if not 200 <= status < 300:
        more = " Redirects are not followed: write where it leads." if 300 <= status < 400 else ""
        raise WebhookError(f"The receiver answered {status}.{more}")


def _look_up(host: str, port: int, *, inside: bool) -> str:
    """One address of `host`, of which none may be refused."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise WebhookError("The name of the receiver is not known.") from error
    places = [str(entry[4][0]) for entry in found]
    if not places:
        raise WebhookError("The name of the receiver is not known.")
    if not inside and not all(is_public(ip_address(place.partition("%")[0])) for place in places):
        raise WebhookError(_REFUSED)
    return places[0]


def _call(scheme: str, host: str, port: int, place: str, target: str, body: bytes, headers: Mapping[str, str]) -> int:
    raw = socket.create_connection((place, port), timeout=PATIENCE)
    late = threading.Event()

    def give_up() -> None:
        """A receiver that sends a letter now and then would else hold the worker for hours."""
        late.set()
        with contextlib.suppress(OSError):
            raw.shutdown(socket.SHUT_RDWR)

    clock = threading.Timer(PATIENCE, give_up)
    clock.daemon = True
    clock.start()
    line: http.client.HTTPConnection
    try:
        if scheme == "https":
            line = http.client.HTTPSConnection(host, port)
            raw = ssl.create_default_context().wrap_socket(raw, server_hostname=host, do_handshake_on_connect=False)
            raw.do_handshake()  # by itself, so that the clock can end it, too
            line.sock = raw
        else:
            line = http.client.HTTPConnection(host, port)
            line.sock = raw
        line.request("POST", target, body=body, headers=dict(headers) | {"Connection": "close"})
        return line.getresponse().status
    except (OSError, http.client.HTTPException):
        if late.is_set():
            raise TimeoutError from None
        raise
    finally:
        clock.cancel()
        raw.close()
