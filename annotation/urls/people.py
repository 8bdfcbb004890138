"""Addresses of accounts, invitations, tokens and a project's people."""

from django.urls import URLPattern, path

from annotation.views.soon import soon

urlpatterns: list[URLPattern] = [
    path("sign-in/", soon, name="sign_in"),
    path("sign-out/", soon, name="sign_out"),
    path("account/", soon, name="account"),
    path("account/tokens/", soon, name="tokens"),
    path("invitations/<str:secret>/", soon, name="invitation"),
    path("set-password/<str:who>/<str:secret>/", soon, name="set_password"),
    path("projects/<slug:key>/people/", soon, name="people"),
]
