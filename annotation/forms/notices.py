"""The form of a project's webhook."""

from __future__ import annotations

from django import forms


class WebhookForm(forms.Form):
    url = forms.CharField(
        max_length=500,
        label="Address",
        help_text="Begins with https:// (or http://). Notices are posted to it as JSON.",
        widget=forms.URLInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    new_key = forms.BooleanField(
        required=False, label="Make a new secret", help_text="The one before then signs nothing any more."
    )
