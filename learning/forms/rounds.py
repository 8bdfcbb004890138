"""The form of a new round: what RoundSettings holds, in words, with each fault at its field."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

import msgspec
from django import forms

import models_zoo
from learning import strategies
from learning.settings import RoundSettings, from_row, to_row
from learning.views.words import strategy_words

# In one sentence each; docs/explanation/ranking.md says it at length. A strategy that is not here is shown by its name.
STRATEGY_WORDS = {
    "hybrid": "Mixes uncertain, rare, typical and random fields; more typical ones while the model is weak.",
    "uncertainty": "Fields whose hardest cells the teacher is least sure of.",
    "uncertainty_rarity": "The same, rare and badly known classes counting more.",
    "coverage": "Fields that stand for groups of the pool of which none is labelled yet.",
    "random": "A uniform draw: the yardstick that the others are measured by.",
}
SIMPLE = ("teacher", "student", "epochs", "student_epochs", "tile", "budget")
LEAST_ANMS = 0.5
MORE = ("batch", "patience", "min_cells", "artefacts", "anms", "pseudo", "seed", "device")
NAMES = tuple(field.name for field in fields(RoundSettings))
MOST_EPOCHS, MOST_FIELDS, MOST_SEED = 5_000, 10_000, 2**31 - 1


def _models() -> list[tuple[str, str]]:
    return [(name, name) for name in models_zoo.names()]


def _students() -> list[tuple[str, str]]:
    return [(name, name) for name in models_zoo.students()]


def _strategies() -> list[tuple[str, str]]:
    known = [name for name in STRATEGY_WORDS if name in strategies.STRATEGIES]
    return [(name, strategy_words(name)) for name in [*known, *(set(strategies.STRATEGIES) - set(known))]]


class RoundForm(forms.Form):
    """Bound or not, it is filled with `start`: what a new round of the project begins with."""

    teacher = forms.ChoiceField(
        choices=lambda: [("auto", "auto: the largest that fits"), *_models()],
        help_text="Learns from the labels, ranks the pool, and teaches the student.",
    )
    student = forms.ChoiceField(choices=_students, help_text="Small and fast: it predicts for the experts.")
    epochs = forms.IntegerField(
        min_value=0, max_value=MOST_EPOCHS, label="Teacher's epochs", help_text="0: as many as suit data and machine."
    )
    student_epochs = forms.IntegerField(
        min_value=0, max_value=MOST_EPOCHS, label="Student's epochs", help_text="0: as the teacher's."
    )
    tile = forms.IntegerField(
        min_value=32,
        max_value=2048,
        step_size=32,
        label="Tile",
        help_text="Side in working pixels of what the network sees at once; a multiple of 32.",
        error_messages={"step_size": "Write a multiple of 32, from 32 to 2048: 320 suits most fields."},
    )
    budget = forms.IntegerField(min_value=1, max_value=MOST_FIELDS, help_text="Fields that the batch asks for.")
    strategy = forms.ChoiceField(choices=_strategies, widget=forms.RadioSelect, label="How the batch is chosen")
    batch = forms.IntegerField(
        min_value=0, max_value=1024, label="Tiles in one training step", help_text="0: 8 or 16, by the amount of data."
    )
    patience = forms.IntegerField(
        min_value=0, max_value=MOST_EPOCHS, help_text="Stop after so many epochs without gain. 0: never stop early."
    )
    min_cells = forms.IntegerField(
        min_value=1,
        max_value=1_000_000,
        label="Cells a class needs",
        help_text="Classes with fewer training cells are rolled up to their parent.",
    )
    artefacts = forms.ChoiceField(
        choices=[
            ("own", "learned as classes of their own"),
            ("background", "learned as background"),
            ("cell", "learned as cells"),
        ],
        label="Smudges and artefacts",
    )
    anms = forms.FloatField(
        min_value=0,
        max_value=1,
        label="Nucleus inside a cell",
        help_text="Share of a box within a larger one from which it is dropped, from 0.5 to 1. 0: keep all.",
    )
    pseudo = forms.FloatField(
        min_value=0,
        max_value=100,
        label="Pool fields for the student",
        help_text="For each labelled field so many that the teacher has labelled. 0: none.",
    )
    seed = forms.IntegerField(min_value=0, max_value=MOST_SEED, help_text="Fixes every random draw.")
    device = forms.RegexField(
        regex=r"^(auto|cpu|\d{1,3})$",
        max_length=8,
        help_text="auto, cpu, or the number of a GPU.",
        error_messages={"invalid": "Write auto, cpu, or the number of a GPU, as 0."},
    )

    def clean_anms(self) -> float:
        share: float = self.cleaned_data["anms"]
        if share and share < LEAST_ANMS:
            raise forms.ValidationError("Write 0 to keep all, or a share from 0.5 to 1.")
        return share

    def __init__(self, data: Mapping[str, Any] | None = None, *, start: RoundSettings) -> None:
        super().__init__(data, initial=to_row(start))

    def clean(self) -> dict[str, Any]:
        """What the fields let pass is judged by RoundSettings, whose fault names the setting first."""
        given = self.cleaned_data
        if not self.errors:
            try:
                RoundSettings(**given)
            except ValueError as error:
                name = str(error).split(" ", 1)[0]
                self.add_error(name if name in self.fields else None, str(error))
        return given

    def settings(self) -> RoundSettings:
        """Of a valid form."""
        return RoundSettings(**self.cleaned_data)

    @property
    def simple(self) -> list[forms.BoundField]:
        return [self[name] for name in SIMPLE]

    @property
    def more(self) -> list[forms.BoundField]:
        return [self[name] for name in MORE]

    @property
    def more_is_open(self) -> bool:
        """Whether a fault, or a value that is not the usual one, hides under More."""
        usual = to_row(RoundSettings())
        return any(name in self.errors or str(self[name].value()) != str(usual[name]) for name in MORE)

    @property
    def strategies(self) -> list[tuple[str, str, str, bool]]:
        """(name, words, explanation, chosen) of each."""
        chosen = str(self["strategy"].value())
        return [(name, words, STRATEGY_WORDS.get(name, ""), name == chosen) for name, words in _strategies()]


class StartForm(forms.Form):
    """When a round starts by itself; both empty: never."""

    after = forms.IntegerField(
        required=False,
        min_value=1,
        max_value=1_000_000,
        label="After so many newly submitted fields",
        help_text="Counted since the newest round began. Empty: never.",
    )
    at = forms.TimeField(
        required=False,
        label="At this time of day, in UTC",
        help_text="Each day, where at least one field was newly submitted. Empty: never.",
        input_formats=["%H:%M"],
        widget=forms.TimeInput(format="%H:%M", attrs={"type": "time"}),
        error_messages={"invalid": "Write a time of day, such as 02:30."},
    )


def settings_of(row: Mapping[str, Any]) -> RoundSettings:
    """A stored row of settings, also one of an older or newer version: what is unknown or faulty is left out."""
    settings = RoundSettings()
    for name in NAMES:
        if name in row:
            try:
                settings = from_row(to_row(settings) | {name: row[name]})
            except msgspec.MsgspecError:
                continue
    return settings
