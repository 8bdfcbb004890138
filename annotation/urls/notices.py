"""Addresses of notices, of who gets them by mail, and of webhooks."""

from django.urls import URLPattern, path

from annotation.views import notices

urlpatterns: list[URLPattern] = [
    path("notices/", notices.notices, name="notices"),
    path("notices/read/", notices.notices_read, name="notices_read"),
    path("notices/<int:pk>/read/", notices.notice_read, name="notice_read"),
    path("account/mail/", notices.mail, name="mail"),
    path("projects/<slug:key>/settings/webhook/", notices.webhook, name="webhook"),
    path("projects/<slug:key>/settings/webhook/test/", notices.webhook_test, name="webhook_test"),
]
