"""The addresses of the API that belong to annotation, all under /api/."""

from django.urls import URLPattern, URLResolver, path

import annotation.api.schema  # noqa: F401  # the schema learns of tokens
from annotation.api import (
    batches,
    cases,
    classes,
    events,
    key_bindings,
    opinions,
    people,
    projects,
    readings,
    transfers,
)

_PROJECT = "projects/<slug:key>/"
_FIELD = f"{_PROJECT}fields/<str:code>/"
_TRANSFER = f"{_PROJECT}transfers/<int:pk>/"

urlpatterns: list[URLPattern | URLResolver] = [
    path("keys/", key_bindings.Keys.as_view(), name="api_keys"),
    path("projects/", projects.Projects.as_view(), name="api_projects"),
    path(_PROJECT, projects.OneProject.as_view(), name="api_project"),
    path(f"{_PROJECT}people/", people.People.as_view(), name="api_people"),
    path(f"{_PROJECT}people/<int:pk>/", people.Person.as_view(), name="api_person"),
    path(f"{_PROJECT}invitations/", people.Invitations.as_view(), name="api_invitations"),
    path(f"{_PROJECT}invitations/<int:pk>/", people.OneInvitation.as_view(), name="api_invitation"),
    path(f"{_PROJECT}classes/", classes.Classes.as_view(), name="api_classes"),
    path(f"{_PROJECT}classes/<int:number>/", classes.OneClass.as_view(), name="api_class"),
    path(f"{_PROJECT}classes/<int:number>/retire/", classes.ClassRetire.as_view(), name="api_class_retire"),
    path(f"{_PROJECT}classes/<int:number>/restore/", classes.ClassRestore.as_view(), name="api_class_restore"),
    path(f"{_PROJECT}cases/", cases.Cases.as_view(), name="api_cases"),
    path(f"{_PROJECT}cases/<int:pk>/", cases.OneCase.as_view(), name="api_case"),
    path(f"{_PROJECT}cases/<int:pk>/sign-off/", cases.CaseSignOff.as_view(), name="api_case_sign_off"),
    path(f"{_PROJECT}cells/", cases.Cells.as_view(), name="api_current_cells"),
    path(f"{_PROJECT}asking/", opinions.Asking.as_view(), name="api_asking"),
    path(f"{_PROJECT}fields/", cases.Fields.as_view(), name="api_fields"),
    path(_FIELD, cases.OneField.as_view(), name="api_field"),
    path(f"{_FIELD}image/", cases.FieldImage.as_view(), name="api_image"),
    path(f"{_FIELD}events/", events.FieldEvents.as_view(), name="api_events"),
    path(f"{_FIELD}readings/", readings.FieldReadings.as_view(), name="api_readings"),
    path("readings/<int:pk>/", cases.OneReading.as_view(), name="api_reading"),
    path("readings/<int:pk>/cells/", readings.ReadingCells.as_view(), name="api_cells"),
    path("readings/<int:pk>/cells/<uuid:uuid>/", readings.ReadingCell.as_view(), name="api_cell"),
    path("readings/<int:pk>/cells/<uuid:uuid>/opinions/", opinions.CellOpinions.as_view(), name="api_opinions"),
    path("readings/<int:pk>/changes/", readings.ReadingChanges.as_view(), name="api_changes"),
    path("readings/<int:pk>/submit/", readings.ReadingSubmit.as_view(), name="api_submit"),
    path("readings/<int:pk>/reopen/", readings.ReadingReopen.as_view(), name="api_reopen"),
    path("readings/<int:pk>/heartbeat/", readings.ReadingHeartbeat.as_view(), name="api_heartbeat"),
    path("readings/<int:pk>/sign-off/", readings.ReadingSignOff.as_view(), name="api_sign_off"),
    path("readings/<int:pk>/take-back/", readings.ReadingTakeBack.as_view(), name="api_take_back"),
    path(f"{_PROJECT}batches/", batches.Batches.as_view(), name="api_batches"),
    path(f"{_PROJECT}batches/<int:number>/", batches.OneBatch.as_view(), name="api_batch"),
    path(f"{_PROJECT}batches/<int:number>/fields/", batches.BatchFields.as_view(), name="api_batch_fields"),
    path(f"{_PROJECT}uploads/", transfers.Uploads.as_view(), name="api_uploads"),
    path(f"{_PROJECT}exports/", transfers.Exports.as_view(), name="api_exports"),
    path(f"{_PROJECT}releases/", transfers.Releases.as_view(), name="api_releases"),
    path(f"{_PROJECT}releases/<int:pk>/", transfers.OneRelease.as_view(), name="api_release"),
    path(f"{_PROJECT}transfers/", transfers.Transfers.as_view(), name="api_transfers"),
    path(_TRANSFER, transfers.OneTransfer.as_view(), name="api_transfer"),
    path(f"{_TRANSFER}files/", transfers.UploadFiles.as_view(), name="api_files"),
    path(f"{_TRANSFER}files/<uuid:uuid>/", transfers.UploadFile.as_view(), name="api_file"),
    path(f"{_TRANSFER}preview/", transfers.TransferPreview.as_view(), name="api_preview"),
    path(f"{_TRANSFER}import/", transfers.TransferImport.as_view(), name="api_import"),
    path(f"{_TRANSFER}cancel/", transfers.TransferCancel.as_view(), name="api_transfer_cancel"),
    path(f"{_TRANSFER}retry/", transfers.TransferRetry.as_view(), name="api_transfer_retry"),
    path(f"{_TRANSFER}discard/", transfers.TransferDiscard.as_view(), name="api_transfer_discard"),
    path(f"{_TRANSFER}faults/", transfers.TransferFaults.as_view(), name="api_faults"),
    path(f"{_TRANSFER}download/", transfers.TransferDownload.as_view(), name="api_download"),
]
