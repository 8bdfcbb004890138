"""What all tests share: a data folder of their own, no network, and the choice of tests for PostgreSQL."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Generator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.network import guarded_sockets, no_network

if TYPE_CHECKING:  # it loads models, and there are no settings yet
    from tests.cast import Cast

__all__ = ["guarded_sockets", "no_network"]

# Before anything loads the settings, which make the folder. The folder of a person is never touched. Django is
# named here and not in pyproject.toml, because pytest-django would load the settings before this file.
os.environ["MARROWLOOP_HOME"] = tempfile.mkdtemp(prefix="marrowloop-test-")
os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"

DATABASE_FIXTURES = {"db", "transactional_db", "django_db_reset_sequences", "live_server"}


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--postgres", action="store_true", help="only the tests of the database, and only on PostgreSQL")


def pytest_configure(config: pytest.Config) -> None:
    import django
    from django.conf import settings

    django.setup()
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # a good one takes its time by design
    # Processes that xdist starts would inherit the name, and pytest-django would load the settings there before this
    # file has given them a folder of their own.
    os.environ.pop("DJANGO_SETTINGS_MODULE", None)
    engine = settings.DATABASES["default"]["ENGINE"]
    if config.getoption("--postgres") and not engine.endswith("postgresql"):
        raise pytest.UsageError("--postgres needs a DATABASE_URL of PostgreSQL: python -m tests.postgres gives one")


def pytest_unconfigure(config: pytest.Config) -> None:
    shutil.rmtree(os.environ["MARROWLOOP_HOME"], ignore_errors=True)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol() -> Generator[None, object, object]:
    """Each test leaves the environment as it found it: a training sets variables that its children would inherit."""
    before = dict(os.environ)
    try:
        return (yield)
    finally:
        os.environ.clear()
        os.environ.update(before)


def uses_database(item: pytest.Item) -> bool:
    if item.get_closest_marker("django_db"):
        return True
    return bool(DATABASE_FIXTURES.intersection(getattr(item, "fixturenames", ())))


def group_of(item: pytest.Item) -> str:
    """What two processes do not share: a file, and in the suite over all families a family and what it has learned."""
    given = getattr(getattr(item, "callspec", None), "params", {})
    return f"{item.path.stem} {given.get('trained') or given.get('family') or ''}"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    for item in items:
        item.add_marker(pytest.mark.xdist_group(group_of(item)))
    items.sort(key=lambda item: not item.get_closest_marker("early"))
    if config.getoption("--postgres"):
        config.hook.pytest_deselected(items=[item for item in items if not uses_database(item)])
        items[:] = [item for item in items if uses_database(item)]


@pytest.fixture
def cast(db: None) -> Cast:
    """A project and its people, see tests/cast.py."""
    from tests.cast import make_cast

    return make_cast()


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real images, which is no part of the product. Tests that need it are skipped where it is absent."""
    beside = Path(__file__).resolve().parents[2] / "shared" / "data"
    folder = Path(os.environ.get("MARROWLOOP_DATA") or beside).expanduser()
    if not folder.is_dir():
        pytest.skip(f"no real images: MARROWLOOP_DATA is not set and {beside} is absent")
    return folder
