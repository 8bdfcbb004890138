"""The steps of a Dockerfile without Docker: run in a root of their own that has the system's programs and nothing else.

What the base image and Debian bring (Python 3.11, make, useradd) is lent by this machine, read-only; so steps that call
apt-get are read, and not run. All else (COPY, ENV, WORKDIR, RUN, USER) is done as it stands there.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.house.processes import ROOT

LENT = ("passwd", "group", "login.defs", "nsswitch.conf", "resolv.conf", "hosts", "pip.conf", "ssl", "ca-certificates")
PYTHON = Path(sys.base_prefix).resolve()


def instructions(file: Path) -> Iterator[tuple[str, str]]:
    """Each instruction and the rest of its line, continued lines joined."""
    text = re.sub(r"^\s*#.*\n", "", file.read_text(), flags=re.MULTILINE).replace("\\\n", " ")
    for line in filter(None, map(str.strip, text.splitlines())):
        word, _, rest = line.partition(" ")
        yield word, rest.strip()


class CleanRoot:
    """`lent` are folders of this machine: where each lies, where it is seen inside, whether it may be written to."""

    def __init__(self, folder: Path, lent: list[tuple[Path, Path, bool]], env: dict[str, str]) -> None:
        self.folder, self.env = folder, dict(env)
        # Where it lies here, where it is seen inside, and whether it may be written to.
        self.lent = [(Path("/usr"), Path("/usr"), False), (PYTHON, PYTHON, False), *lent]
        self.place, self.user = Path("/"), "0"
        for name in ("bin", "sbin", "lib", "lib64"):
            (folder / name).symlink_to(f"usr/{name}")
        for name in ("proc", "dev", "tmp", "root", "etc"):
            (folder / name).mkdir()
        (folder / "tmp").chmod(0o1777)
        for name in LENT:
            source = Path("/etc") / name
            if source.is_dir():
                shutil.copytree(source, folder / "etc" / name, symlinks=True, ignore_dangling_symlinks=True)
            elif source.exists():
                shutil.copyfile(source, folder / "etc" / name)

    def follow(self, dockerfile: Path) -> dict[str, str]:
        """Do its steps; returns what it declares (CMD, HEALTHCHECK, EXPOSE, VOLUME)."""
        told: dict[str, str] = {}
        for word, rest in instructions(dockerfile):
            if word == "WORKDIR":
                self.place = Path(rest)
                self.inside(self.place).mkdir(parents=True, exist_ok=True)
            elif word == "ENV":
                name, _, value = rest.partition("=")
                self.env[name] = re.sub(r"\$(\w+)", lambda found: self.env.get(found[1], ""), value)
            elif word == "COPY":
                self._copy(rest.split())
            elif word == "USER":
                self.user = rest
            elif word == "RUN" and "apt-get" not in rest:
                self.run("sh", "-c", rest)
            elif word in {"CMD", "HEALTHCHECK", "EXPOSE", "VOLUME"}:
                told[word] = rest
            elif word not in {"FROM", "RUN"}:
                raise ValueError(f"the test does not know the instruction {word}")
        return told

    def inside(self, path: Path) -> Path:
        return self.folder / path.relative_to("/")

    def command(self, *words: str) -> list[str]:
        """`words` as they would run in the image, as its user."""
        steps = []
        for source, seen, writable in self.lent:
            target = self.inside(seen)
            target.mkdir(parents=True, exist_ok=True)
            steps.append(f"mount --bind {source} {target}")
            steps += [] if writable else [f"mount -o remount,ro,bind {target}"]
        steps += [f"mount --rbind /{name} {self.folder}/{name}" for name in ("proc", "dev")]
        user = ["setpriv", f"--reuid={self.user}", f"--regid={self.user}", "--clear-groups"] if self.user != "0" else []
        last = ["chroot", str(self.folder), *user, "sh", "-c", f"cd {self.place} && exec {shlex.join(words)}"]
        return ["unshare", "--mount", "sh", "-e", "-c", "\n".join([*steps, f"exec {shlex.join(last)}"])]

    def run(self, *words: str) -> str:
        done = subprocess.run(
            self.command(*words), env=self.env, capture_output=True, text=True, check=False, timeout=280
        )
        assert done.returncode == 0, f"{shlex.join(words)}\n{done.stdout[-2000:]}\n{done.stderr[-3000:]}"
        return done.stdout

    def _copy(self, words: list[str]) -> None:
        *sources, target = words
        for name in sources:
            there = ROOT / name
            into = self.inside(self.place / target)
            if there.is_dir():
                ignored = shutil.ignore_patterns("__pycache__", "node_modules", "dist" if name == "static" else "")
                shutil.copytree(there, into, dirs_exist_ok=True, ignore=ignored)
            else:
                place = into / there.name if target.endswith("/") else into
                place.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(there, place)


def can_have_one() -> str:
    """Why this machine cannot; empty where it can."""
    if os.geteuid() != 0:
        return "a clean root needs the right to mount (root)"
    for program in ("unshare", "chroot", "setpriv"):
        if shutil.which(program) is None:
            return f"{program} is absent"
    probe = subprocess.run(["unshare", "--mount", "true"], capture_output=True, text=True, check=False)
    return probe.stderr.strip() if probe.returncode else ""


def listed(text: str) -> list[str]:
    words: list[str] = json.loads(text[text.index("[") :])
    return words
