"""Addresses of projects, their queue, cases, settings and classes."""

from django.urls import URLPattern, path

from annotation.views import cases, ontology, project_settings, projects, queue

urlpatterns: list[URLPattern] = [
    path("projects/new/", projects.new_project, name="new_project"),
    path("projects/<slug:key>/queue/", queue.queue, name="queue"),
    path("projects/<slug:key>/next/", queue.next_field, name="next_field"),
    path("projects/<slug:key>/cases/", cases.cases, name="cases"),
    path("projects/<slug:key>/cases/<int:pk>/", cases.case, name="case"),
    path("projects/<slug:key>/cases/<int:pk>/sign-off/", cases.case_sign_off, name="case_sign_off"),
    path("projects/<slug:key>/fields/<str:code>/sign-off/", cases.field_sign_off, name="field_sign_off"),
    path("projects/<slug:key>/fields/<str:code>/take-back/", cases.field_take_back, name="field_take_back"),
    path("projects/<slug:key>/settings/", project_settings.project_settings, name="project_settings"),
    path("projects/<slug:key>/ontology/", ontology.ontology, name="ontology"),
    path("projects/<slug:key>/ontology/new/", ontology.new_class, name="new_class"),
    path("projects/<slug:key>/ontology/<int:number>/", ontology.cell_class, name="cell_class"),
    path("projects/<slug:key>/ontology/<int:number>/retire/", ontology.class_retire, name="class_retire"),
    path("projects/<slug:key>/ontology/<int:number>/restore/", ontology.class_restore, name="class_restore"),
    path(
        "projects/<slug:key>/ontology/<int:number>/references/<int:pk>/remove/",
        ontology.reference_remove,
        name="reference_remove",
    ),
]
