"""What the repository holds, and what it must not hold."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.house.processes import ROOT

MEGABYTE = 1_000_000
GENERATED = {"LICENSE", "requirements.lock", "package-lock.json"}
# Brackets keep this file from naming what it forbids.
FORBIDDEN = {
    "the address of a package index": re.compile(r"py[p]i\.org|python[h]osted|npm[j]s\.(?:org|com)|deb[i]an\.org"),
    "a path of one machine": re.compile(r"""(?:^|[\s"'`(=:])/(?:[h]ome|[r]oot|[w]ork|[U]sers)/\w"""),
    "a word that says nothing of what the thing does": re.compile(
        r"\b(?<!onnx\.)[h]elpers?\b|\b(?<!user-)[a]gents?\b", re.I
    ),
    "unfinished work": re.compile(r"\b(?:TO[D]O|FIX[M]E|X[X]X)\b"),
}


def tracked() -> list[Path]:
    """The files of the repository that exist; skips where this is no checkout."""
    git = shutil.which("git")
    if git is None or not (ROOT / ".git").exists():
        pytest.skip("git or the repository's .git is absent")
    listed = subprocess.run([git, "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout
    files = [ROOT / name for name in listed.decode().split("\0") if name]
    return [path for path in files if path.is_file()]


def text_of(path: Path) -> str:
    """The text of a file, empty for a picture, weights and the like."""
    data = path.read_bytes()
    return "" if b"\0" in data[:4096] else data.decode(errors="replace")


def test_no_file_is_large() -> None:
    sizes = {path.relative_to(ROOT).as_posix(): path.stat().st_size / MEGABYTE for path in tracked()}
    assert {name: f"{size:.1f} MB" for name, size in sizes.items() if size > 6} == {}


@pytest.mark.parametrize("what", FORBIDDEN)
def test_nothing_forbidden_is_written(what: str) -> None:
    found = []
    for path in tracked():
        if path.name not in GENERATED:
            lines = enumerate(text_of(path).splitlines(), 1)
            found += [f"{path.relative_to(ROOT)}:{number}" for number, line in lines if FORBIDDEN[what].search(line)]
    assert found == [], what


@pytest.mark.parametrize("name", ["requirements.lock", "package-lock.json"])
def test_locks_hold_no_address(name: str) -> None:
    """No address to fetch from. Whom to thank for a package, and what its makers say of it, may stand in the lock."""
    for path in (path for path in tracked() if path.name == name):
        lines = text_of(path).splitlines()
        fetched = [line for line in lines if '"resolved"' in line or "file:" in line]
        assert fetched + [line for line in lines if "://" in line and name.endswith(".lock")] == []


def test_every_locked_package_has_a_hash() -> None:
    blocks = re.split(r"\n(?=[a-z0-9])", (ROOT / "requirements.lock").read_text())
    packages = [block for block in blocks if not block.startswith("#")]
    assert len(packages) > 100
    assert [block.split()[0] for block in packages if "--hash=sha256:" not in block] == []
    assert not [block for block in packages if block.startswith("opencv-python==")], "the headless build is meant"


def test_migrations_are_named() -> None:
    migrations = [path for app in ("annotation", "learning") for path in (ROOT / app / "migrations").glob("0*.py")]
    assert migrations
    assert [path.name for path in migrations if "_auto_" in path.name] == []


def test_the_readme_names_every_make_target() -> None:
    targets = re.findall(r"^([a-z][a-z-]*):.*##", (ROOT / "Makefile").read_text(), re.MULTILINE)
    readme = (ROOT / "README.md").read_text()
    assert {"setup", "demo", "test", "check", "fix", "help"} <= set(targets)
    assert [target for target in targets if not re.search(rf"make {target}\b(?!-)", readme)] == []


def test_the_licence_is_the_agpl() -> None:
    text = (ROOT / "LICENSE").read_text()
    assert "GNU AFFERO GENERAL PUBLIC LICENSE" in text
    assert "13. Remote Network Interaction" in text
