"""The addresses of the API that belong to learning, all under /api/."""

from django.urls import URLPattern, URLResolver, path

from learning.api import erasing, models, rounds, runs, workbench

_PROJECT = "projects/<slug:key>/"
_FIELD = f"{_PROJECT}fields/<str:code>/"
_ROUND = f"{_PROJECT}rounds/<int:number>/"
_MODEL = f"{_PROJECT}models/<str:label>/"

urlpatterns: list[URLPattern | URLResolver] = [
    path(f"{_FIELD}workbench/", workbench.Workbench.as_view(), name="api_workbench"),
    path(f"{_FIELD}predict/", workbench.FieldPredict.as_view(), name="api_predict"),
    path(f"{_FIELD}predictions/", workbench.FieldPredictions.as_view(), name="api_predictions"),
    path(f"{_FIELD}suggested/", workbench.FieldSuggested.as_view(), name="api_suggested"),
    path(f"{_FIELD}scale/", workbench.FieldScale.as_view(), name="api_scale"),
    path(f"{_PROJECT}runs/", runs.Runs.as_view(), name="api_runs"),
    path("runs/<int:pk>/", runs.OneRun.as_view(), name="api_run"),
    path("runs/<int:pk>/epochs/", runs.RunEpochs.as_view(), name="api_epochs"),
    path("runs/<int:pk>/log/", runs.RunLog.as_view(), name="api_log"),
    path(f"{_PROJECT}rounds/", rounds.Rounds.as_view(), name="api_rounds"),
    path(f"{_PROJECT}rounds/defaults/", rounds.RoundDefaults.as_view(), name="api_round_defaults"),
    path(f"{_PROJECT}rounds/start/", rounds.RoundStart.as_view(), name="api_round_start"),
    path(f"{_PROJECT}cases/<int:pk>/erase/", erasing.CaseErase.as_view(), name="api_case_erase"),
    path(f"{_PROJECT}erasures/", erasing.Erasures.as_view(), name="api_erasures"),
    path(_ROUND, rounds.OneRound.as_view(), name="api_round"),
    path(f"{_ROUND}cancel/", rounds.RoundCancel.as_view(), name="api_round_cancel"),
    path(f"{_ROUND}retry/", rounds.RoundRetry.as_view(), name="api_round_retry"),
    path(f"{_ROUND}close/", rounds.RoundClose.as_view(), name="api_round_close"),
    path(f"{_PROJECT}models/", models.Models.as_view(), name="api_models"),
    path(_MODEL, models.OneModel.as_view(), name="api_model"),
    path(f"{_MODEL}promote/", models.ModelPromote.as_view(), name="api_promote"),
    path(f"{_MODEL}predictions/", models.ModelPredictions.as_view(), name="api_model_predictions"),
    path(f"{_MODEL}download/", models.ModelDownload.as_view(), name="api_model_download"),
    path(f"{_PROJECT}deployments/", models.Deployments.as_view(), name="api_deployments"),
    path(f"{_PROJECT}roll-back/", models.RollBack.as_view(), name="api_roll_back"),
]
