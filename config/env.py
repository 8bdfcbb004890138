"""Typed reading of environment variables: a wrong value is refused with its name, never guessed around."""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass
from datetime import time
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

# A line to the database that is cut is noticed within half a minute, not after the quarter of an hour of TCP itself.
PATIENCE: dict[str, Any] = {
    "connect_timeout": "5",
    "keepalives_idle": "10",
    "keepalives_interval": "5",
    "keepalives_count": "3",
    "tcp_user_timeout": "20000",
}
TRUE, FALSE = {"1", "true", "yes", "on"}, {"0", "false", "no", "off", ""}


def env_str(name: str, default: str = "") -> str:
    return os.environ.get(name, default).strip()


def env_bool(name: str, default: bool) -> bool:
    value = os.environ.get(name)
    if value is None:
        return default
    if value.strip().lower() in TRUE:
        return True
    if value.strip().lower() in FALSE:
        return False
    raise ImproperlyConfigured(f"{name} is {value!r}: write yes or no")


def env_int(name: str, default: int) -> int:
    value = os.environ.get(name)
    if value is None:
        return default
    try:
        return int(value)
    except ValueError:
        raise ImproperlyConfigured(f"{name} is {value!r}: write a whole number") from None


def env_choice(name: str, choices: tuple[str, ...]) -> str:
    """One of `choices`, the first where nothing is said."""
    value = env_str(name, choices[0]) or choices[0]
    if value not in choices:
        raise ImproperlyConfigured(f"{name} is {value!r}: write one of {', '.join(choices)}")
    return value


def env_list(name: str, default: list[str]) -> list[str]:
    value = os.environ.get(name)
    return default if value is None else [part.strip() for part in value.split(",") if part.strip()]


def env_time(name: str, default: str) -> time | None:
    """A time of day as 02:30; None where the variable is set to nothing."""
    value = env_str(name, default)
    try:
        return time.fromisoformat(value) if value else None
    except ValueError:
        raise ImproperlyConfigured(f"{name} is {value!r}: write a time of day such as 02:30, or nothing") from None


def env_path(name: str, default: Path) -> Path:
    """An absolute path; `~` is opened."""
    value = env_str(name)
    return Path(value).expanduser().resolve() if value else default


def kept_secret(name: str, file: Path) -> str:
    """The variable `name`, else the content of `file`, which is made with a random secret (mode 600) on first use."""
    value = env_str(name)
    if value:
        return value
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return file.read_text().strip()
    with os.fdopen(descriptor, "w") as stream:
        stream.write(secrets.token_urlsafe(50))
    return file.read_text().strip()


def broker_options(url: str, queue: Path) -> dict[str, Any]:
    """Celery's options for the transport of `url`; `filesystem://` keeps its messages in the folder `queue`."""
    if url.startswith("filesystem://"):
        folder = str(queue)
        queue.mkdir(parents=True, exist_ok=True)
        return {"data_folder_in": folder, "data_folder_out": folder, "control_folder": f"{folder}/control"}
    return {"socket_timeout": 5, "socket_connect_timeout": 2} if url.startswith("redis") else {}


def store_from(url: str) -> dict[str, str]:
    """The bucket that `url` names (s3://bucket/prefix?endpoint=http://host:9000); empty where all lies in one folder.

    The keys come by AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or whatever else boto3 knows: never by this address.
    """
    if not url:
        return {}
    parts = urlsplit(url)
    if parts.scheme != "s3" or not parts.netloc or "@" in parts.netloc:
        raise ImproperlyConfigured(f"MARROWLOOP_STORE is {url!r}: write s3://BUCKET or s3://BUCKET/PREFIX")
    endpoint = dict(parse_qsl(parts.query)).get("endpoint", "")
    return {"bucket_name": parts.netloc, "location": unquote(parts.path).strip("/"), "endpoint_url": endpoint}


def database_from(url: str, sqlite: Path) -> dict[str, Any]:
    """Django's settings for `url` (postgres://user:password@host:port/name?options), or for the SQLite file.

    SQLite: WAL and IMMEDIATE transactions together are what keeps two writers from failing at once; no mmap,
    because SQLite before 3.51.3 can corrupt the WAL with it. Connections stay open between requests: opening one costs
    more than a query, and whoever closes the last one copies the whole WAL into the database meanwhile.
    """
    if not url:
        return {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": sqlite,
            "CONN_MAX_AGE": 60,
            "OPTIONS": {
                "timeout": 20,
                "transaction_mode": "IMMEDIATE",
                "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
            },
        }
    parts = urlsplit(url)
    if parts.scheme not in {"postgres", "postgresql"}:
        raise ImproperlyConfigured(
            f"DATABASE_URL starts with {parts.scheme!r}: write postgres://user:password@host/name"
        )
    options = dict(parse_qsl(parts.query))
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.lstrip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": options.pop("host", None) or unquote(parts.hostname or ""),
        "PORT": str(parts.port or ""),
        "OPTIONS": PATIENCE | options,
        "CONN_MAX_AGE": 60,
        "CONN_HEALTH_CHECKS": True,
    }


@dataclass(frozen=True, slots=True)
class Email:
    """The server that takes our mail. `security`: starttls, tls (from the first byte), or none."""

    host: str
    port: int
    user: str
    password: str
    security: str


def email_from(url: str) -> Email | None:
    """Of smtp://user:password@host:port (with STARTTLS), smtps:// (TLS at once), or smtp://...?security=none."""
    if not url:
        return None
    parts = urlsplit(url)
    security = dict(parse_qsl(parts.query)).get("security", "tls" if parts.scheme == "smtps" else "starttls")
    if parts.scheme not in {"smtp", "smtps"} or not parts.hostname or security not in {"starttls", "tls", "none"}:
        raise ImproperlyConfigured(f"EMAIL_URL starts with {parts.scheme!r}: write smtp://user:password@host:587")
    port = parts.port or (465 if security == "tls" else 587)
    return Email(parts.hostname, port, unquote(parts.username or ""), unquote(parts.password or ""), security)
