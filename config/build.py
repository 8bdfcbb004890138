"""Builds what the browser loads, from static/ into static/dist: the last part of `make setup`.

It uses the standard library alone, and the Node that lies in `.venv`. Packages are installed when their lock has
changed, the bundle is built when a source has: hashes of both are kept in node_modules.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
STATIC = ROOT / "static"
DIST = STATIC / "dist"
BIN = ROOT / ".venv" / "bin"
PACKAGES_STAMP = STATIC / "node_modules" / ".marrowloop-packages.sha256"
BUILD_STAMP = STATIC / "node_modules" / ".marrowloop-build.sha256"
LOCKS = ("package.json", "package-lock.json")
# Whoever wants npm to try for longer sets these. Node would keep compiled code in the folder of temporary files.
DEFAULTS = {
    "NODE_DISABLE_COMPILE_CACHE": "1",
    "npm_config_fetch_retries": "2",
    "npm_config_fetch_retry_mintimeout": "1000",
    "npm_config_fetch_retry_maxtimeout": "5000",
}

NETWORK = (
    "They come over the network: check that this machine reaches its npm registry (behind a proxy, set HTTPS_PROXY), "
    "and type `make setup` again."
)


class BuildError(Exception):
    """Something the person at the machine must change; the message says what."""


def hash_of(paths: Iterable[Path]) -> str:
    """Of names and contents."""
    digest = hashlib.sha256()
    for path in sorted(paths):
        content = path.read_bytes()
        digest.update(f"{path.relative_to(STATIC)} {len(content)}\n".encode())
        digest.update(content)
    return digest.hexdigest()


def packages_hash() -> str:
    return hash_of(STATIC / name for name in LOCKS)


def sources() -> list[Path]:
    """What the bundle is made of, tests left out."""
    found = [path for folder in ("src", "css") for path in (STATIC / folder).rglob("*") if path.is_file()]
    beside = [path for path in STATIC.iterdir() if path.suffix in {".json", ".mjs", ".svg"}]
    return [path for path in found + beside if not path.name.endswith((".test.ts", ".testing.ts", ".d.ts"))]


def matches(stamp: Path, wanted: str) -> bool:
    return stamp.is_file() and stamp.read_text() == wanted


def install_packages() -> None:
    wanted = packages_hash()
    if matches(PACKAGES_STAMP, wanted):
        return
    say("installing the packages of static/package-lock.json")
    command = [str(BIN / "npm"), "ci", "--ignore-scripts", "--loglevel=error"]
    run(command, f"The packages of the pages could not be installed. {NETWORK}")
    PACKAGES_STAMP.write_text(wanted)


def build_bundle() -> None:
    wanted = hash_of(sources())
    if matches(BUILD_STAMP, wanted) and (DIST / "site.css").is_file():
        return
    say("building static/dist")
    run([str(BIN / "node"), "build.mjs"], "The bundle could not be built: a source in static/ has a fault.")
    BUILD_STAMP.write_text(wanted)


def run(command: list[str], fault: str) -> None:
    # The cache lies in .venv: npm writes nothing outside the checkout, and a changed lock fetches only what is new.
    env = {**DEFAULTS, **os.environ, "npm_config_cache": str(BIN.parent / "npm-cache")}
    try:
        done = subprocess.run(command, cwd=STATIC, env=env, capture_output=True, text=True, check=False)
    except OSError as error:
        raise BuildError(f"{fault}\n  {error}") from error
    if done.returncode:
        lines = (done.stdout + done.stderr).strip().splitlines()[-12:]
        raise BuildError("\n".join([fault, *(f"  {line}" for line in lines)]))


def say(text: str) -> None:
    print(f"setup: {text}", file=sys.stderr, flush=True)


def main() -> int:
    try:
        install_packages()
        build_bundle()
    except (BuildError, OSError) as error:
        say(f"failed. {error}")
        return 1
    except KeyboardInterrupt:
        say("stopped. Type `make setup` again; it goes on where it stopped")
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
