"""`make setup` works in a fresh clone, stays inside it, and fails in plain words."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from config import setup
from tests.house.processes import ROOT

INSTALLERS = ("PIP_", "UV_", "SSL_", "NODE_EXTRA_CA", "NPM_CONFIG_", "npm_config_")
BASE_PYTHON = Path(sys.executable).resolve()


def make(target: str, folder: Path, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    command = shutil.which("make") or "make"
    return subprocess.run(
        [command, target], cwd=folder, env=env, capture_output=True, text=True, check=False, timeout=240
    )


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A checkout with the files alone that the set-up reads."""
    for name in ("Makefile", "requirements.lock", "config/setup.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


def test_without_python_it_says_what_to_type(copy: Path) -> None:
    done = make("setup", copy, {"PATH": str(copy)})
    assert done.returncode != 0
    assert "apt install python3.11 python3.11-venv" in done.stderr


def test_without_venv_it_says_what_to_type(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("config.setup.sys.executable", shutil.which("false"))
    with pytest.raises(setup.SetupError, match=r"apt install python3\.11-venv"):
        setup.check_python()


def test_a_full_disk_is_noticed_before_the_download(monkeypatch: pytest.MonkeyPatch) -> None:
    usage = type("Usage", (), {"free": 3e9})
    monkeypatch.setattr("config.setup.shutil.disk_usage", lambda _path: usage)
    with pytest.raises(setup.SetupError, match=r"3\.0 GB free; the packages need 8 GB"):
        setup.check_disk()


def test_a_moved_environment_is_not_used(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The scripts inside name the folder in which they were made."""
    stamp = tmp_path / "stamp"
    monkeypatch.setattr(setup, "STAMP", stamp)
    stamp.write_text(setup.wanted_stamp())
    assert setup.is_ready()
    assert setup.is_usable()
    stamp.write_text(setup.wanted_stamp().replace(str(setup.VENV), "/elsewhere/.venv"))
    assert not setup.is_ready()
    assert not setup.is_usable()


@pytest.mark.setup
def test_without_a_network_it_says_so(copy: Path) -> None:
    nowhere = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(copy), "PIP_CONFIG_FILE": os.devnull}
    env = {"PATH": os.environ["PATH"], "PYTHON": str(BASE_PYTHON), "HOME": str(copy), **nowhere}
    done = make("setup", copy, env)
    assert done.returncode != 0
    assert "uv could not be installed" in done.stderr
    assert "check that this machine reaches its package index" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.fixture
def clone() -> Iterator[Path]:
    """A clone of the last commit, in a folder that is emptied at once: its packages take several gigabytes."""
    git = shutil.which("git")
    if git is None or not (ROOT / ".git").exists():
        pytest.skip("git or the repository's .git is absent")
    with tempfile.TemporaryDirectory(prefix="marrowloop-clone-") as folder:
        target = Path(folder) / "checkout"
        subprocess.run([git, "clone", "--quiet", str(ROOT), str(target)], check=True, timeout=60)
        yield target


def fresh_user(folder: Path) -> dict[str, str]:
    """The environment of a new user: empty folders, the caches of the installers, and of programs only sh and sed."""
    programs = folder / "programs"
    programs.mkdir()
    for program in ("sh", "sed"):
        (programs / program).symlink_to(shutil.which(program) or program)
    places = {name: folder / name.lower() for name in ("HOME", "TMPDIR", "MARROWLOOP_HOME")}
    for place in places.values():
        place.mkdir()
    uv = Path(sys.executable).with_name("uv")
    cache = subprocess.run([uv, "cache", "dir"], capture_output=True, text=True, check=True).stdout.strip()
    installers = {name: value for name, value in os.environ.items() if name.startswith(INSTALLERS)}
    env = {**installers, "UV_CACHE_DIR": cache, "PIP_NO_CACHE_DIR": "1", "PYTHON": str(BASE_PYTHON)}
    return {**env, "PATH": str(programs), **{name: str(place) for name, place in places.items()}}


@pytest.mark.setup
def test_a_fresh_clone_sets_itself_up(clone: Path) -> None:
    env = fresh_user(clone.parent)
    done = make("setup", clone, env)
    assert done.returncode == 0, done.stderr
    built = {path.name for path in (clone / "static" / "dist").iterdir()}
    assert {"workbench.js", "site.js", "site.css", "licences.txt"} <= built
    assert "make demo" in make("help", clone, env).stdout
    command = [str(clone / ".venv" / "bin" / "python"), "manage.py", "check"]
    checked = subprocess.run(command, cwd=clone, env=env, capture_output=True, text=True, check=False, timeout=120)
    assert checked.returncode == 0, checked.stderr

    seconds = []
    for _ in range(3):  # others may keep the cores busy: the quickest counts
        started = time.monotonic()
        again = make("setup", clone, env)
        seconds.append(time.monotonic() - started)
        assert "nothing to do" in again.stderr
    assert min(seconds) < 1

    assert sorted(path.name for path in Path(env["MARROWLOOP_HOME"]).iterdir()) == ["scratch", "secret_key", "static"]
    strays = [path for name in ("HOME", "TMPDIR") for path in Path(env[name]).rglob("*")]
    assert strays == [], "written outside the clone, the data folder and the caches"
    status = subprocess.run(["git", "status", "--porcelain"], cwd=clone, capture_output=True, text=True, check=True)
    assert status.stdout == "", "the set-up leaves files that git does not ignore"
