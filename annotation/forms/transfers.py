"""Forms of uploads, exports and releases."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms

from annotation.actions.exports import FORMATS
from annotation.actions.imports import FORMATS as IMPORT_FORMATS
from annotation.actions.imports import ImportOptions
from annotation.actions.projects import ClassFinder
from annotation.models import Project, Snapshot, Split

FORMAT_WORDS = {
    "auto": "Found by looking",
    "images": "Pictures only",
    "coco": "COCO (JSON)",
    "voc": "Pascal VOC (XML)",
    "yolo": "YOLO (text)",
    "points": "Points (text)",
    "masks": "Masks (pictures)",
    "crops": "Single cells, a folder for each class",
}
SPLIT_WORDS = {
    "auto": "Drawn anew, cases kept whole",
    "source": "As the data set has them",
    "training": "All to training",
    "validation": "All to validation",
    "tuning": "All to tuning",
    "test": "All to test",
    "pool": "All to the pool, labels kept aside as oracle",
}
CASE_WORDS = {
    "files": "As label files say, else not known",
    "name": "Start of the file name, up to the first _ or -",
    "folder": "The folder: case, then slide",
    "one": "One case for all",
    "pattern": "A pattern of the file name",
}
MASK_WORDS = {
    "": "no masks",
    "instance": "Each value is a cell",
    "binary": "White is cell, black is not",
    "nucleus_cytoplasm": "White nucleus, grey cytoplasm",
}
EXPORT_WORDS = {"coco": "COCO: one JSON file", "voc": "Pascal VOC: one XML file for each field"}
REFUSE = "-"


class ImportForm(forms.Form):
    """The settings of an import. What it leaves empty is found by looking, or left as it is."""

    format = forms.ChoiceField(choices=[(key, FORMAT_WORDS[key]) for key in IMPORT_FORMATS], label="Format")
    case_by = forms.ChoiceField(choices=list(CASE_WORDS.items()), label="Cases are told by")
    case = forms.CharField(
        max_length=80,
        required=False,
        label="Code of the one case",
        help_text="A pseudonym: it stands in exports. Never a name.",
    )
    slide = forms.CharField(max_length=80, required=False, label="Code of its slide")
    case_pattern = forms.CharField(
        max_length=300,
        required=False,
        label="Pattern of the file name",
        help_text=r"A regular expression with a group for the case, such as ^(?P<case>P\d+)_(?P<slide>S\d+)",
    )
    um_per_px = forms.FloatField(
        min_value=0.0001,
        max_value=100,
        required=False,
        label="Scale in µm per pixel",
        help_text="Of pictures that bring none; empty: that of the project.",
        widget=forms.NumberInput(attrs={"step": "any"}),
    )
    split = forms.ChoiceField(choices=list(SPLIT_WORDS.items()), label="Splits")
    oracle = forms.FloatField(
        min_value=0,
        max_value=100,
        required=False,
        label="Oracle share in percent",
        help_text="Of the training fields: their labels are kept aside, to play experts with.",
        widget=forms.NumberInput(attrs={"step": "any"}),
    )
    exhaustive = forms.ChoiceField(
        choices=[("auto", "As the files say, else yes"), ("yes", "Yes"), ("no", "No")],
        label="Is every countable cell labelled?",
    )
    unknown = forms.ChoiceField(
        choices=[("create", "Make a new class"), ("reject", "Refuse the object")], label="Labels that no class knows"
    )
    radius_px = forms.FloatField(
        min_value=0.1,
        max_value=9999,
        required=False,
        label="Radius of points in pixels",
        help_text="Empty: half of 14 µm, where the scale is known.",
        widget=forms.NumberInput(attrs={"step": "any"}),
    )
    mask_kind = forms.ChoiceField(choices=list(MASK_WORDS.items()), required=False, label="Kind of masks")
    seed = forms.IntegerField(min_value=0, max_value=2**31, required=False, label="Seed of the draw")

    def options(self, class_map: Mapping[str, str]) -> ImportOptions:
        given = self.cleaned_data
        return ImportOptions(
            format=given["format"],
            radius_px=given["radius_px"],
            split=given["split"],
            oracle=(given["oracle"] or 0) / 100,
            exhaustive={"yes": True, "no": False}.get(given["exhaustive"]),
            create_classes=given["unknown"] == "create",
            class_map=dict(class_map),
            mask_kind=given["mask_kind"] or None,
            case_pattern=given["case_pattern"] or None if given["case_by"] == "pattern" else None,
            seed=given["seed"] or 0,
            case_by=given["case_by"],
            case=given["case"].strip() if given["case_by"] == "one" else "",
            slide=given["slide"].strip() if given["case_by"] == "one" else "",
            um_per_px=given["um_per_px"],
        )

    def clean(self) -> dict[str, Any]:
        given = super().clean() or self.cleaned_data
        if given.get("case_by") == "one" and not given.get("case", "").strip():
            self.add_error("case", "Give the code of the case.")
        if given.get("case_by") == "pattern":
            self._check_pattern(given.get("case_pattern", ""))
        return given

    def _check_pattern(self, pattern: str) -> None:
        from annotation.errors import Refused

        try:
            if not pattern:
                raise Refused("Give the pattern, or tell the cases in another way.")
            ImportOptions(case_pattern=pattern).pattern()
        except Refused as refusal:
            self.add_error("case_pattern", str(refusal))


def initial_of(options: Mapping[str, Any]) -> dict[str, Any]:
    """What the form shows of options that were asked for before."""
    if not options:
        return {"oracle": 0, "seed": 0}
    exhaustive = {True: "yes", False: "no", None: "auto"}[options.get("exhaustive")]
    unknown = "create" if options.get("create_classes", True) else "reject"
    oracle = float(options.get("oracle") or 0) * 100
    return {**options, "exhaustive": exhaustive, "unknown": unknown, "oracle": f"{oracle:g}"}


def class_map_of(posted: Mapping[str, str]) -> dict[str, str]:
    """What the table of classes says: `label-N` names the label, `class-N` the key it maps to, `-` refuses it."""
    found = dict[str, str]()
    for name, label in posted.items():
        if name.startswith("label-"):
            chosen = posted.get(f"class-{name.removeprefix('label-')}", "")
            if chosen:
                found[label] = "" if chosen == REFUSE else chosen
    return found


def map_rows(project: Project, classes: list[dict[str, Any]], chosen: Mapping[str, str]) -> list[dict[str, Any]]:
    """Lines of the table of classes: what was found, what is chosen, and whether the label can be a class of its own.

    Classes may have come since the files were looked at, so the label is asked for again.
    """
    natural = ClassFinder(project)
    rows = []
    for entry in classes:
        label = entry["label"]
        known = natural.find(label)
        value = chosen.get(label, known.key if known else entry["key"])
        refused = value == "" and (label in chosen or entry["becomes"] == "refused")
        becomes = "mapped" if known and entry["becomes"] == "new" else entry["becomes"]
        more = {"becomes": becomes, "chosen": REFUSE if refused else value, "may_be_new": known is None}
        rows.append({**entry, **more})
    return rows


class ExportForm(forms.Form):
    what = forms.ChoiceField(label="What", help_text="A release is exported exactly as it was frozen.")
    format = forms.ChoiceField(choices=[(key, EXPORT_WORDS[key]) for key in FORMATS], label="Format")
    split = forms.ChoiceField(
        choices=[("", "All"), *((split.value, split.label) for split in Split)], required=False, label="Split"
    )
    images = forms.BooleanField(required=False, label="With the pictures")
    signed_off = forms.BooleanField(required=False, label="Only fields that a reviewer signed off")

    def __init__(self, *args: Any, releases: list[Snapshot], **more: Any) -> None:
        super().__init__(*args, **more)
        self.releases = {str(release.pk): release for release in releases}
        named = [(key, f"Release {release.name}") for key, release in self.releases.items()]
        self.fields["what"].choices = [("today", "The labels of today"), *named]  # type: ignore[attr-defined]  # a ChoiceField

    def clean(self) -> dict[str, Any]:
        given = super().clean() or self.cleaned_data
        if given.get("signed_off") and given.get("what", "today") != "today":
            self.add_error("signed_off", "A release is exported as it was frozen: choose this when you make it.")
        return given

    @property
    def release(self) -> Snapshot | None:
        return self.releases.get(self.cleaned_data["what"])


class ReleaseForm(forms.Form):
    name = forms.CharField(max_length=120, label="Name", help_text="Such as 2026-11, or revision 1.")
    notes = forms.CharField(max_length=5000, required=False, widget=forms.Textarea(attrs={"rows": 4}))
    split = forms.ChoiceField(
        choices=[("", "All"), *((split.value, split.label) for split in Split)], required=False, label="Split"
    )
    signed_off = forms.BooleanField(required=False, label="Only fields that a reviewer signed off")
