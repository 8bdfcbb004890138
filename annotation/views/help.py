"""The help: the pages of docs/ inside the app, so that they fit what is installed and need no network."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path, PurePosixPath

from django.conf import settings
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.safestring import SafeString, mark_safe
from django.views.decorators.http import require_safe
from markdown import Markdown

DOCS: Path = settings.BASE_DIR / "docs"
SECTIONS = ("tutorial", "how-to", "reference", "explanation")
_DIRECTIVE = re.compile(r"^```\{.*?^```\n?", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r'(href|src)="([^":#]+)(#[^"]*)?"')


@dataclass(frozen=True, slots=True)
class Page:
    """One page as HTML; `contents` is its table of contents."""

    name: str
    title: str
    body: SafeString
    contents: SafeString


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    return _answer(request, "index")


@require_safe
def page(request: HttpRequest, page: str) -> HttpResponse:
    return _answer(request, page)


@require_safe
def image(request: HttpRequest, name: str) -> FileResponse:
    path = DOCS / "images" / f"{name}.png"
    if not path.is_file():
        raise Http404("There is no such picture.")
    return FileResponse(path.open("rb"), content_type="image/png")


def _answer(request: HttpRequest, name: str) -> HttpResponse:
    path = DOCS / f"{name}.md"
    if name not in names():
        raise Http404("There is no such page of the help.")
    shown = _rendered(name, path.stat().st_mtime_ns)
    told = {"page": shown, "sections": _sections()}
    return render(request, "annotation/help.html", told)


def names() -> list[str]:
    """Every page of the help, by its path in docs/ without the ending."""
    files = [DOCS / "index.md", *(file for part in SECTIONS for file in sorted((DOCS / part).glob("*.md")))]
    return [file.relative_to(DOCS).with_suffix("").as_posix() for file in files if file.is_file()]


def _sections() -> list[tuple[str, list[tuple[str, str]]]]:
    known = [name for name in names() if "/" in name]
    return [
        (part.capitalize(), [(name, _title(name)) for name in known if name.startswith(f"{part}/")])
        for part in SECTIONS
    ]


def _title(name: str) -> str:
    path = DOCS / f"{name}.md"
    return _rendered(name, path.stat().st_mtime_ns).title


@lru_cache(maxsize=200)
def _rendered(name: str, _changed: int) -> Page:
    text = _DIRECTIVE.sub("", (DOCS / f"{name}.md").read_text())
    writer = Markdown(extensions=["tables", "fenced_code", "toc"], extension_configs={"toc": {"toc_depth": "2-3"}})
    body = _LINK.sub(lambda found: _address(name, found), writer.convert(text))
    heading = re.search(r"^# (.+)$", text, re.MULTILINE)
    title = heading[1].replace("`", "") if heading else name
    contents = str(getattr(writer, "toc", ""))
    # Our own pages, written by us: nothing that a user typed reaches them.
    return Page(name, title, mark_safe(body), mark_safe(contents))  # noqa: S308


def _address(name: str, found: re.Match[str]) -> str:
    """A link between files of docs/ becomes the address of its page; one to a file outside leads to the source."""
    attribute, target, anchor = found[1], found[2], found[3] or ""
    if "//" in target or target.startswith("/"):
        return found[0]
    place = _normal(PurePosixPath(name).parent / target)
    if place.endswith(".md") and place.removesuffix(".md") in names():
        inside = place.removesuffix(".md")
        href = reverse("help") if inside == "index" else reverse("help_page", args=[inside])
    elif place.startswith("images/"):
        href = reverse("help_image", args=[PurePosixPath(place).stem])
    else:
        href = reverse("source")
    return f'{attribute}="{href}{anchor}"'


def _normal(path: PurePosixPath) -> str:
    parts: list[str] = []
    for part in path.parts:
        if part == "..":
            if parts:
                parts.pop()
        elif part != ".":
            parts.append(part)
    return "/".join(parts)
