"""What a reviewer says of a cell whose reader was unsure."""

from __future__ import annotations

from typing import Any

from django import forms

from annotation.actions.opinions import MOST_LETTERS
from annotation.models import CellClass, Project
from annotation.tree import in_tree_order


class OpinionForm(forms.Form):
    """One for each cell of the list."""

    opinion = forms.TypedChoiceField(label="It is", coerce=int)
    note = forms.CharField(label="Why", required=False, max_length=MOST_LETTERS)
    version = forms.IntegerField(widget=forms.HiddenInput, min_value=1, max_value=2**31 - 1)

    def __init__(self, *args: Any, project: Project, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        placed = in_tree_order(project.classes.filter(retired_at=None))
        self.classes: dict[int, CellClass] = {place.cell_class.number: place.cell_class for place in placed}
        self.choices: list[tuple[int | str, str]] = [
            ("", "Choose a class"),
            *(
                (place.cell_class.number, 2 * place.depth * "\N{NO-BREAK SPACE}" + place.cell_class.name)
                for place in placed
            ),
        ]
        self.fields["opinion"].choices = self.choices  # type: ignore[attr-defined]  # a field of choices has them
