"""Makes `.venv`, installs what requirements.lock names and has the pages built: the work behind `make setup`.

It runs before anything is installed, so it uses the standard library alone and never imports a neighbour of
this file. uv does the installing, because it is several times faster than pip; pip brings uv, by the hash
that the same lock holds. A stamp inside `.venv` keeps the hash of the lock, so a second call has nothing to do.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
LOCK = ROOT / "requirements.lock"
STAMP = VENV / "marrowloop-lock.sha256"
BUILD = ROOT / "config" / "build.py"
NEEDED_GB = 8.0


class SetupError(Exception):
    """Something the person at the machine must change; the message says what."""


def wanted_stamp() -> str:
    """The hash of the lock, the interpreter it was installed for, and the place, which the scripts in it name."""
    return f"{hashlib.sha256(LOCK.read_bytes()).hexdigest()}\npython {sys.version.split()[0]}\n{VENV}\n"


def is_ready() -> bool:
    return STAMP.is_file() and PYTHON.exists() and STAMP.read_text() == wanted_stamp()


def check_python() -> None:
    if sys.version_info[:2] != (3, 11):
        raise SetupError(f"This is Python {sys.version.split()[0]}; Marrowloop needs 3.11.")
    probe = subprocess.run([sys.executable, "-I", "-c", "import venv, ensurepip"], capture_output=True, check=False)
    if probe.returncode:
        raise SetupError("Python 3.11 is here without its venv module. On Debian type: apt install python3.11-venv")


def check_disk() -> None:
    """PyTorch with its GPU libraries is what fills the disk."""
    free = shutil.disk_usage(ROOT).free / 1e9
    if free < NEEDED_GB:
        raise SetupError(
            f"The disk of {ROOT} has {free:.1f} GB free; the packages need {NEEDED_GB:.0f} GB. "
            "Make room, or put the checkout on a larger disk."
        )


def is_usable() -> bool:
    """Whether there is a `.venv` whose Python runs and which was not moved since it was made."""
    if not PYTHON.exists() or (STAMP.is_file() and STAMP.read_text().splitlines()[-1:] != [str(VENV)]):
        return False
    probe = "import sys, pip; sys.exit(sys.version_info[:2] != (3, 11))"
    return not subprocess.run([PYTHON, "-c", probe], capture_output=True, check=False).returncode


def make_venv() -> None:
    """Keeps a `.venv` that can be used; makes a broken, moved or foreign one anew."""
    if is_usable():
        return
    say("making .venv")
    done = subprocess.run(
        [sys.executable, "-I", "-m", "venv", "--clear", str(VENV)], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SetupError(
            f"Python could not make .venv:\n{last_lines(done.stdout + done.stderr)}\n"
            "On Debian the missing part is installed by: apt install python3.11-venv"
        )


def installed_uv() -> str | None:
    """The version of the uv in `.venv`, None where there is none that runs."""
    try:
        said = subprocess.run([VENV / "bin" / "uv", "--version"], capture_output=True, text=True, check=False).stdout
    except OSError:
        return None
    return next(iter(said.split()[1:2]), None)


def install_uv() -> None:
    """Installs uv by the version and hashes in the lock."""
    found = re.search(r"^uv==(\S+)(?: *\\\n +--hash=\S+)+", LOCK.read_text(), re.MULTILINE)
    if not found:
        raise SetupError("requirements.lock names no uv. Take the file back from the repository.")
    if installed_uv() == found[1]:
        return
    say(f"installing uv {found[1]}")
    with tempfile.TemporaryDirectory() as folder:
        wanted = Path(folder) / "uv.txt"
        wanted.write_text(found[0] + "\n")
        pip = [str(PYTHON), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--retries", "1"]
        done = subprocess.run(
            [*pip, "--timeout", "20", "--require-hashes", "--requirement", str(wanted)],
            capture_output=True,
            text=True,
            check=False,
        )
    if done.returncode:
        raise SetupError(f"uv could not be installed.\n{last_lines(done.stderr)}\n{NETWORK}")


def install_packages() -> None:
    say("installing the packages of requirements.lock (the first time about 3 GB are fetched)")
    options = ["--python", str(PYTHON), "--require-hashes", "--no-build"]  # wheels alone: no compiler is needed
    command = [str(VENV / "bin" / "uv"), "pip", "sync", *options, str(LOCK)]
    # An environment that the caller has activated, or another configuration of uv, must not change the target.
    env = {name: value for name, value in os.environ.items() if name not in {"VIRTUAL_ENV", "CONDA_PREFIX"}}
    if subprocess.run(command, env=env, cwd=ROOT, check=False).returncode:
        raise SetupError(f"The packages could not be installed; uv says why above.\n{NETWORK}")


def build_pages() -> int:
    """What the browser loads, by a program of its own; it says what is wrong."""
    return subprocess.run([sys.executable, "-I", str(BUILD)], check=False).returncode


NETWORK = (
    "The packages come over the network: check that this machine reaches its package index (behind a proxy, set "
    "HTTPS_PROXY), and type `make setup` again; it goes on where it stopped."
)


def last_lines(text: str, count: int = 6) -> str:
    return "\n".join("  " + line for line in text.strip().splitlines()[-count:])


def say(text: str) -> None:
    print(f"setup: {text}", file=sys.stderr, flush=True)


def main() -> int:
    if is_ready():
        say("nothing to do, .venv matches requirements.lock")
        return build_pages()
    try:
        check_python()
        if not STAMP.is_file():
            check_disk()
        make_venv()
        STAMP.unlink(missing_ok=True)
        install_uv()
        install_packages()
        STAMP.write_text(wanted_stamp())
    except (SetupError, OSError) as error:
        say(f"failed. {error}")
        return 1
    except KeyboardInterrupt:
        say("stopped. Type `make setup` again; it goes on where it stopped")
        return 130
    if code := build_pages():
        return code
    say("done. `make help` lists what else there is")
    return 0


if __name__ == "__main__":
    sys.exit(main())
