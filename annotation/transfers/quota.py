"""Files of an ordinary form, as a browser without JavaScript sends them: on the disk at once, and not without end."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.core.files.uploadhandler import TemporaryFileUploadHandler


class QuotaHandler(TemporaryFileUploadHandler):
    """Refuses a form by what it says its length is, before anything of it is written."""

    def handle_raw_input(self, input_data: Any, META: Any, content_length: int, *rest: Any, **more: Any) -> None:  # noqa: N803  # Django's word
        if content_length > settings.UPLOAD_FORM_MB * 1_000_000:
            raise RequestDataTooBig(f"A form may bring {settings.UPLOAD_FORM_MB} MB at a time.")
        super().handle_raw_input(input_data, META, content_length, *rest, **more)
