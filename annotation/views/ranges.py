"""Files handed out whole or in parts, so that a download that broke goes on where it was (RFC 9110, section 14)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.utils.http import http_date

PIECE = 1 << 18
_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")


def send_file(request: HttpRequest, path: Path, *, name: str, tag: str) -> HttpResponseBase:
    """The file at `path` as a download called `name`. `tag` changes when the content does.

    Raises Http404 when it is gone. One range is answered by 206, one that cannot be by 416; several, and a range of
    another content than is here (If-Range), by the whole.
    """
    try:
        known = path.stat()
    except FileNotFoundError:
        raise Http404("The file is not here any more.") from None
    headers = {"Accept-Ranges": "bytes", "ETag": f'"{tag}"', "Last-Modified": http_date(known.st_mtime)}
    asked = request.headers.get("Range", "")
    given = request.headers.get("If-Range")
    if given is not None and given not in (headers["ETag"], headers["Last-Modified"]):
        asked = ""
    span = _span(asked, known.st_size)
    if span is not None and not span:
        return HttpResponse(status=416, headers={**headers, "Content-Range": f"bytes */{known.st_size}"})
    sent = range(known.st_size) if span is None else span
    headers |= {"Content-Length": str(len(sent)), "Content-Disposition": f'attachment; filename="{name}"'}
    if span is not None:
        headers["Content-Range"] = f"bytes {span.start}-{span.stop - 1}/{known.st_size}"
    status = 200 if span is None else 206
    return StreamingHttpResponse(_bytes(path, sent), status=status, content_type="application/zip", headers=headers)


def _span(asked: str, size: int) -> range | None:
    """The bytes asked for; None for the whole, an empty range for what cannot be."""
    match = _RANGE.fullmatch(asked.strip())
    if match is None or match.group(1) == match.group(2) == "":
        return None
    first, last = match.groups()
    if not first:
        return range(max(0, size - int(last)), size)
    if last and int(last) < int(first):
        return None
    return range(int(first), min(size, int(last) + 1 if last else size))


def _bytes(path: Path, span: range) -> Iterator[bytes]:
    left = len(span)
    with path.open("rb") as stream:
        stream.seek(span.start)
        while left > 0 and (piece := stream.read(min(PIECE, left))):
            left -= len(piece)
            yield piece
