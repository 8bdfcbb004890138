"""What the lists of cases and fields are narrowed down by, and the reason of a sign-off that is taken back."""

from __future__ import annotations

from typing import Any

from django import forms
from django.db.models import Q, QuerySet

from annotation.models import Case, Field, Project, Slide, Split
from annotation.models.field import CaseState

HELD_OUT = "held_out"
OPEN = "open"

SPLIT_CHOICES = [("", "any split"), *Split.choices, (HELD_OUT, "held out: not training")]
STATE_CHOICES = [("", "any state"), (OPEN, "not all labelled"), *CaseState.choices]
SORTS = {
    "code": ("by code", ["code_length", "code", "pk"]),
    "open": ("most unlabelled first", ["-open_count", "code_length", "code", "pk"]),
    "unsigned": ("most to sign off first", ["-unsigned_count", "code_length", "code", "pk"]),
    "fields": ("most fields first", ["-field_count", "code_length", "code", "pk"]),
}
FIELD_STATES = {
    "": ("all fields", Q()),
    "unlabelled": ("unlabelled", Q(current_reading=None)),
    "in_part": ("labelled in part", Q(current_reading__exhaustive=False)),
    "to_sign": ("to be signed off", Q(current_reading__state="submitted")),
    "signed_off": ("signed off", Q(current_reading__state="signed_off")),
}
MOST_STAINS = 50


class CaseFilter(forms.Form):
    """All by GET and all optional: a value that makes no sense narrows nothing down."""

    q = forms.CharField(required=False, max_length=80, label="Find")
    split = forms.ChoiceField(required=False, choices=SPLIT_CHOICES)
    state = forms.ChoiceField(required=False, choices=STATE_CHOICES)
    sort = forms.ChoiceField(required=False, choices=[(name, words) for name, (words, _) in SORTS.items()])

    def __init__(self, *args: Any, project: Project, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        stains = Slide.objects.filter(case__project=project).exclude(stain="").order_by("stain")
        known = list(stains.values_list("stain", flat=True).distinct()[:MOST_STAINS])
        if known:
            choices = [("", "any stain"), *((word, word) for word in known)]
            self.fields["stain"] = forms.ChoiceField(required=False, choices=choices)
            self.order_fields(["q", "split", "state", "stain", "sort"])

    def told(self, name: str) -> str:
        """What was asked for, empty where it makes no sense."""
        self.is_valid()
        return str(self.cleaned_data.get(name, ""))

    def narrow(self, cases: QuerySet[Case]) -> QuerySet[Case]:
        """`cases` are Case.objects.with_progress()."""
        if word := self.told("q").strip():
            cases = cases.filter(
                Q(code__icontains=word)
                | Q(pk__in=Slide.objects.filter(code__icontains=word).values("case"))
                | Q(pk__in=Field.objects.filter(code__iexact=word).values("case"))
            )
        if stain := self.told("stain"):
            cases = cases.filter(pk__in=Slide.objects.filter(stain=stain).values("case"))
        return self._by_state(self._by_split(cases))

    def _by_split(self, cases: QuerySet[Case]) -> QuerySet[Case]:
        split = self.told("split")
        if split == HELD_OUT:
            return cases.filter(~Q(split=Split.TRAINING), Q(split__isnull=False))
        return cases.filter(Q(split=split)) if split else cases

    def _by_state(self, cases: QuerySet[Case]) -> QuerySet[Case]:
        state = self.told("state")
        if state == OPEN:
            return cases.filter(Q(state__in=[CaseState.UNLABELLED, CaseState.PARTLY]))
        return cases.filter(Q(state=state)) if state else cases

    @property
    def order(self) -> list[str]:
        return SORTS[self.told("sort") or "code"][1]

    @property
    def narrows(self) -> bool:
        return any(self.told(name) for name in ("q", "split", "state", "stain"))


class TakeBackForm(forms.Form):
    reason = forms.CharField(max_length=500, label="Why")
