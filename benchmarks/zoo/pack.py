"""A small copy of the real sets for a machine without them: `python -m benchmarks.zoo --pack FOLDER`."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from PIL import Image

from benchmarks.zoo.plan import Setting
from benchmarks.zoo.sets import SPLITS, data_root, load

# The classifier sees 128 px of it, the detectors less than 320.
CELL_SIDE, SMEAR_SIDE = 160, 320


def pack(folder: Path, setting: Setting, work: Path) -> int:
    """Write to `folder` what the benchmark reads of each set: txl-pbc with 320 px, single cells at 160 px, the
    others as they are. MARROWLOOP_DATA may then name it. Returns its bytes."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("bm-graz", "wbc-contours"):
        shutil.copytree(data_root(name), folder / name, dirs_exist_ok=True)
    for path in sorted(data_root("pbc-cells").glob("*/*")):
        _small(path, folder / "pbc-cells" / path.parent.name / f"{path.stem}.jpg", CELL_SIDE)
    world, root, target = load("txl", setting, work), data_root("txl-pbc"), folder / "txl-pbc"
    for split in SPLITS:
        for record in world.splits[split]:
            path = Path(record.path)
            part = path.parent.name
            _small(path, target / "images" / part / f"{path.stem}.jpg", SMEAR_SIDE)
            labels = target / "labels" / part / f"{path.stem}.txt"
            labels.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(root / "labels" / part / f"{path.stem}.txt", labels)
    shutil.copyfile(root / "data.yaml", target / "data.yaml")
    (target / "packed.json").write_text(json.dumps({k: v for k, v in world.notes.items() if "twins" in k}))
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def _small(source: Path, target: Path, side: int) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    with Image.open(source) as image:
        shown = image.convert("RGB")
        shown.thumbnail((side, side), Image.Resampling.BICUBIC)
        shown.save(target, quality=92)
