"""What is wrong with an installation, and what to type. Each check looks, and changes nothing."""

from __future__ import annotations

from collections.abc import Callable

from learning.doctor import files, machine, place, work
from learning.doctor.finding import Finding

# In this order: what a later one needs is looked at before.
CHECKS: tuple[Callable[[bool], list[Finding]], ...] = (
    place.check_database,
    place.check_migrations,
    place.check_clock,
    place.check_disk,
    place.check_permissions,
    place.check_secret,
    place.check_settings,
    place.check_pages,
    work.check_broker,
    work.check_workers,
    work.check_runs,
    work.check_chores,
    work.check_backups,
    files.check_pictures,
    files.check_snapshots,
    files.check_models,
    machine.check_weights,
    machine.check_card,
)


def examine(*, thorough: bool = False) -> list[Finding]:
    """All findings, the worst first. `thorough`: each picture is read, not only a sample.

    A check that breaks off is a finding itself. Without a database the checks that read rows are left out.
    """
    found = list[Finding]()
    for check in CHECKS:
        if check.__module__ in {work.__name__, files.__name__} and place.database_is_away(found):
            continue
        try:
            found += check(thorough)
        except Exception as error:  # whatever is broken, the rest must still be looked at
            found.append(Finding("doctor", "bad", f"{check.__name__} could not look: {error}", "read the line above"))
    return sorted(found, key=lambda finding: finding.grade != "bad")
