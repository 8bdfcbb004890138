"""Addresses of accounts, invitations, tokens and a project's people."""

from django.contrib.auth.views import LoginView, LogoutView
from django.urls import URLPattern, path

from annotation.views import accounts, people

urlpatterns: list[URLPattern] = [
    path(
        "sign-in/",
        LoginView.as_view(template_name="annotation/sign_in.html", redirect_authenticated_user=True),
        name="sign_in",
    ),
    path("sign-out/", LogoutView.as_view(), name="sign_out"),
    path("sign-in/help/", people.password_help, name="password_help"),
    path("set-password/<str:who>/<str:secret>/", people.set_password, name="set_password"),
    path("invitations/<str:secret>/", people.invitation, name="invitation"),
    path("account/", accounts.account, name="account"),
    path("account/tokens/", accounts.tokens, name="tokens"),
    path("account/tokens/<int:pk>/withdraw/", accounts.token_withdraw, name="token_withdraw"),
    path("projects/<slug:key>/people/", people.people, name="people"),
    path("projects/<slug:key>/people/<int:pk>/role/", people.person_role, name="person_role"),
    path("projects/<slug:key>/people/<int:pk>/remove/", people.person_remove, name="person_remove"),
    path("projects/<slug:key>/people/<int:pk>/password/", people.person_password, name="person_password"),
    path("projects/<slug:key>/invitations/<int:pk>/withdraw/", people.invitation_withdraw, name="invitation_withdraw"),
]
