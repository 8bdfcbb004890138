"""The bundle is built when a source has changed, not otherwise, and what goes wrong is said in plain words."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from config import build
from tests.house.processes import ROOT


@pytest.fixture
def static(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """static/ of its own, with the installed packages, one small script and one style sheet."""
    folder = tmp_path / "static"
    for name in ("src", "css", "node_modules"):
        (folder / name).mkdir(parents=True)
    for package in (ROOT / "static" / "node_modules").iterdir():
        (folder / "node_modules" / package.name).symlink_to(package)
    for stamp in (folder / "node_modules").glob(".marrowloop*"):
        stamp.unlink()
    for name in (*build.LOCKS, "build.mjs", "icon.svg"):
        shutil.copy(ROOT / "static" / name, folder)
    (folder / "src" / "site.ts").write_text("document.title = 'first' as string;")
    (folder / "css" / "site.css").write_text("body { color: red }")
    for name, path in {
        "STATIC": folder,
        "DIST": folder / "dist",
        "PACKAGES_STAMP": folder / "node_modules" / ".packages",
        "BUILD_STAMP": folder / "node_modules" / ".build",
    }.items():
        monkeypatch.setattr(build, name, path)
    (folder / "node_modules" / ".packages").write_text(build.packages_hash())
    return folder


def test_it_builds_what_changed_and_nothing_else(static: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert build.main() == 0
    assert "building static/dist" in capfd.readouterr().err
    assert "first" in (static / "dist" / "site.js").read_text()
    assert build.main() == 0
    assert capfd.readouterr().err == ""

    (static / "src" / "site.test.ts").write_text("no test is bundled")
    assert build.main() == 0
    assert capfd.readouterr().err == ""

    (static / "src" / "site.ts").write_text("document.title = 'second' as string;")
    assert build.main() == 0
    assert "second" in (static / "dist" / "site.js").read_text()


def test_a_fault_is_named_and_what_was_built_stays(static: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert build.main() == 0
    (static / "src" / "site.ts").write_text("document.title = ;")
    assert build.main() == 1
    said = capfd.readouterr().err
    assert "a source in static/ has a fault" in said
    assert "src/site.ts:1" in said
    assert "first" in (static / "dist" / "site.js").read_text()


def test_a_licence_is_kept_of_each_bundled_package(static: Path) -> None:
    (static / "src" / "site.ts").write_text("import RBush from 'rbush'; document.title = String(new RBush());")
    assert build.main() == 0
    kept = (static / "dist" / "licences.txt").read_text()
    assert kept.startswith(("quickselect", "rbush"))
    assert "MIT License" in kept


def test_without_a_network_it_says_so(
    static: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """The lock has changed, nothing is in the cache, and no registry answers."""
    empty = tmp_path / "empty"
    (empty / "bin").mkdir(parents=True)
    for program in ("node", "npm"):
        (empty / "bin" / program).symlink_to(build.BIN / program)
    shutil.rmtree(static / "node_modules")
    (static / "node_modules").mkdir()
    monkeypatch.setattr(build, "BIN", empty / "bin")
    monkeypatch.setenv("npm_config_registry", "http://127.0.0.1:9")
    monkeypatch.setenv("npm_config_fetch_retries", "0")
    assert build.main() == 1
    said = capfd.readouterr().err
    assert "The packages of the pages could not be installed" in said
    assert "check that this machine reaches its npm registry" in said
    assert "Traceback" not in said
    assert not build.PACKAGES_STAMP.exists()
