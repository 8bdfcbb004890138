"""Settings come from documented variables, refuse nonsense, and need none of them."""

from __future__ import annotations

import re
import stat
from pathlib import Path

import pytest

from tests.house.processes import ROOT, ask

READS = re.compile(r'(?:env_\w+|kept_secret)\(\s*"([A-Z][A-Z0-9_]+)"')
SHOW = "import json; from django.conf import settings as s; print(json.dumps([s.SECRET_KEY, s.DEBUG, str(s.HOME)]))"


def test_every_variable_is_documented() -> None:
    page = (ROOT / "docs" / "reference" / "settings.md").read_text()
    read = set(READS.findall((ROOT / "config" / "settings.py").read_text()))
    assert {"MARROWLOOP_HOME", "MARROWLOOP_WEIGHTS", "DATABASE_URL", "REDIS_URL"} <= read
    assert sorted(name for name in read if f"`{name}`" not in page) == []
    documented = set(re.findall(r"^\W*`([A-Z][A-Z0-9_]+)`", page, re.MULTILINE))
    of_tests = {"MARROWLOOP_DATA", "MARROWLOOP_CHROMIUM", "CI"}
    assert sorted(documented - read - of_tests) == [], "documented, but read nowhere"


def test_only_the_settings_read_the_environment() -> None:
    """One file tells what can be configured; MARROWLOOP_PARENT and MARROWLOOP_LIFE are no settings: who starts a child
    tells it."""
    readers = re.compile(r"os\.(?:environ(?:\.get\(|\[)|getenv\()(?!\"MARROWLOOP_(?:PARENT|LIFE)\")")
    files = [path for room in ("annotation", "learning") for path in (ROOT / room).rglob("*.py")]
    assert [str(path.relative_to(ROOT)) for path in files if readers.search(path.read_text())] == []


def test_the_secret_is_made_on_first_use_and_kept(tmp_path: Path) -> None:
    bare = {"MARROWLOOP_SECRET_KEY": "", "MARROWLOOP_DEBUG": "no"}
    here, there = tmp_path / "here", tmp_path / "there"
    secret, debug, home = ask(SHOW, here, bare)
    assert home == str(here)
    assert debug is False
    assert len(secret) >= 50
    assert ask(SHOW, here, bare)[0] == secret
    assert ask(SHOW, there, bare)[0] != secret, "the secret is the same on two machines"
    assert stat.S_IMODE((here / "secret_key").stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("name", "value"), [("MARROWLOOP_DEBUG", "perhaps"), ("DATABASE_URL", "mysql://localhost/marrowloop")]
)
def test_nonsense_is_refused_by_name(tmp_path: Path, name: str, value: str) -> None:
    with pytest.raises(AssertionError, match=name):
        ask(SHOW, tmp_path, {name: value})


def test_the_web_process_starts_without_a_warning(tmp_path: Path) -> None:
    start = "import warnings; warnings.simplefilter('error', UserWarning); import config.wsgi; print(1)"
    assert ask(start, tmp_path) == 1
