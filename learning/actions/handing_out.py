"""A model as a folder that works anywhere: ONNX file, class map, card, and a script that runs it."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path
from typing import Any

import msgspec

import models_zoo
from annotation.access import Actor, Permission, require
from learning.actions.models import ModelError
from learning.models import ModelVersion

SCRIPT = Path(__file__).parent / "run_model.py.txt"


def export_model(*, model: ModelVersion, out: Path, actor: Actor = None) -> dict[str, Any]:
    """Write `model` into the folder `out`, which must be new or empty. Raises ModelError when it is not, or where the
    family has no ONNX form; OSError where the file is gone."""
    require(actor, model.project, Permission.RUN)
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise ModelError(f"{out} is there already: name a new or empty folder")
    if not model.onnx.is_file() and model.variant not in models_zoo.students():
        raise ModelError(f"{model.label} ({model.variant}) has no ONNX file to hand out: hand out its student instead")
    out.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(model.onnx, out / "model.onnx")
    rows = {row.number: row for row in model.project.classes.all()}
    classes = [
        {"output": output, "number": number, "key": rows[number].key, "name": rows[number].name}
        for output, number in enumerate(int(value) for value in model.classes)
    ]
    card = model.card | {"label": model.label, "metrics": model.metrics, "gate": model.gate}
    (out / "classes.json").write_bytes(_json(classes))
    (out / "card.json").write_bytes(_json(card))
    shutil.copyfile(SCRIPT, out / "run_model.py")
    sha256 = hashlib.sha256((out / "model.onnx").read_bytes()).hexdigest()
    return {
        "model": model.label,
        "files": sorted(path.name for path in out.iterdir()),
        "sha256": sha256,
        "classes": [row["key"] for row in classes],
    }


def _json(value: Any) -> bytes:
    return msgspec.json.format(msgspec.json.encode(value), indent=2) + b"\n"
