"""Cases as a work list, one case with its fields and its differential, and signing off."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from math import ceil
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.db.models import Count, F, Q
from django.db.models.functions import Length
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from annotation.access import Permission
from annotation.actions.signing import sign_off_case, sign_off_reading, take_back_sign_off
from annotation.counting import TARGET, differential, share
from annotation.errors import Refused
from annotation.forms.cases import FIELD_STATES, CaseFilter, TakeBackForm
from annotation.models import Case, CellClass, ClassKind, Field, Project, Reading, ReadingState
from annotation.models.field import FieldQuerySet
from annotation.tallies import tally_fields
from annotation.tree import in_tree_order
from annotation.views.entry import Entry, enter

A_PAGE, FIELDS_A_PAGE = 25, 60
# The case of fields that name none: they are listed together, but they are not one patient.
NO_CASE = 0


@login_required
@require_safe
def cases(request: HttpRequest, key: str) -> HttpResponse:
    entry = enter(request, key)
    form = CaseFilter(request.GET, project=entry.project)
    found = form.narrow(Case.objects.filter(project=entry.project).with_progress()).annotate(
        open_count=F("field_count") - F("labelled_count"),
        unsigned_count=F("labelled_count") - F("signed_count"),
        code_length=Length("code"),  # P9 before P10
    )
    page = Paginator(found.order_by(*form.order), A_PAGE).get_page(request.GET.get("page"))
    told = entry.context(
        "cases",
        form=form,
        page=page,
        rows=_with_cells(entry.project, list(page.object_list)),
        whole=tally_fields(entry.project).whole,
        without=_without_case(entry.project, form),
        target=TARGET,
        kept=_kept(request),
    )
    return render(request, "annotation/cases.html", told)


def _with_cells(project: Project, shown: list[Case]) -> list[dict[str, Any]]:
    """Each case with its counted cells, and how much of it is smudged or artefact, by two queries for all of them."""
    counted, spoilt = _kinds(project)
    cells, spoils, total = Counter[int](), Counter[int](), Counter[int]()
    for case_pk, class_pk, number in Field.objects.filter(case__in=shown).count_cells_by("case"):
        cells[case_pk] += number if class_pk in counted else 0
        spoils[case_pk] += number if class_pk in spoilt else 0
        total[case_pk] += number
    return [
        {"case": case, "counted": cells[case.pk], "spoilt": share(spoils[case.pk], total[case.pk])} for case in shown
    ]


def _kinds(project: Project) -> tuple[set[int], set[int]]:
    """The classes that are counted, and those of smudges and artefacts, by pk."""
    rows = list(project.classes.values_list("pk", "counted", "kind"))
    return {pk for pk, counted, _ in rows if counted}, {pk for pk, _, kind in rows if kind == ClassKind.ARTEFACT}


def _without_case(project: Project, form: CaseFilter) -> dict[str, int]:
    """Fields that name no case, where nothing is searched for."""
    if form.narrows:
        return {}
    return project.fields.filter(case=None).aggregate(
        fields=Count("pk"),
        labelled=Count("current_reading"),
        signed=Count("pk", filter=Q(current_reading__state=ReadingState.SIGNED_OFF)),
    )


def _kept(request: HttpRequest) -> str:
    """The query of this address without its page, for the links to other pages."""
    query = request.GET.copy()
    query.pop("page", None)
    return f"{query.urlencode()}&" if query else ""


@login_required
@require_safe
def case(request: HttpRequest, key: str, pk: int) -> HttpResponse:
    entry = enter(request, key)
    return _case(request, entry, pk)


def _case(request: HttpRequest, entry: Entry, pk: int, status: int = 200, **more: Any) -> HttpResponse:
    shown = get_object_or_404(Case, project=entry.project, pk=pk) if pk != NO_CASE else None
    fields: FieldQuerySet = entry.project.fields.filter(case=shown)
    state = request.GET.get("state", "")
    chosen = fields.filter(FIELD_STATES.get(state, FIELD_STATES[""])[1])
    chosen = chosen.select_related("slide", "current_reading__author", "current_reading__signed_off_by")
    page = Paginator(chosen.order_by("pk"), FIELDS_A_PAGE).get_page(request.GET.get("page"))
    told = entry.context(
        "cases",
        case=shown,
        case_pk=pk,
        page=page,
        rows=_with_work(entry.project, list(page.object_list)),
        states=[(name, words) for name, (words, _) in FIELD_STATES.items()],
        state=state,
        kept=_kept(request),
        progress=_progress(fields),
        slides=list(shown.slides.order_by("code")[:20]) if shown else [],
        counts=_differential(entry.project, fields) if shown else None,
        target=TARGET,
        until=timezone.now().isoformat(),
        **more,
    )
    return render(request, "annotation/case.html", told, status=status)


def _progress(fields: FieldQuerySet) -> dict[str, int]:
    return fields.aggregate(
        fields=Count("pk"),
        labelled=Count("current_reading"),
        in_part=Count("pk", filter=Q(current_reading__exhaustive=False)),
        to_sign=Count("pk", filter=Q(current_reading__state=ReadingState.SUBMITTED)),
        signed=Count("pk", filter=Q(current_reading__state=ReadingState.SIGNED_OFF)),
    )


def _with_work(project: Project, fields: Sequence[Field]) -> list[dict[str, Any]]:
    """Each field with the cells of its current reading, its smudges and artefacts among them, and who is at work."""
    _, spoilt = _kinds(project)
    cells, spoils = Counter[int](), Counter[int]()
    for field_pk, class_pk, number in Field.objects.filter(pk__in=[field.pk for field in fields]).count_cells_by("pk"):
        cells[field_pk] += number
        spoils[field_pk] += number if class_pk in spoilt else 0
    at_work = Reading.objects.at_work().filter(field__in=fields).select_related("author")
    people = {reading.field_id: reading.author for reading in at_work}
    return [
        {
            "field": field,
            "cells": cells[field.pk],
            "spoilt": share(spoils[field.pk], cells[field.pk]),
            "at_work": people.get(field.pk),
        }
        for field in fields
    ]


def _differential(project: Project, fields: FieldQuerySet) -> dict[str, Any]:
    classes: list[CellClass] = [place.cell_class for place in in_tree_order(project.classes.all())]
    numbers = {row.pk: row.number for row in classes}
    counts = {numbers[class_pk]: number for class_pk, number in fields.count_cells().items()}
    found = differential(counts, classes)
    highest = max((row.share.high_percent for row in found.rows if row.share), default=0)
    # The intervals are drawn from 0 to the next ten above the highest.
    return {"differential": found, "scale": max(10, 10 * ceil(highest / 10))}


@login_required
@require_POST
def case_sign_off(request: HttpRequest, key: str, pk: int) -> HttpResponse:
    entry = enter(request, key, Permission.REVIEW)
    shown = get_object_or_404(Case.objects.select_related("project"), project=entry.project, pk=pk)
    try:
        done = sign_off_case(case=shown, until=_moment(request), actor=entry.actor, client="page")
    except Refused as error:
        return _case(request, entry, pk, status=422, refusal=str(error))
    messages.success(request, f"{_fields(done.signed)} of {shown.code} signed off.")
    if done.newer:
        messages.warning(request, f"{_fields(done.newer)} came in after you opened the page: look before you sign.")
    return redirect("case", key, pk)


@login_required
@require_POST
def field_sign_off(request: HttpRequest, key: str, code: str) -> HttpResponse:
    """Sign off the reading that the page showed, by its number."""
    entry, field, reading = _reading(request, key, code)
    try:
        sign_off_reading(reading=reading, actor=entry.actor, client="page")
    except Refused as error:
        return _case(request, entry, field.case_id or NO_CASE, status=422, refusal=str(error))
    messages.success(request, f"{field.public_name} is signed off.")
    return redirect(_place(key, field))


@login_required
@require_POST
def field_take_back(request: HttpRequest, key: str, code: str) -> HttpResponse:
    entry, field, reading = _reading(request, key, code)
    form = TakeBackForm(request.POST)
    reason = form.cleaned_data["reason"] if form.is_valid() else ""
    try:
        take_back_sign_off(reading=reading, reason=reason, actor=entry.actor, client="page")
    except Refused as error:
        return _case(request, entry, field.case_id or NO_CASE, status=422, refusal=str(error))
    messages.success(request, f"The sign-off of {field.public_name} is taken back.")
    return redirect(_place(key, field))


def _reading(request: HttpRequest, key: str, code: str) -> tuple[Entry, Field, Reading]:
    """The reading that a form names, which must be one of the field and not a sealed one."""
    entry = enter(request, key, Permission.REVIEW)
    field = get_object_or_404(Field.objects.select_related("case"), project=entry.project, code=code)
    named = request.POST.get("reading", "")
    number = int(named) if named.isascii() and named.isdigit() and len(named) < 19 else 0
    readings = Reading.objects.final().select_related("field__project")
    return entry, field, get_object_or_404(readings, field=field, pk=number)


def _place(key: str, field: Field) -> str:
    return f"{reverse('case', args=[key, field.case_id or NO_CASE])}#{field.code}"


def _moment(request: HttpRequest) -> datetime:
    """When the page was made; a form without it saw nothing."""
    try:
        moment = datetime.fromisoformat(request.POST.get("until", ""))
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return datetime.fromtimestamp(0, UTC)


def _fields(number: int) -> str:
    return f"{number} field" + ("" if number == 1 else "s")
