"""Addresses of rounds."""

from django.urls import URLPattern, path

from learning.views import rounds
from learning.views.round_form import new_round
from learning.views.round_report import round_report, round_report_table

ROUND = "projects/<slug:key>/rounds/<int:number>/"

urlpatterns: list[URLPattern] = [
    path("projects/<slug:key>/rounds/", rounds.rounds, name="rounds"),
    path("projects/<slug:key>/rounds/new/", new_round, name="new_round"),
    path(ROUND, rounds.round_page, name="round"),
    path(f"{ROUND}report/", round_report, name="round_report"),
    path(f"{ROUND}report.csv", round_report_table, name="round_report_table"),
    path(f"{ROUND}cancel/", rounds.cancel, name="cancel_round"),
    path(f"{ROUND}close/", rounds.close, name="close_round"),
    path(f"{ROUND}retry/", rounds.retry, name="retry_round"),
    path(f"{ROUND}runs/<int:pk>/log/", rounds.log, name="round_log"),
    path(f"{ROUND}runs/<int:pk>/log/download/", rounds.log_download, name="round_log_download"),
]
