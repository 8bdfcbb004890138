"""Forms of accounts, invitations, roles and tokens."""

from __future__ import annotations

from django import forms
from django.contrib.auth.password_validation import validate_password
from django.contrib.auth.validators import UnicodeUsernameValidator

from annotation.actions.tokens import LONGEST
from annotation.models import Role, Scope

ROLE_WORDS = {
    Role.ANNOTATOR: "Annotator: labels and corrects",
    Role.REVIEWER: "Reviewer: labels, reviews and signs off",
    Role.ENGINEER: "Engineer: runs rounds, imports and exports",
    Role.ADMINISTRATOR: "Administrator: everything, people included",
}
SCOPE_WORDS = {
    Scope.READ: "Read only",
    Scope.LABEL: "Read and label",
    Scope.EVERYTHING: "Everything that I may do",
}


class InviteForm(forms.Form):
    role = forms.ChoiceField(choices=[(role.value, words) for role, words in ROLE_WORDS.items()])
    note = forms.CharField(
        max_length=200, required=False, label="For whom", help_text="Only you and other administrators see it."
    )


class RoleForm(forms.Form):
    role = forms.ChoiceField(choices=[(role.value, role.label) for role in Role])


class NameForm(forms.Form):
    first_name = forms.CharField(max_length=150, required=False)
    last_name = forms.CharField(max_length=150, required=False)
    email = forms.EmailField(
        required=False, help_text="Used only where your administrator has set up mail; nothing is sent otherwise."
    )


class NewPasswordForm(forms.Form):
    """A new password, twice, checked by the rules of the installation."""

    password = forms.CharField(
        max_length=128,
        strip=False,
        label="New password",
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text="At least 10 characters, and none that everybody uses.",
    )
    again = forms.CharField(
        max_length=128,
        strip=False,
        label="The same again",
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )

    def clean_password(self) -> str:
        password: str = self.cleaned_data["password"]
        validate_password(password)
        return password

    def clean_again(self) -> str:
        again: str = self.cleaned_data["again"]
        if "password" in self.cleaned_data and again != self.cleaned_data["password"]:
            raise forms.ValidationError("The two differ: type the same password twice.")
        return again


class JoinForm(NewPasswordForm):
    username = forms.CharField(
        max_length=150,
        label="Sign-in name",
        validators=[UnicodeUsernameValidator()],
        widget=forms.TextInput(attrs={"autocomplete": "username"}),
    )
    name = forms.CharField(max_length=200, label="Your name, as others see it")
    field_order = ["name", "username", "password", "again"]


class TokenForm(forms.Form):
    name = forms.CharField(max_length=80, label="What it is for")
    scope = forms.ChoiceField(choices=[(scope.value, words) for scope, words in SCOPE_WORDS.items()])
    days = forms.IntegerField(min_value=1, max_value=LONGEST, initial=90, label="Ends after days")
