"""Addresses of uploads, imports, exports and releases. No name of a file stands in them: it may be a patient's."""

from django.urls import URLPattern, path

from annotation.views import data, export, releases, transfers, upload

urlpatterns: list[URLPattern] = [
    path("projects/<slug:key>/data/", data.data, name="data"),
    path("projects/<slug:key>/data/upload/", upload.upload, name="upload"),
    path("projects/<slug:key>/data/export/", export.export, name="export"),
    path("projects/<slug:key>/data/releases/", releases.releases, name="releases"),
    path("projects/<slug:key>/data/transfers/<int:pk>/", transfers.transfer, name="transfer"),
    path("projects/<slug:key>/data/transfers/<int:pk>/start/", transfers.start, name="transfer_start"),
    path("projects/<slug:key>/data/transfers/<int:pk>/cancel/", transfers.cancel, name="transfer_cancel"),
    path("projects/<slug:key>/data/transfers/<int:pk>/retry/", transfers.retry, name="transfer_retry"),
    path("projects/<slug:key>/data/transfers/<int:pk>/discard/", transfers.discard, name="transfer_discard"),
    path("projects/<slug:key>/data/transfers/<int:pk>/faults/", transfers.faults, name="transfer_faults"),
    path("projects/<slug:key>/data/transfers/<int:pk>/download/", export.download, name="transfer_download"),
    path("projects/<slug:key>/data/transfers/<int:pk>/manifest/", export.manifest, name="transfer_manifest"),
    path("projects/<slug:key>/data/transfers/<int:pk>/files/", upload.files, name="transfer_files"),
    path("projects/<slug:key>/data/transfers/<int:pk>/unfinished/", upload.unfinished, name="transfer_unfinished"),
    path("projects/<slug:key>/data/transfers/<int:pk>/files/<uuid:uuid>/", upload.part, name="transfer_part"),
    path("projects/<slug:key>/data/transfers/<int:pk>/files/<uuid:uuid>/remove/", upload.remove, name="file_remove"),
]
