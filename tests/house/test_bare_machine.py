"""What a bare machine lacks (libGL, X11, a compiler's run time beyond C and C++) is asked for by no package.

The machine that runs this may well have libGL. So the libraries' own lists of needs are read, and what a
process really maps is looked at, instead of hoping for an error.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.house.elf import asked_and_named
from tests.house.processes import ask

SITE = Path(sys.prefix) / "lib" / "python3.11" / "site-packages"
# glibc and the run times of gcc: what every Debian-like machine has, since apt itself needs them.
BASE = (
    "ld-linux",
    "libc.so.",
    "libdl.so.",
    "libgcc_s.so.",
    "libm.so.",
    "libpthread.so.",
    "libresolv.so.",
    "librt.so.",
    "libstdc++.so.",
    "libutil.so.",
)
# Parts for GPUs and clusters, which are loaded only where there are some.
ONLY_ON_LARGE_MACHINES = ("nvidia", "torch/lib/libcaffe2_nvrtc.so", "torch/lib/libgfortran.so")
# What Debian's own Python brings along for its standard library.
OF_PYTHON = (
    "libpython",
    "libz.so",
    "libssl",
    "libcrypto",
    "libffi",
    "libsqlite",
    "libbz2",
    "liblzma",
    "libexpat",
    "libuuid",
    "libreadline",
    "libncurses",
    "libtinfo",
    "libnss_",
    "libnsl",
    "libzstd",
    "libmpdec",
)
# Taken when it is there, done without when not: Pillow sets right-to-left text with it.
OPTIONAL = ("libfribidi",)

LOAD_ALL = """
import json, warnings
warnings.simplefilter("ignore")
import cv2, kmedoids, onnx, onnxruntime, psycopg, shapely, skimage.measure, timm, torch, torchvision, ultralytics
import pycocotools.mask
import models_zoo.yolo
with open("/proc/self/maps") as maps:
    print(json.dumps(sorted({line.split(None, 5)[5].strip() for line in maps if ".so" in line})))
"""


def native_files() -> list[Path]:
    libraries = [path for path in SITE.rglob("*.so*") if path.is_file()]
    return libraries + list((SITE / "pgserver" / "pginstall" / "bin").iterdir())


def is_extra(path: Path) -> bool:
    return path.relative_to(SITE).as_posix().startswith(ONLY_ON_LARGE_MACHINES)


@pytest.mark.setup
def test_every_needed_library_is_bundled_or_in_the_base_system() -> None:
    brought: set[str] = set()
    needs: dict[str, list[str]] = {}
    for path in native_files():
        asked, named = asked_and_named(path)
        brought |= {path.name, *named}
        for name in () if is_extra(path) else asked:
            needs.setdefault(name, []).append(path.name)
    assert "libc.so.6" in needs, "no needs were read"
    missing = {name: users[:3] for name, users in needs.items() if name not in brought and not name.startswith(BASE)}
    assert missing == {}, "a bare machine lacks these; use another build of the package or name the Debian package"


@pytest.mark.setup
def test_a_process_with_everything_loaded_maps_nothing_else(tmp_path: Path) -> None:
    mapped = [Path(name) for name in ask(LOAD_ALL, tmp_path, {"YOLO_OFFLINE": "true", "HOME": str(tmp_path)})]
    own = (Path(sys.prefix).resolve(), Path(sys.base_prefix).resolve() / "lib" / "python3.11")
    outside = [path for path in mapped if not any(path.is_relative_to(folder) for folder in own)]
    assert len(outside) < len(mapped)
    assert [str(path) for path in outside if not path.name.startswith((*BASE, *OF_PYTHON, *OPTIONAL))] == []
