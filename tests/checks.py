"""The static checks behind `make check`: `python -m tests.checks`."""

from __future__ import annotations

import sys
import tempfile

from tests.parts import BIN, ROOT, Part, run_parts


def parts(home: str) -> list[Part]:
    """The checks; `home` is a data folder for the one that starts Django."""
    python = sys.executable
    made = [
        Part("format", [python, "-m", "ruff", "format", "--check", "."]),
        Part("lint", [python, "-m", "ruff", "check", "."]),
        Part("types", [python, "-m", "mypy"], {"MARROWLOOP_HOME": home}),
        Part("imports", [str(BIN / "lint-imports"), "--no-cache"]),
        Part(
            "migrations",
            [python, "manage.py", "makemigrations", "--check", "--dry-run"],
            {"MARROWLOOP_HOME": home, "DATABASE_URL": None},
        ),
    ]
    made += scripts()
    made.append(Part("docs", [str(BIN / "sphinx-build"), "-q", "-W", "--keep-going", "docs", f"{home}/docs"]))
    if any((ROOT / "templates").rglob("*.html")):
        made.append(Part("templates", [str(BIN / "djlint"), "templates", "--check", "--lint", "--quiet"]))
    return made


def scripts() -> list[Part]:
    """The checks of static/, by the packages that `make setup` has installed there."""
    packages = ROOT / "static" / "node_modules"
    programs = {
        "script types": ["typescript/bin/tsc", "--project", "static"],
        "script lint": ["eslint/bin/eslint.js", "--max-warnings", "0", "static"],
        "script tests": ["vitest/vitest.mjs", "run", "--root", "static"],
    }
    env: dict[str, str | None] = {"NODE_DISABLE_COMPILE_CACHE": "1"}  # it would lie among the temporary files
    return [
        Part(name, [str(BIN / "node"), str(packages / program), *options], env)
        for name, (program, *options) in programs.items()
    ]


def main() -> int:
    with tempfile.TemporaryDirectory(prefix="marrowloop-check-") as home:
        outcomes = run_parts("static checks", parts(home), at_once=2)
    return int(any(outcome.code for outcome in outcomes))


if __name__ == "__main__":
    sys.exit(main())
