"""Files that rows speak of: pictures, snapshots and models, each with the hash it must have."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterable
from pathlib import Path

from django.conf import settings

from annotation import store
from annotation.models import Field, Snapshot
from learning.doctor.finding import Finding
from learning.models import ModelVersion

SAMPLE, MOST = 200, 10
RESTORE = "type: .venv/bin/python manage.py restore BACKUP.zip, into a folder of its own, and copy the file from there"


def check_pictures(thorough: bool) -> list[Finding]:
    """All must be there; of a sample, or of all, the bytes are read."""
    wanted = dict(Field.objects.order_by("pk").values_list("file", "sha256"))
    paths = {settings.IMAGES_DIR / file: sha256 for file, sha256 in wanted.items()}
    read = set(paths) if thorough else set(random.Random(0).sample(sorted(paths), min(SAMPLE, len(paths))))
    return _few("pictures", _faults(paths, read))


def check_snapshots(_thorough: bool) -> list[Finding]:
    hashes = Snapshot.objects.values_list("sha256", flat=True).distinct()
    paths = {settings.SNAPSHOTS_DIR / f"{sha256}.jsonl": sha256 for sha256 in hashes}
    return _few("snapshots", _faults(paths, set(paths)))


def check_models(_thorough: bool) -> list[Finding]:
    models = ModelVersion.objects.filter(weights_removed_at=None)
    paths = {model.weights: model.sha256 for model in models}
    faults = list(_faults(paths, set(paths)))
    faults += [f"{path.parent / 'card.json'} is missing" for path in paths if _is_gone(path.parent / "card.json")]
    return _few("models", faults)


def _faults(paths: dict[Path, str], read: set[Path]) -> Iterable[str]:
    for path, sha256 in paths.items():
        if _is_gone(path):
            yield f"{path} is missing"
        elif path in read and _hash(path) != sha256:
            yield f"{path} was changed or damaged"


def _is_gone(path: Path) -> bool:
    return store.size(path) is None


def _hash(path: Path) -> str:
    with store.fetch(path).open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _few(name: str, faults: Iterable[str]) -> list[Finding]:
    faults = list(faults)
    found = [Finding(name, "bad", f"{fault}.", RESTORE) for fault in faults[:MOST]]
    if len(faults) > MOST:
        found.append(Finding(name, "bad", f"So it is with {len(faults) - MOST} more.", "restore the whole backup"))
    return found
