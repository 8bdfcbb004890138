"""Large pictures in tiles, so that a browser loads what it shows: every pixel as it is stored, without loss.

`python -m annotation.imaging.tiles SOURCE FOLDER` makes them in a process of its own, for a large picture takes much
memory. Level 0 has the picture's own pixels; each further level half of the one before, a mean of 2 x 2 pixels.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image, ImageOps

from annotation.imaging.reading import FORMATS, RefusedImage, as_rgb, quiet

# A longer side above this is shown in tiles: below it one picture is there sooner.
TILED_FROM_PX = 6000
TILE_PX = 512
SMALLEST_PX = 1024
SECONDS = 300


def is_tiled(width: int, height: int) -> bool:
    return max(width, height) > TILED_FROM_PX


def levels_of(width: int, height: int) -> int:
    """How many levels there are: halved until the longer side has at most 1024 pixels."""
    longest, levels = max(width, height), 1
    while longest > SMALLEST_PX:
        longest, levels = (longest + 1) // 2, levels + 1
    return levels


def tile_path(folder: Path, sha256: str, level: int, column: int, row: int) -> Path:
    return folder_of(folder, sha256) / str(level) / f"{column}-{row}.png"


def folder_of(folder: Path, sha256: str) -> Path:
    return folder / "tiles" / sha256[:2] / sha256


def ensure_tiles(source: Path, folder: Path, *, sha256: str) -> None:
    """Have the tiles of `source` made where they are not there yet; who comes meanwhile waits for the first.

    Raises RefusedImage when the picture cannot be read.
    """
    target = folder_of(folder, sha256)
    if target.exists():
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    locked = target.parent / f".{sha256}.lock"
    with locked.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if target.exists():
            return
        command = [sys.executable, "-m", "annotation.imaging.tiles", str(source), str(target)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)
        locked.unlink(missing_ok=True)  # who waits for it finds the tiles there
    if done.returncode:
        raise RefusedImage(f"The picture cannot be cut into tiles: {done.stderr.strip().splitlines()[-1:]}")


def make_tiles(source: Path, target: Path) -> int:
    """Write all tiles of `source` below `target`, whole or not at all; returns how many."""
    Image.MAX_IMAGE_PIXELS = None  # it was checked when it came in
    with quiet(), Image.open(source, formats=FORMATS) as opened:
        image = as_rgb(ImageOps.exif_transpose(opened))
    count = 0
    part = Path(tempfile.mkdtemp(dir=target.parent, prefix=".new-"))
    try:
        for level in range(levels_of(*image.size)):
            if level:
                image = image.reduce(2)
            count += _cut(image, part / str(level))
        part.replace(target)
    except BaseException:
        shutil.rmtree(part, ignore_errors=True)
        raise
    return count


def _cut(image: Image.Image, folder: Path) -> int:
    folder.mkdir()
    count = 0
    for top in range(0, image.height, TILE_PX):
        for left in range(0, image.width, TILE_PX):
            box = (left, top, min(image.width, left + TILE_PX), min(image.height, top + TILE_PX))
            name = f"{left // TILE_PX}-{top // TILE_PX}.png"
            image.crop(box).save(folder / name, "PNG", compress_level=1)
            count += 1
    return count


if __name__ == "__main__":
    os.nice(5)
    make_tiles(Path(sys.argv[1]), Path(sys.argv[2]))
