"""Addresses of the workbench and of the pictures of fields."""

from django.urls import URLPattern, path

from annotation.views import history, opinions, pictures, workbench

urlpatterns: list[URLPattern] = [
    path("projects/<slug:key>/fields/<str:code>/", workbench.workbench, name="workbench"),
    path("projects/<slug:key>/fields/<str:code>/history/", history.field_history, name="field_history"),
    path("projects/<slug:key>/fields/<str:code>/picture/", pictures.picture, name="picture"),
    path("projects/<slug:key>/fields/<str:code>/thumbnail/", pictures.thumbnail, name="thumbnail"),
    path("projects/<slug:key>/opinions/", opinions.opinions, name="opinions"),
    path("projects/<slug:key>/opinions/<uuid:uuid>/", opinions.opinion_give, name="opinion_give"),
    path("projects/<slug:key>/cells/<uuid:uuid>/picture/", pictures.cell_picture, name="cell_picture"),
    path("projects/<slug:key>/opinions/<uuid:uuid>/picture/", pictures.asking, name="asking"),
    path(
        "projects/<slug:key>/fields/<str:code>/tiles/<int:level>/<int:column>-<int:row>.png", pictures.tile, name="tile"
    ),
    path("projects/<slug:key>/references/", workbench.references, name="references"),
    path("projects/<slug:key>/references/<int:pk>/picture/", pictures.reference, name="reference"),
]
