"""All tests, in the parts that `make test` prints: `python -m tests.run [--fast]`.

All share the cores between two processes; of each file, and of each family of the zoo, one test runs at a time. What
is timed runs alone. Tests that touch the database run a second time on the PostgreSQL that tests/postgres.py starts.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from xml.etree.ElementTree import parse

from tests.parts import Part, run_parts

QUICK, BROWSER = "not training and not setup and not browser", "browser"
TRAINING, SETUP = "training and not browser", "setup and not training and not browser"
ON_SQLITE: dict[str, str | None] = {"DATABASE_URL": None, "REDIS_URL": None}


def pytest(results: Path, name: str, *options: str) -> list[str]:
    """A pytest command that leaves its counts as `name`.xml in `results`."""
    return [sys.executable, "-m", "pytest", f"--junit-xml={results / name}.xml", "--durations=8", *options]


def parts(results: Path) -> list[Part]:
    spread = ["-n", "2", "--dist", "loadfile", "-m", QUICK]
    grouped = ["-n", "2", "--dist", "loadgroup", "--no-loadscope-reorder"]
    postgres = pytest(results, "postgres", *spread, "--postgres", "tests/annotation", "tests/learning")
    return [
        Part("static checks", [sys.executable, "-m", "tests.checks"]),
        Part("tests on PostgreSQL", [sys.executable, "-m", "tests.postgres", *postgres], {"REDIS_URL": None}),
        Part("pages in Chromium", pytest(results, "browser", *grouped, "-m", BROWSER, "tests/browser"), ON_SQLITE),
        Part("training", pytest(results, "training", *grouped, "-m", TRAINING), ON_SQLITE),
        Part("set-up", pytest(results, "setup", *grouped, "-m", f"{SETUP} and not timed"), ON_SQLITE),
        Part("set-up, timed", pytest(results, "timed", "-m", f"{SETUP} and timed"), ON_SQLITE),
        Part("tests on SQLite", pytest(results, "sqlite", *spread), ON_SQLITE),
    ]


def fast_parts(results: Path) -> list[Part]:
    spread = ["-n", "2", "--dist", "loadfile", "-m", f"{QUICK} and not realdata"]
    return [Part("quick tests on SQLite", pytest(results, "fast", *spread), ON_SQLITE)]


def counts(results: Path) -> dict[str, int]:
    """The tests of all parts, by outcome; a part that left no file shows as failed in the table."""
    total = {"passed": 0, "failed": 0, "skipped": 0}
    for file in sorted(results.glob("*.xml")):
        for suite in parse(file).getroot().iter("testsuite"):  # noqa: S314 - written by pytest a moment ago
            run, skipped = int(suite.get("tests", 0)), int(suite.get("skipped", 0))
            failed = int(suite.get("failures", 0)) + int(suite.get("errors", 0))
            total["failed"] += failed
            total["skipped"] += skipped
            total["passed"] += run - failed - skipped
    return total


def main() -> int:
    fast = sys.argv[1:] == ["--fast"]
    with tempfile.TemporaryDirectory(prefix="marrowloop-results-") as folder:
        results = Path(folder)
        outcomes = run_parts("make test-fast" if fast else "make test", (fast_parts if fast else parts)(results))
        total = counts(results)
    broken = [outcome.name for outcome in outcomes if outcome.code]
    if broken:
        print(f"\nfailed: {', '.join(broken)}")
    print(f"\n{total['passed']} passed, {total['failed']} failed, {total['skipped']} skipped", flush=True)
    return int(bool(broken))


if __name__ == "__main__":
    sys.exit(main())
