"""What a model gets wrong, and which labels it makes suspicious: worst first, each a way to the cell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.conf import settings as config
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from annotation import store
from annotation.imaging.reading import DECODE_ERRORS, RefusedImage
from annotation.imaging.thumbnails import CROP_PX, crop
from annotation.models import Cell, CellClass, Field
from learning.exchange import classes_above
from learning.found.errors import OF_LABELS, SPLITS_OF, Error, Kind, Wanted, What, error_at, look_closer, rank_errors
from learning.found.tables import Found
from learning.models import ModelVersion
from learning.views.models import find

A_PAGE = 24
KIND_WORDS = {
    Kind.FALSE_ALARM: (
        "False alarms",
        "Found where no cell is labelled, the surest first; further boxes on a labelled cell last.",
    ),
    Kind.MISSED: ("Missed", "Labelled cells that were not found, the plainest first: whole, of usual size, unseen."),
    Kind.CONFUSED: ("Taken for another class", "Found, but called something else, the surest first."),
    Kind.FAULT: ("Suspected labels", "Labels that a sure model disagrees with. A reason to look, not a verdict."),
}
WHAT_WORDS = {
    What.FALSE_ALARM: "False alarm",
    What.MISSED: "Missed",
    What.CONFUSED: "Other class",
    What.WRONG_CLASS: "Other class?",
    What.UNLABELLED: "Label missing?",
    What.UNFOUND: "No cell there?",
}
# Shown without being asked for: what thresholds and gates are judged by, and for labels all but test.
USUAL = {kind: frozenset({"tuning"}) for kind in Kind} | {Kind.FAULT: frozenset(SPLITS_OF[Kind.FAULT])}
# Crops reach beyond the cell, so that its neighbours can be seen.
AROUND = 1.4
MARGIN = 0.85  # half the side of a crop by the longer side of what it shows; see annotation.imaging.thumbnails
Box = tuple[float, float, float, float]


@login_required
@require_safe
def errors(request: HttpRequest, key: str, label: str) -> HttpResponse:
    entry, model = find(request, key, label)
    found = Found.open(model.path)
    asked = _Asked.of(request, found)
    classes = {row.number: row for row in entry.project.classes.select_related("parent")}
    above = classes_above(classes.values())
    told: dict[str, Any] = {"model": model, "asked": asked, "found": found, "kinds": _tabs(found, asked, above)}
    told |= {"kind_words": KIND_WORDS[asked.kind], "splits": SPLITS_OF[asked.kind], "all_splits": asked.all_splits}
    if found is not None:
        ranked = rank_errors(found, asked.wanted(found, above))
        page = Paginator(range(len(ranked)), A_PAGE).get_page(request.GET.get("page"))
        listed = look_closer(found, ranked, page.start_index() - 1 if len(ranked) else 0, A_PAGE)
        names = {row.key: row.name for row in classes.values()}
        told |= {
            "page": page,
            "kept": asked.query() + "&",
            "cards": _cards(entry.project.key, model, found, listed, classes),
            "classes": [(name, names.get(name, name)) for name in found.about.names],
            "looked": {split: found.about.looked.get(split, (0, 0)) for split in asked.splits},
        }
    return render(request, "learning/errors.html", entry.context("models", **told))


@dataclass(frozen=True, slots=True)
class _Asked:
    """What the address asks for. Words that mean nothing here are left out, so that no address is an error."""

    kind: Kind
    split: str
    cls: str
    truth: str
    found: str

    @classmethod
    def of(cls, request: HttpRequest, found: Found | None) -> _Asked:
        word = request.GET.get("kind", "")
        kind = Kind(word) if word in set(Kind) else Kind.FALSE_ALARM
        names = found.about.names if found else ()
        split = request.GET.get("split", "")
        known = {name: request.GET.get(name, "") for name in ("cls", "truth", "found")}
        return cls(
            kind,
            split if split in (*SPLITS_OF[kind], "all") else "",
            **{name: value if value in names else "" for name, value in known.items()},
        )

    @property
    def splits(self) -> frozenset[str]:
        if self.split == "all":
            return frozenset(SPLITS_OF[self.kind])
        return frozenset({self.split}) if self.split else USUAL[self.kind]

    @property
    def all_splits(self) -> bool:
        return self.splits == frozenset(SPLITS_OF[self.kind])

    def wanted(self, found: Found, above: frozenset[tuple[int, int]]) -> Wanted:
        places = {name: place for place, name in enumerate(found.about.names)}
        either, truth, seen = (places.get(name) for name in (self.cls, self.truth, self.found))
        return Wanted(self.kind, self.splits, either, truth, seen, above)

    def query(self, **changes: str) -> str:
        words = {"kind": self.kind, "split": self.split, "cls": self.cls, "truth": self.truth, "found": self.found}
        return urlencode({name: value for name, value in (words | changes).items() if value})


def _tabs(found: Found | None, asked: _Asked, above: frozenset[tuple[int, int]]) -> list[dict[str, Any]]:
    """The kinds with how many there are in the splits that each is usually shown for."""
    tabs = []
    for kind, (title, _) in KIND_WORDS.items():
        split = asked.split if asked.split in (*SPLITS_OF[kind], "all") else ""
        there = _Asked(kind, split, asked.cls, "", "")
        count = len(rank_errors(found, there.wanted(found, above))) if found else 0
        tabs.append({"kind": kind, "title": title, "query": there.query(), "count": count})
    return tabs


def _cards(
    key: str, model: ModelVersion, found: Found, listed: Sequence[Error], classes: Mapping[int, CellClass]
) -> list[dict[str, Any]]:
    fields = Field.objects.select_related("case").in_bulk({error.field for error in listed})
    uuids = {error.label_uuid for error in listed if error.label_uuid}
    rows = Cell.objects.filter(project=model.project_id, uuid__in=uuids).values_list(
        "uuid", "cell_class__number", "deleted_at"
    )
    now = {str(uuid): (number, deleted) for uuid, number, deleted in rows}
    return [
        _card(key, model, found, error, fields[error.field], classes, now) for error in listed if error.field in fields
    ]


def _card(
    key: str,
    model: ModelVersion,
    found: Found,
    error: Error,
    field: Field,
    classes: Mapping[int, CellClass],
    now: Mapping[str, tuple[int, Any]],
) -> dict[str, Any]:
    number = None if error.output is None else found.about.numbers[error.output]
    detected = None if number is None else classes.get(number)
    labelled = None if error.label_number is None else classes.get(error.label_number)
    output = error.label_output
    counted = None if output is None or output < 0 else found.about.numbers[output]
    return {
        "error": error,
        "words": WHAT_WORDS[error.what],
        "field": field,
        "labelled": labelled,
        "covers": _covers(error),
        "counts_as": classes.get(counted) if counted is not None and counted != error.label_number else None,
        "detected": detected,
        "seen": "Not enough for" if error.about_label else "Found as",
        "crop": reverse("error_crop", args=[key, model.label, "label" if error.about_label else "found", error.row]),
        "view": _view(error),
        "marks": _marks(error),
        "link": workbench_link(key, field, error),
        "since": _since(error, field, now),
    }


def _covers(error: Error) -> str:
    """How the label that is named belongs to the error."""
    if error.what is not What.FALSE_ALARM:
        return "Labelled"
    return "On the cell labelled" if (error.label_output or 0) >= 0 else "On what is labelled"


def workbench_link(key: str, field: Field, error: Error) -> str:
    """The workbench at the cell: ?cell=UUID of a label, ?at=X,Y,R where there is none."""
    address = reverse("workbench", args=[key, field.code])
    if error.label_uuid and error.what not in (What.FALSE_ALARM, What.UNLABELLED):
        return f"{address}?cell={error.label_uuid}"
    x0, y0, x1, y1 = error.box or error.label or (0.0, 0.0, 0.0, 0.0)
    return f"{address}?at={(x0 + x1) / 2:.0f},{(y0 + y1) / 2:.0f},{max(1.0, (x1 - x0 + y1 - y0) / 4):.0f}"


def _since(error: Error, field: Field, now: Mapping[str, tuple[int, Any]]) -> str:
    """What became of the label since the model was made."""
    if error.label_uuid in now:
        number, deleted = now[error.label_uuid]
        if deleted:
            return "The label was taken away since."
        if number != error.label_number:
            return "The label's class was changed since."
    return "The field was labelled anew since." if field.current_reading_id != error.reading else ""


def _view(error: Error) -> dict[str, Any]:
    """The square of the field that the crop shows."""
    x0, y0, x1, y1 = crop_bounds(error)
    half = max(x1 - x0, y1 - y0, 1.0) * MARGIN
    pixel = half / CROP_PX
    return {
        "x": round((x0 + x1) / 2 - half, 1),
        "y": round((y0 + y1) / 2 - half, 1),
        "side": round(2 * half, 1),
        "line": round(4 * pixel, 2),
        "under": round(8 * pixel, 2),
        "dash": f"{12 * pixel:.2f} {6 * pixel:.2f}",
    }


def crop_bounds(error: Error) -> Box:
    x0, y0, x1, y1 = error.bounds
    x, y, half = (x0 + x1) / 2, (y0 + y1) / 2, AROUND * max(x1 - x0, y1 - y0, 8.0) / 2
    return tuple(round(value, 1) for value in (x - half, y - half, x + half, y + half))  # type: ignore[return-value]


def _marks(error: Error) -> list[dict[str, Any]]:
    """The label as a solid ring, the detection as a dashed square."""
    marks = []
    for shape, box in (("label", error.label), ("found", error.box)):
        if box is not None:
            x0, y0, x1, y1 = box
            marks.append(
                {
                    "shape": shape,
                    "x": x0,
                    "y": y0,
                    "w": x1 - x0,
                    "h": y1 - y0,
                    "rx": (x1 - x0) / 2,
                    "ry": (y1 - y0) / 2,
                    "cx": (x0 + x1) / 2,
                    "cy": (y0 + y1) / 2,
                }
            )
    return marks


@login_required
@require_safe
def error_crop(request: HttpRequest, key: str, label: str, table: str, row: int) -> HttpResponseBase:
    """The part of the field that one error is about. The tables never change, so the browser may keep it."""
    entry, model = find(request, key, label)
    found = Found.open(model.path)
    if found is None:
        raise Http404("Nothing is kept of what this model found.")
    try:
        error = error_at(found, OF_LABELS[0] if table == "label" else What.FALSE_ALARM, row)
    except IndexError as problem:
        raise Http404("There is no such error.") from problem
    field = Field.objects.filter(project=entry.project, pk=error.field).first()
    if field is None:
        raise Http404("This field is gone.")
    folder = config.HOME / "thumbnails"
    try:
        cut = crop(store.fetch(config.IMAGES_DIR / field.file), folder, sha256=field.sha256, bounds=crop_bounds(error))
        answer = FileResponse(cut.open("rb"), content_type="image/jpeg")
    except (RefusedImage, *DECODE_ERRORS) as problem:
        raise Http404("The picture of this field cannot be read.") from problem
    answer["Cache-Control"] = "private, max-age=86400"
    return answer
