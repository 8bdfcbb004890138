"""Files come in: in parts, by the script of the page, or by an ordinary form that does the same work."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any, Concatenate, ParamSpec
from uuid import UUID

import orjson
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest, HttpResponse, JsonResponse, UnreadablePostError
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from annotation.access import Permission
from annotation.actions.uploads import (
    PART_BYTES,
    Offered,
    PartOutOfPlaceError,
    offer_files,
    receive_part,
    receive_whole,
    remove_unfinished,
    remove_upload,
    start_upload,
)
from annotation.errors import Refused
from annotation.models import Project, Transfer, TransferKind, TransferState, Upload
from annotation.transfers.limits import MAX_FILES, MB, size_words
from annotation.views.entry import Entry, enter

# Files that the script may offer at a time.
OFFER = 1000
P = ParamSpec("P")


def in_json(view: Callable[Concatenate[HttpRequest, P], HttpResponse]) -> Callable[..., HttpResponse]:
    """What the script asks is answered in JSON, refusals too: {"message": what is wrong and what to do}."""

    @wraps(view)
    def wrapped(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        if not wants_json(request):
            return view(request, *args, **kwargs)
        try:
            return view(request, *args, **kwargs)
        except PartOutOfPlaceError as error:
            return JsonResponse({"message": str(error), "received": error.received}, status=409)
        except Refused as error:
            return JsonResponse({"message": str(error)}, status=422)
        except PermissionDenied as error:
            return JsonResponse({"message": str(error)}, status=403)

    return wrapped


def wants_json(request: HttpRequest) -> bool:
    return request.method == "PUT" or request.content_type == "application/json"


def limits() -> dict[str, Any]:
    """For the page: what may be sent."""
    return {
        "file": size_words(settings.UPLOAD_FILE_MB * MB),
        "whole": size_words(settings.UPLOAD_TOTAL_MB * MB),
        "files": MAX_FILES,
        "form": size_words(settings.UPLOAD_FORM_MB * MB),
        "form_files": settings.DATA_UPLOAD_MAX_NUMBER_FILES,
        "days": settings.UPLOAD_DAYS,
    }


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
@in_json
def upload(request: HttpRequest, key: str) -> HttpResponse:
    """The page where files are chosen; by POST an upload begins, or goes on where one waits for these files."""
    entry = enter(request, key, Permission.RUN)
    if request.method != "POST":
        return _page(request, entry)
    if wants_json(request):
        transfer = start_upload(project=entry.project, files=_offered(request), actor=entry.actor)
        return JsonResponse(_addresses(transfer), status=201)
    came = request.FILES.getlist("files")
    if not came:
        return _page(request, entry, fault="No file came: choose some, then press Upload.", status=422)
    try:
        transfer = start_upload(
            project=entry.project, files=[Offered(file.name or "", file.size or 0) for file in came], actor=entry.actor
        )
        _take(request, transfer, came, entry)
    except Refused as error:
        return _page(request, entry, fault=str(error), status=422)
    return redirect("transfer", key, transfer.pk)


def _page(request: HttpRequest, entry: Entry, *, fault: str = "", status: int = 200) -> HttpResponse:
    waiting = Transfer.objects.filter(
        project=entry.project, author=entry.actor, kind=TransferKind.PREVIEW, state=TransferState.RECEIVING
    ).order_by("-id")[:5]
    told = entry.context("data", waiting=waiting, limits=limits(), fault=fault)
    return render(request, "annotation/upload.html", told, status=status)


@login_required
@require_POST
@in_json
def files(request: HttpRequest, key: str, pk: int) -> HttpResponse:
    """More files for an upload: offered by the script, or sent by the form."""
    entry = enter(request, key, Permission.RUN)
    transfer = find_transfer(entry.project, pk)
    if not wants_json(request):
        try:
            _take(request, transfer, request.FILES.getlist("files"), entry)
        except Refused as error:
            messages.error(request, str(error))
        return redirect("transfer", key, pk)
    rows = offer_files(transfer=transfer, files=_offered(request), actor=entry.actor)
    return JsonResponse({"files": [_told(row, key) for row in rows]})


def _take(request: HttpRequest, transfer: Transfer, came: Sequence[UploadedFile[Any]], entry: Entry) -> None:
    refused = 0
    for file in came:
        row = receive_whole(
            transfer=transfer,
            name=file.name or "",
            size=file.size or 0,
            chunks=file.chunks(1 << 20),
            actor=entry.actor,
        )
        refused += bool(row.fault)
    messages.info(request, f"{len(came) - refused} of {len(came)} files were taken.")


@login_required
@require_http_methods(["PUT"])
@in_json
def part(request: HttpRequest, key: str, pk: int, uuid: UUID) -> HttpResponse:
    """The bytes of a file from `?offset=` on."""
    entry = enter(request, key, Permission.RUN)
    row = _upload(entry.project, pk, uuid)
    row = receive_part(upload=row, offset=_offset(request), data=_body(request), actor=entry.actor)
    return JsonResponse(_told(row, key))


def _offset(request: HttpRequest) -> int:
    text = request.GET.get("offset", "")
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise Refused("Say where the part begins: ?offset= and a number of bytes.")
    return int(text)


def _body(request: HttpRequest) -> bytes:
    """Never more than a part in memory, and never half of one."""
    length = request.META.get("CONTENT_LENGTH") or ""
    if not length.isdigit():
        raise Refused("Say how long the part is (Content-Length).")
    if int(length) > PART_BYTES:
        raise Refused(f"A part may have {PART_BYTES} bytes: send the file in smaller ones.")
    try:
        data = request.body
    except UnreadablePostError as error:
        raise Refused("The connection broke within the part: send it again.") from error
    if len(data) != int(length):
        raise Refused("The part did not come whole: send it again.")
    return data


@login_required
@require_POST
def remove(request: HttpRequest, key: str, pk: int, uuid: UUID) -> HttpResponse:
    entry = enter(request, key, Permission.RUN)
    try:
        remove_upload(upload=_upload(entry.project, pk, uuid), actor=entry.actor)
    except Refused as error:
        messages.error(request, str(error))
    return redirect("transfer", key, pk)


@login_required
@require_POST
def unfinished(request: HttpRequest, key: str, pk: int) -> HttpResponse:
    """Take out what has not arrived whole."""
    entry = enter(request, key, Permission.RUN)
    try:
        count = remove_unfinished(transfer=find_transfer(entry.project, pk), actor=entry.actor)
        messages.success(request, f"{count} unfinished files were taken out.")
    except Refused as error:
        messages.error(request, str(error))
    return redirect("transfer", key, pk)


def find_transfer(project: Project, pk: int) -> Transfer:
    """Raises Http404 for one of another project."""
    return get_object_or_404(Transfer.objects.select_related("author", "snapshot", "project"), pk=pk, project=project)


def _upload(project: Project, pk: int, uuid: UUID) -> Upload:
    rows = Upload.objects.select_related("transfer__project")
    return get_object_or_404(rows, uuid=uuid, transfer_id=pk, transfer__project=project)


def _offered(request: HttpRequest) -> list[Offered]:
    """{"files": [{"name": ..., "size": ...}]}. Raises Refused for anything else."""
    try:
        listed = orjson.loads(request.body)["files"]
        found = [Offered(str(entry["name"]), _size(entry["size"])) for entry in listed]
    except (orjson.JSONDecodeError, UnreadablePostError, KeyError, TypeError, ValueError) as error:
        raise Refused('Send {"files": [{"name": "a.png", "size": 12345}]}.') from error
    if len(found) > OFFER:
        raise Refused(f"Offer at most {OFFER} files at a time.")
    return found


def _size(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 2**62:
        raise ValueError("no size")
    return value


def _addresses(transfer: Transfer) -> dict[str, Any]:
    where = [transfer.project.key, transfer.pk]
    return {
        "transfer": transfer.pk,
        "page": reverse("transfer", args=where),
        "files": reverse("transfer_files", args=where),
    }


def _told(row: Upload, key: str) -> dict[str, Any]:
    return {
        "address": reverse("transfer_part", args=[key, row.transfer_id, row.uuid]),
        "size": row.size,
        "received": row.received,
        "whole": row.completed_at is not None,
        "fault": row.fault,
    }
