"""The data of the benchmark as records of the zoo: generated fields, and the real sets freed of twins."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np
from PIL import Image
from scipy.spatial import cKDTree

from benchmarks.frame import ROOT
from benchmarks.zoo.plan import Setting
from benchmarks.zoo.twins import Picture, apart, pictures_of
from models_zoo import splits, weaken
from models_zoo.classifier.crops import whole_picture
from models_zoo.generator import FieldSettings, GeneratedField, SetSettings, generate_set
from models_zoo.generator.morphology import EXCLUDED
from models_zoo.records import FieldRecord, Target

SPLITS = ("training", "validation", "tuning", "test")
CELL_UM, UM_PER_PX = 12.0, 0.3
# Lineages, so that a short training has enough of each; the last is what is no cell.
LINEAGES = {
    "erythroid": ("proery", "basery", "polyery", "orthoery"),
    "granulocytic": ("blast", "pmo", "myc", "mmc", "band", "seg", "eos", "baso"),
    "lymphoid": ("lym", "plasma"),
    "mono_mega": ("mono", "mega"),
}
ARTEFACT = "artefact"
SEED = 20


class World(msgspec.Struct):
    """`splits` holds the records by name; labels are indices into `classes`, which ends in `artefact` where the set has
    some. `distance_px` is the greatest distance of centres that counts (0: a third of the median side)."""

    name: str
    classes: tuple[str, ...]
    splits: dict[str, tuple[FieldRecord, ...]]
    boxes: bool = True
    distance_px: float = 0.0
    notes: dict[str, str] = {}


def load(name: str, setting: Setting, folder: Path) -> World:
    """The set called `name`, made once and kept in `folder`; raises FileNotFoundError where its data is missing."""
    kept = folder / f"{name}.json"
    if not kept.exists():
        made = {"generated": generated, "graz": graz, "txl": txl, "wbc": wbc, "pbc": pbc}[name](setting, folder / name)
        part = kept.with_suffix(f".{os.getpid()}")
        part.write_bytes(msgspec.json.encode(made))
        part.replace(kept)
    return msgspec.json.decode(kept.read_bytes(), type=World)


def data_root(name: str) -> Path:
    whole = Path(os.environ.get("MARROWLOOP_DATA") or ROOT.parent / "shared" / "data").expanduser()
    if not (whole / name).is_dir():
        raise FileNotFoundError(f"the data set {name} is missing: MARROWLOOP_DATA names the folder that holds it")
    return whole / name


def generated(setting: Setting, folder: Path) -> World:
    """Fields with touching cells, two in five objects an artefact; split by case."""
    folder.mkdir(parents=True, exist_ok=True)
    density = 22.0 * (setting.side / 512) ** 2 * 4 if setting.side < 512 else 40.0 * (setting.side / 512) ** 2
    field = FieldSettings(
        width=setting.side,
        height=setting.side,
        um_per_px=UM_PER_PX,
        density=density,
        smudge_share=0.2,
        artefact_share=0.2,
        overlap=0.6,
        blur_share=0.0,
    )
    processes = max(1, min(16, (os.cpu_count() or 1) - 1))
    made = generate_set(setting.fields, SEED, setting.cases, SetSettings(field=field, processes=processes))
    classes = (*LINEAGES, ARTEFACT)
    records, labelled = [], []
    for number, one in enumerate(made):
        path = folder / f"{number:04d}.png"
        Image.fromarray(one.image).save(path, compress_level=1)
        record = _record(one, path, setting.cell_px * UM_PER_PX / CELL_UM)
        records.append(record)
        counts = Counter(classes[target.label] for target in record.targets)
        labelled.append(splits.Labelled(record.key, counts, one.case, one.slide))
    drawn = splits.draw(labelled, SEED)
    parts = {split: tuple(r for r in records if drawn.splits[r.key] == split) for split in SPLITS}
    return World("generated", classes, parts, notes={"split by": drawn.by})


def _record(one: GeneratedField, path: Path, scale: float) -> FieldRecord:
    numbers = {key: number for number, keys in enumerate(LINEAGES.values()) for key in keys}
    numbers |= dict.fromkeys(EXCLUDED, len(LINEAGES))
    targets = tuple(
        Target("contour", tuple(float(value) for value in cell.contour.ravel()), numbers[cell.label])
        for cell in one.cells
    )
    height, width = one.image.shape[:2]
    return FieldRecord(path.stem, str(path.resolve()), width, height, round(scale, 4), one.case, targets)


def weakened(world: World, seed: int) -> World:
    """Its training and validation shapes as weak circles; tuning and test keep the exact truth."""
    parts = dict(world.splits)
    for split in ("training", "validation"):
        parts[split] = weaken.weakened(world.splits[split], seed)
    return msgspec.structs.replace(world, splits=parts)


def graz(setting: Setting, folder: Path) -> World:
    """Real marrow, one point a nucleus: cut into squares, split by case, each point a circle that reaches 0.4 of the
    way to the median nearest neighbour. Centres count within half of that median (METHODS section 3), boxes never."""
    root, side = data_root("bm-graz"), setting.graz_side
    folder.mkdir(parents=True, exist_ok=True)
    pieces: dict[str, list[FieldRecord]] = {split: [] for split in SPLITS}
    points = {path.stem: np.loadtxt(path, skiprows=1)[:, :2] for path in sorted((root / "points").iterdir())}
    near = float(np.median(np.concatenate([_nearest(one) for one in points.values()])))
    for name, places in points.items():
        image = np.asarray(Image.open(root / "images" / f"{name}.png").convert("RGB"))
        case = name.split("_")[3]
        for y in range(0, image.shape[0] - side + 1, side):
            for x in range(0, image.shape[1] - side + 1, side):
                split = {"0001": "training", "0002": "validation" if y < 600 else "tuning"}.get(case, "test")
                record = _piece(
                    image[y : y + side, x : x + side], places - (x, y), near, folder / f"{name}-{x}-{y}.png"
                )
                pieces[split].append(replace(record, case=case))
    chance = np.random.default_rng(SEED)
    parts = {}
    for split, count in zip(SPLITS, setting.graz, strict=True):
        chosen = chance.permutation(len(pieces[split]))[:count]
        parts[split] = tuple(pieces[split][place] for place in sorted(chosen))
    return World("graz", ("cell",), parts, boxes=False, distance_px=near / 2, notes={"split by": "case"})


def _nearest(points: np.ndarray) -> np.ndarray:
    return np.asarray(cKDTree(points).query(points, 2)[0][:, 1])


def _piece(image: np.ndarray, points: np.ndarray, near: float, path: Path) -> FieldRecord:
    height, width = image.shape[:2]
    Image.fromarray(image).save(path, compress_level=1)
    inside = points[((points >= 0) & (points < (width, height))).all(1)]
    targets = tuple(Target("circle", (float(x), float(y), 0.4 * near), 0) for x, y in inside)
    return FieldRecord(path.stem, str(path.resolve()), width, height, 1.0, targets=targets)


def txl(setting: Setting, folder: Path) -> World:
    """Blood smears; pictures that are twins of each other or of a BCCD picture left out; test from its `val`."""
    root = data_root("txl-pbc")
    kept, notes = _txl_kept(root)
    chance = np.random.default_rng(SEED)
    pools = {name: [one for one in kept if one.split == name] for name in ("train", "val")}
    for pool in pools.values():
        chance.shuffle(pool)
    parts = {}
    for split, count in zip(SPLITS, setting.txl, strict=True):
        pool = pools["val" if split == "test" else "train"]
        taken, pool[:] = pool[:count], pool[count:]
        parts[split] = tuple(_smear(one, setting.txl_side) for one in sorted(taken, key=lambda one: one.key))
    del folder
    return World("txl", ("WBC", "RBC", "Platelets"), parts, notes=notes | {"split by": "field"})


def _txl_kept(root: Path) -> tuple[list[Picture], dict[str, str]]:
    every = pictures_of(root)
    packed = root / "packed.json"
    if packed.exists():  # a packed copy holds no twins any more
        return every, dict(json.loads(packed.read_text()))
    strangers = sorted((data_root("bccd") / "JPEGImages").iterdir())
    kept, gone = apart(every, strangers)
    return kept, {name: str(count) for name, count in gone.items()}


def _smear(one: Picture, side: int) -> FieldRecord:
    targets = []
    for line in one.lines:
        label, x, y, w, h = (float(word) for word in line.split()[:5])
        corners = (x - w / 2) * one.width, (y - h / 2) * one.height, (x + w / 2) * one.width, (y + h / 2) * one.height
        targets.append(Target("box", corners, int(label)))
    scale = round(min(1.0, side / max(one.width, one.height)), 4)
    return FieldRecord(one.key, str(one.path.resolve()), one.width, one.height, scale, targets=tuple(targets))


def wbc(setting: Setting, folder: Path) -> World:
    """Crops of white cells with exact contours; the class from its table."""
    root = data_root("wbc-contours")
    names = ("neutrophil", "lymphocyte", "monocyte", "eosinophil", "basophil")
    rows = [line.split(",") for line in (root / "classes.csv").read_text().split()[1:] if "," in line]
    rows = [row for row in rows if row[0].strip().isdigit()]
    cells = [(root / "images" / f"{int(row[0]):03d}.png", int(row[1]) - 1) for row in rows]
    del folder
    return _cells("wbc", names, [cell for cell in cells if cell[0].exists()], setting)


def pbc(setting: Setting, folder: Path) -> World:
    root = data_root("pbc-cells")
    names = tuple(sorted(path.name for path in root.iterdir() if path.is_dir()))
    cells = [(path, number) for number, name in enumerate(names) for path in sorted((root / name).iterdir())]
    del folder
    return _cells("pbc", names, cells, setting)


def _cells(name: str, classes: Sequence[str], cells: Sequence[tuple[Path, int]], setting: Setting) -> World:
    chosen = [cells[place] for place in np.random.default_rng(SEED).permutation(len(cells))[: setting.cells]]
    records = []
    for path, label in sorted(chosen):
        with Image.open(path) as image:
            records.append(whole_picture(f"{path.parent.name}-{path.stem}", str(path.resolve()), *image.size, label))
    labelled = [splits.Labelled(record.key, {classes[record.targets[0].label]: 1}) for record in records]
    drawn = splits.draw(labelled, SEED)
    parts = {split: tuple(r for r in records if drawn.splits[r.key] == split) for split in SPLITS}
    return World(name, tuple(classes), parts, notes={"split by": drawn.by})
