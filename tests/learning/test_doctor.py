"""The doctor finds what is really broken, says what to type, and finds nothing where all is well."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone
from pytest_django import Settings

from annotation.models import Worker
from learning.doctor import examine, machine, place
from learning.doctor.finding import Finding
from learning.models import Chore
from learning.states import RunState
from tests.house.processes import ROOT, ask
from tests.learning import rows

pytestmark = pytest.mark.django_db


@pytest.fixture
def well(home: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An installation without a fault: a backup, a picture whose hash is right, workers, built pages."""
    settings.HOME, settings.BACKUPS_DIR, settings.TRANSFERS_DIR = home, home / "backups", home / "transfers"
    settings.BASE_DIR, settings.KEEP_FREE_MB = home / "checkout", 0
    (home / "checkout" / "static" / "dist").mkdir(parents=True)
    (home / "checkout" / "static" / "dist" / "site.css").touch()
    (home / "backups").mkdir()
    (home / "backups" / "marrowloop-20261127-023000.zip").touch()
    monkeypatch.setenv("PATH", str(home))  # no nvidia-smi of this machine
    for queue in ("train", "light"):
        Worker.objects.create(name=queue, queues=queue, began_at=timezone.now(), seen_at=timezone.now())
    return home


def found(name: str, *, thorough: bool = False) -> Finding:
    """The one finding of the installation, which must be `name`."""
    (finding,) = examine(thorough=thorough)
    assert finding.name == name, finding
    return finding


def a_picture(home: Path) -> Path:
    import hashlib

    field = rows.field(rows.project())
    path = home / "images" / field.file
    path.write_bytes(b"a picture")
    field.sha256 = hashlib.sha256(b"a picture").hexdigest()
    field.save()
    return path


def test_nothing_is_found_where_all_is_well(well: Path) -> None:
    a_picture(well)
    assert examine(thorough=True) == []


def test_tables_of_an_older_version(well: Path) -> None:
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE app = 'learning' AND name >= '0004'")
    assert "manage.py migrate" in found("migrations").type


def test_a_database_that_does_not_answer(tmp_path: Path) -> None:
    """In a process of its own; the checks that need no rows are still made."""
    look = "import django, json; django.setup(); from learning.doctor import examine; "
    show = "print(json.dumps([[f.name, f.what] for f in examine()]))"
    env = {"DATABASE_URL": f"postgres://nobody@/none?host={tmp_path}", "MARROWLOOP_DEBUG": "yes"}
    names = dict(ask(look + show, tmp_path / "home", env))
    assert "does not answer" in names["database"]
    assert "MARROWLOOP_DEBUG" in names["settings"]
    assert "doctor" not in names


def test_a_full_disk(well: Path, settings: Settings) -> None:
    settings.KEEP_FREE_MB = 10**9
    assert "manage.py tidy" in found("disk").type


def test_clocks_that_are_apart() -> None:
    assert place.clock_findings(timezone.now()) == []
    assert "120 s apart" in place.clock_findings(timezone.now() - timedelta(seconds=120))[0].what


def a_lost_run(home: Path) -> None:
    run = rows.run_of(rows.project(), state=RunState.RUNNING, worker="gone:1:1")
    run.lease_until = timezone.now() - timedelta(hours=1)
    run.save()


def a_missing_model(home: Path) -> None:
    rows.model(rows.project())


def a_changed_model(home: Path) -> None:
    model = rows.model(rows.project())
    model.path.mkdir(parents=True)
    model.weights.write_bytes(b"other weights")
    (model.path / "card.json").touch()


def a_missing_snapshot(home: Path) -> None:
    rows.project().snapshots.create(sha256="5" * 64, purpose="training")


def old_backups(home: Path) -> None:
    long_ago = (timezone.now() - timedelta(days=9)).timestamp()
    os.utime(home / "backups" / "marrowloop-20261127-023000.zip", (long_ago, long_ago))


def no_worker(home: Path) -> None:
    rows.run_of(rows.project())
    Worker.objects.filter(name="train").update(seen_at=timezone.now() - timedelta(minutes=5))


def a_failed_chore(home: Path) -> None:
    Chore.objects.create(name="backup", due_at=timezone.now(), error="no room")


def an_open_secret(home: Path) -> None:
    (home / "secret_key").touch(mode=0o644)


def a_card_without_driver(home: Path) -> None:
    tool = home / "nvidia-smi"
    tool.write_text("#!/bin/sh\necho 'NVIDIA-SMI has failed'\nexit 9\n")
    tool.chmod(0o755)


@pytest.mark.parametrize(
    ("breaks", "name", "words"),
    [
        (lambda home: a_picture(home).unlink(), "pictures", "is missing"),
        (lambda home: a_picture(home).write_bytes(b"A picture"), "pictures", "was changed or damaged"),
        (a_missing_snapshot, "snapshots", "is missing"),
        (a_changed_model, "models", "was changed or damaged"),
        (a_lost_run, "runs", "nobody took it over"),
        (no_worker, "workers", "No worker of the queue train"),
        (lambda home: (home / "backups" / "marrowloop-20261127-023000.zip").unlink(), "backup", "There is no backup"),
        (old_backups, "backup", "9 days old"),
        (a_failed_chore, "chores", "no room"),
        (an_open_secret, "secret", "Others can read"),
        (lambda home: (home / "images").chmod(0o500), "permissions", "cannot be written to"),
        (lambda home: home.chmod(0o777), "permissions", "Everybody may write"),
        (lambda home: (home / "checkout" / "static" / "dist" / "site.css").unlink(), "pages", "not built"),
        (a_card_without_driver, "card", "sees no card"),
    ],
)
def test_what_is_broken_is_found(well: Path, breaks: Callable[[Path], Any], name: str, words: str) -> None:
    breaks(well)
    finding = found(name)
    assert words in finding.what
    assert finding.type


def test_a_model_without_files_misses_weights_and_card(well: Path) -> None:
    a_missing_model(well)
    assert [finding.name for finding in examine()] == ["models", "models"]


@pytest.mark.parametrize(
    ("values", "name", "words"),
    [
        ({"DEBUG": True}, "settings", "inner state"),
        ({"ALLOWED_HOSTS": ["*"]}, "settings", "any name"),
        ({"CSRF_TRUSTED_ORIGINS": ["https://marrow.example"]}, "settings", "in the clear"),
        ({"SECRET_KEY": "short"}, "secret", "short"),
        ({"WEIGHTS_DIR": Path("/nowhere/weights")}, "weights", "is not there"),
        ({"CELERY_BROKER_URL": "redis://127.0.0.1:1/0"}, "redis", "does not answer"),
    ],
)
def test_settings_that_are_wrong(well: Path, settings: Settings, values: dict[str, Any], name: str, words: str) -> None:
    for key, value in values.items():
        setattr(settings, key, value)
    assert words in found(name).what


def test_a_driver_too_old_for_torch() -> None:
    said = "| NVIDIA-SMI 470.1   Driver Version: 470.1   CUDA Version: 11.4 |"
    assert "CUDA 13" in machine.driver_findings(said, 13)[0].what
    assert machine.driver_findings(said.replace("11.4", "13.2"), 13) == []
    assert machine._cuda_of_torch() == 13, "torch says in another way by now for which CUDA it was built"


def test_the_command_says_it_all_and_fails_where_something_is_bad(well: Path) -> None:
    out = StringIO()
    call_command("doctor", "--json", stdout=out)
    assert json.loads(out.getvalue())["ok"] is True
    an_open_secret(well)
    out = StringIO()
    with pytest.raises(CommandError, match="1 of these"):
        call_command("doctor", stdout=out)
    assert "chmod 600" in out.getvalue()
    assert ROOT.is_dir()
