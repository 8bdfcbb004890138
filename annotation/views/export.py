"""Exports: asked for, downloaded in ranges, with the manifest that counts what is in them."""

from __future__ import annotations

import zipfile

import orjson
from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from annotation import store
from annotation.access import Permission
from annotation.actions.releases import releases_of
from annotation.actions.transfers import start_export
from annotation.errors import Refused
from annotation.forms.transfers import ExportForm
from annotation.models import Transfer, TransferKind, TransferState
from annotation.views.entry import enter
from annotation.views.ranges import send_file
from annotation.views.upload import find_transfer

# Names of label files beyond this many are counted, not shown: VOC has one for each field.
SHOWN = 20


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def export(request: HttpRequest, key: str) -> HttpResponse:
    entry = enter(request, key, Permission.RUN)
    initial = {"what": request.GET.get("release", "today"), "format": "coco"}
    form = ExportForm(request.POST or None, initial=initial, releases=list(releases_of(entry.project)[:200]))
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        try:
            made = start_export(
                project=entry.project,
                format=given["format"],
                split=given["split"],
                images=given["images"],
                signed_off=given["signed_off"],
                release=form.release,
                actor=entry.actor,
            )
            return redirect("transfer", key, made.pk)
        except Refused as error:
            form.add_error(None, str(error))
    told = entry.context("data", form=form, days=settings.EXPORT_DAYS, exports=_newest(entry.project.pk))
    return render(request, "annotation/export.html", told, status=422 if form.errors else 200)


def _newest(project: int) -> list[Transfer]:
    rows = Transfer.objects.filter(project=project, kind=TransferKind.EXPORT).select_related("author")
    return list(rows.order_by("-id")[:10])


@login_required
@require_safe
def download(request: HttpRequest, key: str, pk: int) -> HttpResponseBase:
    entry = enter(request, key, Permission.RUN)
    found = _finished(find_transfer(entry.project, pk))
    name = f"{entry.project.key}-{found.settings['format']}-{found.pk}.zip"
    return send_file(request, store.fetch(settings.TRANSFERS_DIR / found.file), name=name, tag=found.result["sha256"])


@login_required
@require_safe
def manifest(request: HttpRequest, key: str, pk: int) -> HttpResponse:
    """manifest.json out of the archive, as it is."""
    entry = enter(request, key, Permission.RUN)
    found = _finished(find_transfer(entry.project, pk))
    try:
        with zipfile.ZipFile(store.fetch(settings.TRANSFERS_DIR / found.file)) as archive:
            content = archive.read("manifest.json")
    except (OSError, KeyError, zipfile.BadZipFile):
        raise Http404("The archive is not here any more.") from None
    known = orjson.loads(content)
    files = known.get("label_files", {})
    if len(files) > SHOWN:
        known["label_files"] = {**dict(list(files.items())[:SHOWN]), "and more, in the archive": len(files) - SHOWN}
    text = orjson.dumps(known, option=orjson.OPT_INDENT_2).decode()
    return render(request, "annotation/manifest.html", entry.context("data", transfer=found, manifest=text))


def _finished(found: Transfer) -> Transfer:
    if found.kind != TransferKind.EXPORT or found.state != TransferState.SUCCEEDED or not found.file:
        raise Http404("There is no archive: the export is not done, or its days are over.")
    return found
