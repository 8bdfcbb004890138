"""Addresses of models, their comparison and their errors."""

from django.urls import URLPattern, path

from learning.views import classify, compare, errors, families, mistakes, models

urlpatterns: list[URLPattern] = [
    path("projects/<slug:key>/classify/", classify.classify, name="classify"),
    path("projects/<slug:key>/classify/<uuid:uuid>/", classify.classified, name="classified"),
    path("projects/<slug:key>/cells/<uuid:uuid>/", classify.cell, name="cell"),
    path(
        "projects/<slug:key>/classifiers/<str:label>/mistakes/",
        mistakes.classifier_mistakes,
        name="classifier_mistakes",
    ),
    path("projects/<slug:key>/models/", models.models, name="models"),
    path("projects/<slug:key>/models/compare/", compare.compare, name="compare"),
    path("projects/<slug:key>/models/families/", families.families, name="families"),
    path("projects/<slug:key>/models/families.csv", families.families_table, name="families_table"),
    path("projects/<slug:key>/models/roll-back/", models.go_back, name="roll_back"),
    path("projects/<slug:key>/models/<str:label>/", models.model, name="model"),
    path("projects/<slug:key>/models/<str:label>/promote/", models.promote, name="promote"),
    path("projects/<slug:key>/models/<str:label>/predictions/", models.predictions, name="model_predictions"),
    path("projects/<slug:key>/models/<str:label>/download/", models.download, name="download_model"),
    path("projects/<slug:key>/models/<str:label>/errors/", errors.errors, name="errors"),
    path(
        "projects/<slug:key>/models/<str:label>/errors/<str:table>/<int:row>.jpg",
        errors.error_crop,
        name="error_crop",
    ),
]
