"""Several models and mirrored views of the same fields, combined: through the front, so for every family alike."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from PIL import Image

from models_zoo import detections, fusion, registry
from models_zoo.detections import Detections
from models_zoo.images import read_rgb
from models_zoo.records import DetectRequest, FieldRecord


def detect(
    requests: Sequence[DetectRequest],
    out: Path,
    *,
    mirrors: bool = True,
    iou: float = fusion.WBC_IOU,
    report: Callable[[int, int], None] | None = None,
) -> dict[str, Detections]:
    """What the models of `requests` find on the fields of the first, combined by weighted box clustering.

    Each request is one model of the same classes; with `mirrors` each looks at four views, so that five models make
    Gräbel's twenty predictions. Mirrored pictures are written for the time of the call, which asks nothing of a family.
    The result is saved to `out`; `report` hears (views done, views). Raises ValueError without a request, and what the
    families raise.
    """
    if not requests:
        raise ValueError("an ensemble needs at least one model")
    fields = requests[0].fields
    views = fusion.VIEWS if mirrors else fusion.VIEWS[:1]
    parts: dict[str, list[Detections]] = {record.key: [] for record in fields}
    with tempfile.TemporaryDirectory(prefix="views-") as place:
        for number, view in enumerate(views):
            shown = [_shown(record, view, Path(place) / f"{number}") for record in fields]
            for turn, request in enumerate(requests):
                seen = registry.call("detect", replace(request, fields=tuple(shown), out=str(Path(place) / "seen.npz")))
                for record in fields:
                    back = fusion.mirrored_back(seen[record.key], view, record.width, record.height)
                    parts[record.key].append(back)
                if report is not None:
                    report(number * len(requests) + turn + 1, len(views) * len(requests))
    found = {key: fusion.weighted_box_clustering(several, iou) for key, several in parts.items()}
    out.parent.mkdir(parents=True, exist_ok=True)
    detections.save(out, found)
    return found


def _shown(record: FieldRecord, view: fusion.View, folder: Path) -> FieldRecord:
    """`record` with its picture mirrored; what is labelled on it is not needed and not mirrored."""
    if not any(view):
        return record
    folder.mkdir(exist_ok=True)
    path = folder / f"{len(list(folder.iterdir()))}.png"
    Image.fromarray(fusion.mirrored(read_rgb(record.path), view)).save(path, compress_level=1)
    return replace(record, path=str(path), targets=())
