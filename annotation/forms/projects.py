"""Forms of a new project, its settings and its classes."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.core.validators import RegexValidator

from annotation.actions.classes import ClassChange
from annotation.actions.projects import ProjectChange
from annotation.models import CellClass, ClassKind, Project, WeakShape
from annotation.ontology import Ontology, OntologyError, built_in, load, parse

USUAL, OWN = "bone_marrow", "own"
MOST_BYTES = 512 * 1024

WEAK_WORDS = {
    WeakShape.CIRCLE: "Circle: a centre and a radius, quickest for round cells",
    WeakShape.BOX: "Box: as detectors and most data sets have it",
}
LINE_WORDS = {"solid": "Solid", "dashed": "Dashed", "dotted": "Dotted"}
KIND_WORDS = {
    ClassKind.CELL: "Cell: learned and found",
    ClassKind.ARTEFACT: "Artefact: learned as what is no cell",
    ClassKind.UNSURE: "Unsure: learned neither as cell nor as background",
}


class ScaleMixin(forms.Form):
    um_per_px = forms.FloatField(
        required=False,
        label="Scale, in µm per pixel",
        help_text="The width of one pixel, such as 0.086, for fields whose files bring none. Empty: unknown.",
        widget=forms.NumberInput(attrs={"step": "any", "min": "0"}),
    )
    weak_shape = forms.ChoiceField(
        choices=[(shape.value, words) for shape, words in WEAK_WORDS.items()],
        label="Quick shape",
        help_text="How a cell is marked, and a prediction shown, where nobody draws its contour.",
        initial=WeakShape.CIRCLE,
    )
    public = forms.BooleanField(
        required=False,
        label="Original file names may leave the project",
        help_text=(
            "They can name a patient. Tick this only for images that are public already: exports then carry the names. "
            "Without it, exports say CASE-FIELD instead."
        ),
    )


class NewProjectForm(ScaleMixin):
    """`ontology` in what is cleaned is the Ontology itself, wherever it came from."""

    name = forms.CharField(max_length=200, label="Name", help_text="What people call the study.")
    ontology_file = forms.FileField(
        required=False,
        label="Your own classes, as a file",
        help_text="A TOML file; the help says how it is written.",
        widget=forms.ClearableFileInput(attrs={"accept": ".toml"}),
    )
    ontology_text = forms.CharField(
        required=False,
        max_length=MOST_BYTES,
        label="or as text",
        widget=forms.Textarea(attrs={"rows": 6, "spellcheck": "false", "class": "secret"}),
    )
    field_order = ["name", "ontology", "ontology_file", "ontology_text", "um_per_px", "weak_shape", "public"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        names = sorted(built_in(), key=lambda name: (name != USUAL, name))
        choices = [(name, _in_words(load(name))) for name in names]
        self.fields["ontology"] = forms.ChoiceField(
            label="Classes",
            help_text="They can be changed and added to later.",
            choices=[*choices, (OWN, "Your own: a file or text below")],
        )
        self.order_fields(self.field_order)

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        if "ontology" not in given:
            return given
        try:
            given["ontology"] = self._read(given)
        except OntologyError as error:
            self.add_error("ontology_file" if given.get("ontology_file") else "ontology_text", str(error))
        return given

    def _read(self, given: dict[str, Any]) -> Ontology:
        file: UploadedFile[Any] | None = given.get("ontology_file")
        text = given.get("ontology_text", "").strip()
        if given["ontology"] != OWN:
            if file or text:
                raise OntologyError("You gave classes of your own, but chose others above: choose “Your own” there.")
            return load(given["ontology"])
        if file is not None:
            if (file.size or 0) > MOST_BYTES:
                raise OntologyError("The file is larger than 512 KB: that is no list of classes.")
            return parse(file.read(), file.name or "your file")
        if not text:
            raise OntologyError("Choose a file or paste its text, or take one of the lists above.")
        return parse(text.encode(), "your text")


def _in_words(ontology: Ontology) -> str:
    return f"{ontology.name}: {len(ontology.classes)} classes"


class SettingsForm(ScaleMixin):
    name = forms.CharField(max_length=200, label="Name")
    cell_px = forms.FloatField(
        label="Working resolution, in pixels",
        help_text=(
            "So many pixels lie across a 12 µm cell when a detector looks at it. 40 shows nuclei well; more is slower "
            "and needs larger tiles. A new model learns at the new resolution, older ones keep theirs."
        ),
        widget=forms.NumberInput(attrs={"step": "any"}),
    )
    shrink = forms.FloatField(
        label="Shrink factor of circles",
        help_text=(
            "A circle is drawn generously; its box is shrunk by this before a detector learns from it, and what it "
            "finds is enlarged again."
        ),
        widget=forms.NumberInput(attrs={"step": "any"}),
    )
    min_labelled = forms.IntegerField(
        min_value=0,
        max_value=10_000,
        label="Labelled fields that each held-out split needs",
        help_text=(
            "Until validation, tuning and test have so many, batches are drawn by chance over all splits; after that "
            "the pool is ranked."
        ),
    )
    blind_share = forms.FloatField(
        label="Share of fields that are read without predictions",
        help_text=(
            "0 is none, 0.1 every tenth. There predictions stay hidden until the reader is done: only so can be "
            "measured whether readers follow them. The round's page tells the difference."
        ),
        widget=forms.NumberInput(attrs={"step": "any", "min": "0", "max": "1"}),
        initial=0,
    )
    field_order = ["name", "um_per_px", "cell_px", "weak_shape", "shrink", "min_labelled", "blind_share", "public"]

    @classmethod
    def of(cls, project: Project) -> SettingsForm:
        kept = {name: getattr(project, name) for name in cls.base_fields}
        return cls(initial={name: f"{v:g}" if isinstance(v, float) else v for name, v in kept.items()})

    def change(self) -> ProjectChange:
        return ProjectChange(**self.cleaned_data)


class ClassForm(forms.Form):
    name = forms.CharField(max_length=120, label="Name")
    aliases = forms.CharField(
        required=False,
        max_length=2000,
        label="Other names",
        help_text="As found in data sets, parted by commas. Capitals, blanks, _ and - make no difference.",
    )
    colour = forms.CharField(
        label="Colour",
        validators=[RegexValidator(r"^#[0-9A-Fa-f]{6}\Z", "Choose a colour, or write one like #D55E00.")],
        widget=forms.TextInput(attrs={"type": "color"}),
    )
    line = forms.ChoiceField(
        choices=list(LINE_WORDS.items()), label="Line", help_text="So that classes are not told by colour alone."
    )
    hotkey = forms.CharField(
        required=False, max_length=2, label="Key", help_text="One key, or two struck one after another."
    )
    counted = forms.BooleanField(required=False, initial=True, label="Counts in the differential")
    guideline = forms.CharField(
        required=False,
        max_length=10_000,
        label="Guideline",
        help_text="How to tell this class, in the words of those who read. It stands beside the canvas.",
        widget=forms.Textarea(attrs={"rows": 5}),
    )

    @classmethod
    def of(cls, row: CellClass) -> ClassForm:
        kept = {name: getattr(row, name) for name in ("name", "colour", "line", "hotkey", "counted", "guideline")}
        return cls(initial=kept | {"aliases": ", ".join(row.aliases)})

    def change(self) -> ClassChange:
        given = self.cleaned_data
        aliases = tuple(dict.fromkeys(word.strip() for word in given["aliases"].split(",") if word.strip()))
        kept = {name: given[name] for name in ("name", "colour", "line", "hotkey", "counted", "guideline")}
        return ClassChange(aliases=aliases, **kept)


class NewClassForm(ClassForm):
    kind = forms.ChoiceField(choices=[(kind.value, words) for kind, words in KIND_WORDS.items()], label="Kind")
    field_order = ["name", "parent", "kind", "aliases", "colour", "line", "hotkey", "counted", "guideline"]

    def __init__(self, *args: Any, project: Project, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["parent"] = forms.ModelChoiceField(
            queryset=project.classes.filter(retired_at=None),
            required=False,
            to_field_name="number",
            empty_label="none: it stands by itself",
            label="Below",
            help_text="The class that it is rolled up to while it has too few cells.",
        )
        self.order_fields(self.field_order)
