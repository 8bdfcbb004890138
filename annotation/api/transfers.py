"""Data on its way in or out: uploads in parts, previews, imports, exports, releases."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from itertools import islice
from typing import IO, Any
from uuid import UUID

from django.http import HttpResponseBase
from django.shortcuts import get_object_or_404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers as s
from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser
from rest_framework.request import Request
from rest_framework.response import Response

from annotation.access import Permission, permissions_of
from annotation.actions import transfers as actions
from annotation.actions import uploads
from annotation.actions.imports import ImportOptions
from annotation.actions.releases import releases_of
from annotation.api.answers import name_of
from annotation.api.base import View
from annotation.api.pages import listed
from annotation.errors import Refused
from annotation.forms.transfers import ImportForm, initial_of
from annotation.models import Snapshot, Split, Transfer, TransferKind, TransferState, Upload
from annotation.transfers.faults import read_faults
from annotation.views import export as pages
from annotation.views.transfers import error_of, may_see_names, reason_without_names
from annotation.views.upload import find_transfer

OFFER = 1000


class TransferAnswer(s.ModelSerializer[Transfer]):
    author = s.SerializerMethodField()
    error = s.SerializerMethodField()
    progress = s.DictField(child=s.JSONField())
    result = s.DictField(child=s.JSONField())
    release = s.IntegerField(source="snapshot_id", allow_null=True, help_text="that was made, or is exported")

    class Meta:
        model = Transfer
        fields = [
            *("id", "kind", "state", "author", "attempt", "cancel_requested", "progress", "result", "error"),
            *("release", "created_at", "started_at", "ended_at"),
        ]
        read_only_fields = fields

    def get_author(self, row: Transfer) -> str | None:
        return name_of(row.author)

    def get_error(self, row: Transfer) -> str:
        if not row.error:
            return ""
        actor = self.context["request"].user
        return error_of(row, names=may_see_names(actor, permissions_of(actor, row.project), row))


class TransferFilter(s.Serializer[Any]):
    kind = s.ChoiceField(TransferKind.choices, required=False)
    state = s.ChoiceField(TransferState.choices, required=False)


class FileOffer(s.Serializer[Any]):
    name = s.CharField(max_length=1000, trim_whitespace=False)
    size = s.IntegerField(min_value=0, max_value=2**62 - 1)


class OfferBody(s.Serializer[Any]):
    files = s.ListField(child=FileOffer(), max_length=OFFER)


class UploadAnswer(s.ModelSerializer[Upload]):
    whole = s.SerializerMethodField()

    class Meta:
        model = Upload
        fields = ["uuid", "size", "received", "whole", "fault"]
        read_only_fields = fields

    def get_whole(self, row: Upload) -> bool:
        return row.completed_at is not None


class OfferedAnswer(s.Serializer[Any]):
    files = UploadAnswer(many=True)


class BehindAnswer(s.Serializer[Any]):
    message = s.CharField()
    received = s.IntegerField(help_text="go on here")


class SettingsBody(s.Serializer[Any]):
    """As the form of the page has it; what is absent stays as it was said last."""

    format = s.CharField(required=False, help_text="auto, coco, voc, yolo, points, masks, crops, images")
    case_by = s.CharField(required=False)
    case = s.CharField(required=False, allow_blank=True, help_text="code of the one case: a pseudonym")
    slide = s.CharField(required=False, allow_blank=True)
    case_pattern = s.CharField(required=False, allow_blank=True)
    um_per_px = s.FloatField(required=False, allow_null=True)
    split = s.CharField(required=False)
    oracle = s.FloatField(required=False, allow_null=True, help_text="percent of the training fields")
    exhaustive = s.ChoiceField([("auto", "auto"), ("yes", "yes"), ("no", "no")], required=False)
    unknown = s.ChoiceField([("create", "create"), ("reject", "reject")], required=False)
    radius_px = s.FloatField(required=False, allow_null=True)
    mask_kind = s.CharField(required=False, allow_blank=True)
    seed = s.IntegerField(required=False, min_value=0, max_value=2**31)
    class_map = s.DictField(
        child=s.CharField(allow_blank=True, max_length=200),
        required=False,
        help_text="label of the files: key of a class; empty refuses it",
    )


class ExportBody(s.Serializer[Any]):
    format = s.ChoiceField([("coco", "coco"), ("voc", "voc")])
    split = s.ChoiceField([("", "all"), *Split.choices], required=False, allow_blank=True)
    images = s.BooleanField(required=False, help_text="with the pictures")
    signed_off = s.BooleanField(required=False, help_text="only fields that are signed off")
    release = s.IntegerField(
        required=False, allow_null=True, min_value=1, max_value=2**63 - 1, help_text="exactly what it froze"
    )


class ReleaseBody(s.Serializer[Any]):
    name = s.CharField(max_length=120)
    notes = s.CharField(max_length=20_000, required=False, allow_blank=True)
    split = s.ChoiceField([("", "all"), *Split.choices], required=False, allow_blank=True)
    signed_off = s.BooleanField(required=False)


class ReleaseAnswer(s.ModelSerializer[Snapshot]):
    author = s.SerializerMethodField()
    counts = s.DictField(child=s.JSONField())

    class Meta:
        model = Snapshot
        fields = ["id", "name", "notes", "sha256", "counts", "author", "created_at"]
        read_only_fields = fields

    def get_author(self, row: Snapshot) -> str | None:
        return name_of(row.author)


class FaultAnswer(s.Serializer[Any]):
    what = s.CharField(help_text="refused, or warning")
    file = s.CharField(help_text="its number where you may not see names: a name may be a patient's")
    reason = s.CharField()
    lost_objects = s.IntegerField()


class FaultsAnswer(s.Serializer[Any]):
    faults = FaultAnswer(many=True)


class FaultFilter(s.Serializer[Any]):
    offset = s.IntegerField(required=False, min_value=0, max_value=10**9)
    limit = s.IntegerField(required=False, min_value=1, max_value=1000)


class TransferView(View):
    def transfer(self) -> Transfer:
        return find_transfer(self.project(Permission.RUN), self.kwargs["pk"])

    def told(self, transfer: Transfer, status: int = 200) -> Response:
        transfer.refresh_from_db()
        return Response(TransferAnswer(transfer, context={"request": self.request}).data, status=status)

    def offered(self) -> list[uploads.Offered]:
        return [uploads.Offered(file["name"], file["size"]) for file in self.said(OfferBody)["files"]]


class Transfers(TransferView):
    @listed("list_transfers", TransferAnswer, TransferFilter)
    def get(self, request: Request, key: str) -> Response:
        """Uploads, imports, exports and releases, the newest first."""
        rows = self.project(Permission.RUN).transfers.filter(**self.asked(TransferFilter))
        return self.paged(rows.select_related("author", "project").order_by("-pk"), TransferAnswer)


class OneTransfer(TransferView):
    @extend_schema(operation_id="read_transfer", responses={200: TransferAnswer})
    def get(self, request: Request, key: str, pk: int) -> Response:
        """Where it stands. Of a preview `result` says what would come in, of an export what is in the archive."""
        return Response(TransferAnswer(self.transfer(), context={"request": request}).data)


class Uploads(TransferView):
    @extend_schema(operation_id="start_upload", request=OfferBody, responses={201: TransferAnswer})
    def post(self, request: Request, key: str) -> Response:
        """Begin an upload of these files, or go on with the one that waits for some of them."""
        project = self.project(Permission.RUN)
        transfer = uploads.start_upload(project=project, files=self.offered(), actor=self.actor)
        return self.told(transfer, 201)


class UploadFiles(TransferView):
    @listed("list_uploads", UploadAnswer)
    def get(self, request: Request, key: str, pk: int) -> Response:
        """The files of an upload and how much of each is here."""
        return self.paged(self.transfer().uploads.order_by("pk"), UploadAnswer)

    @extend_schema(operation_id="offer_files", request=OfferBody, responses={200: OfferedAnswer})
    def post(self, request: Request, key: str, pk: int) -> Response:
        """Offer files by name and size. Those that are known are answered with what was received already."""
        rows = uploads.offer_files(transfer=self.transfer(), files=self.offered(), actor=self.actor)
        return Response({"files": UploadAnswer(rows, many=True).data})


class BytesParser(BaseParser):
    """The bytes of a part, never more of them in memory than a part may have."""

    media_type = "application/octet-stream"

    def parse(
        self, stream: IO[bytes], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        data = stream.read(uploads.PART_BYTES + 1)
        if len(data) > uploads.PART_BYTES:
            raise ParseError(f"A part has at most {uploads.PART_BYTES} bytes: send the file in several.")
        return data


class OffsetFilter(s.Serializer[Any]):
    offset = s.IntegerField(min_value=0, max_value=2**62, help_text="where the part begins")


class UploadFile(TransferView):
    parser_classes = [BytesParser]

    def upload(self) -> Upload:
        rows = Upload.objects.select_related("transfer__project")
        found = get_object_or_404(rows, transfer=self.transfer(), uuid=self.kwargs["uuid"])
        uploads.require_sender(found.transfer, self.actor)
        return found

    @extend_schema(
        operation_id="receive_part",
        parameters=[OffsetFilter],
        request={"application/octet-stream": OpenApiTypes.BINARY},
        responses={200: UploadAnswer, 409: BehindAnswer},
    )
    def put(self, request: Request, key: str, pk: int, uuid: UUID) -> Response:
        """The bytes of a file from `offset` on, at most 8 MiB. 409 where that is not the end of what is here."""
        upload = self.upload()
        offset = self.asked(OffsetFilter)["offset"]
        data: Any = request.data
        try:
            upload = uploads.receive_part(upload=upload, offset=offset, data=data or b"", actor=self.actor)
        except uploads.PartOutOfPlaceError as error:
            return Response({"message": str(error), "received": error.received}, status=409)
        return Response(UploadAnswer(upload).data)

    @extend_schema(operation_id="remove_upload", responses={204: None})
    def delete(self, request: Request, key: str, pk: int, uuid: UUID) -> Response:
        """Take a file out of an upload again."""
        uploads.remove_upload(upload=self.upload(), actor=self.actor)
        return Response(status=204)


class TransferPreview(TransferView):
    @extend_schema(operation_id="start_preview", request=SettingsBody, responses={202: TransferAnswer})
    def post(self, request: Request, key: str, pk: int) -> Response:
        """Look at what was uploaded, without importing it."""
        transfer = self.transfer()
        actions.start_preview(transfer=transfer, options=self.wanted(transfer), actor=self.actor)
        return self.told(transfer, 202)

    def wanted(self, transfer: Transfer) -> ImportOptions:
        said = self.said(SettingsBody)
        before = transfer.settings.get("options", {})
        class_map = before.get("class_map", {}) | said.pop("class_map", {})
        form = ImportForm(_words(initial_of(before or asdict(ImportOptions()))) | _words(said))
        self.checked(form)
        return form.options(class_map)


def _words(values: Mapping[str, Any]) -> dict[str, Any]:
    """As a form would send it: what is not there is not said."""
    return {name: value for name, value in values.items() if value is not None}


class TransferImport(TransferPreview):
    @extend_schema(operation_id="start_import", request=SettingsBody, responses={202: TransferAnswer})
    def post(self, request: Request, key: str, pk: int) -> Response:
        """Import what was uploaded."""
        transfer = self.transfer()
        actions.start_import(transfer=transfer, options=self.wanted(transfer), actor=self.actor)
        return self.told(transfer, 202)


class TransferCancel(TransferView):
    @extend_schema(operation_id="cancel_transfer", request=None, responses={202: TransferAnswer})
    def post(self, request: Request, key: str, pk: int) -> Response:
        """Cancel what waits at once; ask what runs to stop."""
        transfer = self.transfer()
        if not actions.cancel_transfer(transfer=transfer, actor=self.actor):
            raise Refused("It has ended already: there is nothing to cancel.")
        return self.told(transfer, 202)


class TransferRetry(TransferView):
    @extend_schema(operation_id="retry_transfer", request=None, responses={202: TransferAnswer})
    def post(self, request: Request, key: str, pk: int) -> Response:
        """Queue what failed or was cancelled again."""
        transfer = self.transfer()
        actions.retry_transfer(transfer=transfer, actor=self.actor)
        return self.told(transfer, 202)


class TransferDiscard(TransferView):
    @extend_schema(operation_id="discard_upload", request=None, responses={200: TransferAnswer})
    def post(self, request: Request, key: str, pk: int) -> Response:
        """Throw the files of an upload away."""
        transfer = self.transfer()
        uploads.discard_upload(transfer=transfer, actor=self.actor)
        return self.told(transfer)


class TransferFaults(TransferView):
    @extend_schema(operation_id="list_faults", parameters=[FaultFilter], responses={200: FaultsAnswer})
    def get(self, request: Request, key: str, pk: int) -> Response:
        """What was refused and warned of, from `offset` on."""
        transfer, asked = self.transfer(), self.asked(FaultFilter)
        names = may_see_names(self.actor, permissions_of(self.actor, transfer.project), transfer)
        first = asked.get("offset", 0)
        entries = islice(read_faults(transfer.folder), first, first + asked.get("limit", 100))
        return Response({"faults": [_fault(entry, n, names=names) for n, entry in enumerate(entries, start=first + 1)]})


def _fault(entry: dict[str, Any], number: int, *, names: bool) -> dict[str, Any]:
    return {
        "what": entry["what"],
        "file": str(entry["file"]) if names else f"entry {number}",
        "reason": str(entry["reason"]) if names else reason_without_names(entry),
        "lost_objects": entry["lost_objects"],
    }


class TransferDownload(TransferView):
    @extend_schema(
        operation_id="download_export",
        responses={
            (200, "application/zip"): OpenApiTypes.BINARY,
            (206, "application/zip"): OpenApiTypes.BINARY,
            416: None,
        },
    )
    def get(self, request: Request, key: str, pk: int) -> HttpResponseBase:
        """The archive of an export, whole or in the range that is asked for."""
        return pages.download(request._request, key=key, pk=pk)


class Exports(TransferView):
    @extend_schema(operation_id="start_export", request=ExportBody, responses={202: TransferAnswer})
    def post(self, request: Request, key: str) -> Response:
        """Export what is labelled today, or exactly what a release froze."""
        project = self.project(Permission.RUN)
        said = self.said(ExportBody)
        number = said.pop("release", None)
        release = None if number is None else get_object_or_404(releases_of(project), pk=number)
        transfer = actions.start_export(project=project, release=release, actor=self.actor, **said)
        return self.told(transfer, 202)


class Releases(TransferView):
    @listed("list_releases", ReleaseAnswer)
    def get(self, request: Request, key: str) -> Response:
        """The releases, the newest first."""
        return self.paged(releases_of(self.project(Permission.RUN)), ReleaseAnswer)

    @extend_schema(operation_id="start_release", request=ReleaseBody, responses={202: TransferAnswer})
    def post(self, request: Request, key: str) -> Response:
        """Freeze the labels of today under a name. The transfer that is answered names the release once it is made."""
        project = self.project(Permission.RUN)
        return self.told(actions.start_release(project=project, actor=self.actor, **self.said(ReleaseBody)), 202)


class OneRelease(View):
    @extend_schema(operation_id="read_release", responses={200: ReleaseAnswer})
    def get(self, request: Request, key: str, pk: int) -> Response:
        """A release: what was frozen, by its hash and counts."""
        return Response(ReleaseAnswer(get_object_or_404(releases_of(self.project(Permission.RUN)), pk=pk)).data)
