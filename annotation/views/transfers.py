"""The page of one upload, import, export or release, whatever it is doing, and what can be done with it."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import User
from django.core.paginator import Paginator
from django.db.models import Q
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from annotation.access import Permission
from annotation.actions import transfers as actions
from annotation.actions.uploads import discard_upload, received_of
from annotation.errors import Refused
from annotation.forms.transfers import ImportForm, class_map_of, initial_of, map_rows
from annotation.models import CellClass, Transfer, TransferKind, TransferState
from annotation.transfers.faults import read_faults
from annotation.transfers.states import Kind, State, moves_from
from annotation.views.entry import Entry, enter
from annotation.views.upload import find_transfer, limits

FILES_SHOWN = 25
FAULTS_SHOWN = 100
# A worker looks every five seconds; one that has not come by then is not there.
WORKER_SECONDS = 20


@login_required
@require_safe
def transfer(request: HttpRequest, key: str, pk: int) -> HttpResponse:
    """Asked for by the progress bar itself, the page is told to load anew once the work is over."""
    entry = enter(request, key, Permission.RUN)
    found = find_transfer(entry.project, pk)
    at_work = found.state in (TransferState.QUEUED, TransferState.RUNNING)
    if request.GET.get("part") == "progress":
        if not at_work:
            return HttpResponse(headers={"HX-Refresh": "true"})
        return render(request, "annotation/transfer.html#progress", entry.context("data", **_progress(found)))
    return _page(request, entry, found)


def _page(
    request: HttpRequest, entry: Entry, found: Transfer, *, form: ImportForm | None = None, fault: str = ""
) -> HttpResponse:
    told = entry.context(
        "data",
        **_progress(found),
        fault=fault,
        names=may_see_names(entry.actor, entry.can, found),
        error=error_of(found, names=may_see_names(entry.actor, entry.can, found)),
        mine=found.author_id == entry.actor.pk,
        moves=moves_from(Kind(found.kind), State(found.state)),
    )
    if found.kind in (TransferKind.PREVIEW, TransferKind.IMPORT):
        told |= _upload_words(request, entry, found, form)
    return render(request, "annotation/transfer.html", told, status=422 if fault or (form and form.errors) else 200)


def _progress(found: Transfer) -> dict[str, Any]:
    done, total = found.progress.get("done") or 0, found.progress.get("total") or 0
    waits = (timezone.now() - found.created_at).total_seconds() > WORKER_SECONDS and found.state == TransferState.QUEUED
    at_work = found.state in (TransferState.QUEUED, TransferState.RUNNING)
    percent = min(100, round(100 * done / total)) if total else None
    return {"transfer": found, "at_work": at_work, "percent": percent, "no_worker": waits and not found.worker}


def _upload_words(request: HttpRequest, entry: Entry, found: Transfer, form: ImportForm | None) -> dict[str, Any]:
    options = found.settings.get("options", {})
    mine = found.author_id == entry.actor.pk
    uploads = found.uploads.order_by("-fault", "completed_at", "id")
    names = may_see_names(entry.actor, entry.can, found)
    listed = Paginator(uploads, FILES_SHOWN).get_page(request.GET.get("files"))
    told: dict[str, Any] = {
        "received": received_of(found),
        "uploads": listed if mine else None,
        "limits": limits(),
        "form": form or ImportForm(initial=initial_of(options)),
        "faults": [
            fault | {"shown_reason": fault["reason"] if names else reason_without_names(fault)}
            for fault in read_faults(found.folder, limit=FAULTS_SHOWN)
        ],
        "can_take_files": mine
        and found.kind == TransferKind.PREVIEW
        and (found.state == TransferState.RECEIVING or State.RECEIVING in moves_from(Kind.PREVIEW, State(found.state))),
    }
    if found.kind == TransferKind.PREVIEW and found.state == TransferState.SUCCEEDED:
        told["map_rows"] = map_rows(entry.project, found.result.get("classes", []), options.get("class_map", {}))
        wanted = Q(retired_at=None) | Q(key__in={row["chosen"] for row in told["map_rows"]})
        told["classes"] = list(CellClass.objects.filter(wanted, project=entry.project).order_by("number"))
    return told


def may_see_names(actor: User, can: frozenset[Permission], found: Transfer) -> bool:
    """Names of files may be patients': for who sent them, and for reviewers and administrators."""
    return found.author_id == actor.pk or bool({Permission.REVIEW, Permission.ADMINISTER} & can)


def error_of(found: Transfer, *, names: bool) -> str:
    """Why it failed. Of files that came in the reason may hold a name, as those of single files do."""
    came_in = found.kind in (TransferKind.PREVIEW, TransferKind.IMPORT)
    return found.error if names or not came_in or not found.error else "It failed; why is told to its sender."


@login_required
@require_POST
def start(request: HttpRequest, key: str, pk: int) -> HttpResponse:
    """Look at what was uploaded, or import it, with the settings of the form."""
    entry = enter(request, key, Permission.RUN)
    found = find_transfer(entry.project, pk)
    form = ImportForm(request.POST)
    if not form.is_valid():
        return _page(request, entry, found, form=form, fault="Some settings cannot be: see below.")
    act = actions.start_import if request.POST.get("go") == "import" else actions.start_preview
    try:
        act(transfer=found, options=form.options(_class_map(request, found)), actor=entry.actor)
    except Refused as error:
        return _page(request, entry, found, form=form, fault=str(error))
    return redirect("transfer", key, pk)


def _class_map(request: HttpRequest, found: Transfer) -> dict[str, str]:
    """What the table says; of labels that it does not show, what was said before."""
    before = found.settings.get("options", {}).get("class_map", {})
    shown = {label for name, label in request.POST.items() if name.startswith("label-")}
    return {label: key for label, key in before.items() if label not in shown} | class_map_of(request.POST.dict())


@login_required
@require_POST
def cancel(request: HttpRequest, key: str, pk: int) -> HttpResponse:
    return _act(request, key, pk, actions.cancel_transfer)


@login_required
@require_POST
def retry(request: HttpRequest, key: str, pk: int) -> HttpResponse:
    return _act(request, key, pk, actions.retry_transfer)


def _act(request: HttpRequest, key: str, pk: int, act: Callable[..., object]) -> HttpResponse:
    entry = enter(request, key, Permission.RUN)
    try:
        act(transfer=find_transfer(entry.project, pk), actor=entry.actor)
    except Refused as error:
        messages.error(request, str(error))
    return redirect("transfer", key, pk)


@login_required
@require_POST
def discard(request: HttpRequest, key: str, pk: int) -> HttpResponse:
    entry = enter(request, key, Permission.RUN)
    try:
        discard_upload(transfer=find_transfer(entry.project, pk), actor=entry.actor)
        messages.success(request, "The files of the upload were thrown away.")
    except Refused as error:
        messages.error(request, str(error))
        return redirect("transfer", key, pk)
    return redirect("data", key)


@login_required
@require_safe
def faults(request: HttpRequest, key: str, pk: int) -> HttpResponseBase:
    """All that was refused and warned of, as a table for a spreadsheet."""
    entry = enter(request, key, Permission.RUN)
    found = find_transfer(entry.project, pk)
    names = may_see_names(entry.actor, entry.can, found)
    answer = StreamingHttpResponse(_table(found, names=names), content_type="text/csv")
    answer["Content-Disposition"] = f'attachment; filename="{entry.project.key}-{found.pk}-refused.csv"'
    return answer


class _Line:
    """What csv writes to: it gives the line back."""

    def write(self, text: str) -> str:
        return text


def _table(found: Transfer, *, names: bool) -> Iterator[str]:
    writer = csv.writer(_Line())
    yield "\ufeff"  # so that spreadsheets read it as UTF-8
    yield writer.writerow(["what", "file", "object", "reason", "objects lost"])
    for number, entry in enumerate(read_faults(found.folder), start=1):
        file = entry["file"] if names else f"entry {number}"
        reason = entry["reason"] if names else reason_without_names(entry)
        row = [entry["what"], file, entry["index"], reason, entry["lost_objects"]]
        yield writer.writerow([_harmless(value) for value in row])


def reason_without_names(entry: dict[str, Any]) -> str:
    """A reason often begins with, or holds, a file's name; who may not see names is told how many objects were lost."""
    file = str(entry["file"])
    tail = file.rsplit("/", 1)[-1]
    reason = str(entry["reason"])
    return "named for its sender only" if tail and tail.rsplit(".", 1)[0] in reason else reason


def _harmless(value: object) -> object:
    """A spreadsheet takes what begins so for a formula."""
    return f"'{value}" if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r") else value
