"""Where the installation lies: database, disk, permissions, secret, settings, built pages."""

from __future__ import annotations

import os
import shutil
import stat
from datetime import datetime

from django.conf import settings
from django.db import Error as DatabaseTrouble
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone

from learning.doctor.finding import Finding

SKEW_SECONDS = 5.0
FOLDERS = ("IMAGES_DIR", "SNAPSHOTS_DIR", "RUNS_DIR", "MODELS_DIR", "SCRATCH_DIR", "TRANSFERS_DIR", "BACKUPS_DIR")


def check_database(_thorough: bool) -> list[Finding]:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseTrouble as error:
        reason = str(error).strip().splitlines()[0]
        return [Finding("database", "bad", f"The database does not answer: {reason}", "look at DATABASE_URL, start it")]
    return []


def database_is_away(found: list[Finding]) -> bool:
    return any(finding.name in {"database", "migrations"} for finding in found)


def check_migrations(_thorough: bool) -> list[Finding]:
    try:
        executor = MigrationExecutor(connection)
    except DatabaseTrouble:
        return []  # check_database has said so
    waiting = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if not waiting:
        return []
    what = f"The tables are of an older version: {len(waiting)} migrations wait."
    return [Finding("migrations", "bad", what, "stop the workers, then type: .venv/bin/python manage.py migrate")]


def check_clock(_thorough: bool) -> list[Finding]:
    """Leases go by the clock of the database, and pages by that of their machine."""
    if connection.vendor != "postgresql":
        return []
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT clock_timestamp()")
            (there,) = cursor.fetchone()
    except DatabaseTrouble:
        return []
    return clock_findings(there)


def clock_findings(there: datetime) -> list[Finding]:
    apart = abs((timezone.now() - there).total_seconds())
    if apart <= SKEW_SECONDS:
        return []
    what = f"The clocks of this machine and of the database are {apart:.0f} s apart."
    return [Finding("clock", "warning", what, "type on both machines: timedatectl set-ntp true")]


def check_disk(_thorough: bool) -> list[Finding]:
    free, wanted = shutil.disk_usage(settings.HOME).free, settings.KEEP_FREE_MB * 1_000_000
    if free >= wanted:
        return []
    what = (
        f"{free / 1e9:.1f} GB are free in {settings.HOME}; uploads and backups are refused below {wanted / 1e9:.1f} GB."
    )
    return [Finding("disk", "bad", what, "see what takes room: manage.py sizes; then: manage.py tidy")]


def check_permissions(_thorough: bool) -> list[Finding]:
    found = []
    home = settings.HOME
    if home.stat().st_mode & stat.S_IWOTH:
        found.append(Finding("permissions", "bad", f"Everybody may write to {home}.", f"type: chmod o-w {home}"))
    for name in FOLDERS:
        folder = getattr(settings, name)
        if folder.exists() and not _usable(folder.stat()):
            what = f"{folder} belongs to somebody else, or cannot be written to."
            found.append(
                Finding("permissions", "bad", what, f"type: chown -R {os.getuid()} {folder}; chmod -R u+rwX {folder}")
            )
    return found


def _usable(state: os.stat_result) -> bool:
    """By owner and mode, and not by trying: who is root may write everywhere, and the server need not be root."""
    return state.st_uid == os.getuid() and state.st_mode & stat.S_IRWXU == stat.S_IRWXU


def check_secret(_thorough: bool) -> list[Finding]:
    file = settings.HOME / "secret_key"
    found = []
    if file.exists() and file.stat().st_mode & 0o077:
        found.append(Finding("secret", "bad", f"Others can read {file}.", f"type: chmod 600 {file}"))
    if len(settings.SECRET_KEY) < 32:
        what = "The secret key is short: sessions could be forged."
        found.append(Finding("secret", "bad", what, f"unset MARROWLOOP_SECRET_KEY, remove {file}, and start again"))
    return found


def check_settings(_thorough: bool) -> list[Finding]:
    found = []
    if settings.DEBUG:
        what = "Errors are shown with their inner state (MARROWLOOP_DEBUG)."
        found.append(Finding("settings", "bad", what, "unset MARROWLOOP_DEBUG"))
    if "*" in settings.ALLOWED_HOSTS:
        what = "The pages answer under any name (MARROWLOOP_HOSTS is *)."
        found.append(Finding("settings", "warning", what, "set MARROWLOOP_HOSTS to the names of this server"))
    if settings.CSRF_TRUSTED_ORIGINS and not settings.SESSION_COOKIE_SECURE:
        what = "People come by a proxy, and the cookies of their sign-in may travel in the clear."
        found.append(Finding("settings", "warning", what, "set MARROWLOOP_HTTPS=yes where the proxy speaks https"))
    return found


def check_pages(_thorough: bool) -> list[Finding]:
    if (settings.BASE_DIR / "static" / "dist" / "site.css").is_file():
        return []
    return [Finding("pages", "bad", "What the pages load was not built.", "type: make setup")]
