"""Every page of the product in a real browser: no fault that axe knows, no complaint, nothing cut off, light and dark.

The pages are those that the table of all addresses names: one that is added is looked at here without being asked for.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

import pytest
from playwright.sync_api import Page

from tests.browser.conftest import Axe, Site, Visitor
from tests.browser.gallery import make_gallery
from tests.browser.layout import misfits
from tests.house.access_table import NEEDS, OPEN
from tests.house.test_access import ALL
from tests.learning.conftest import home, zoo
from tests.learning.zoo import FakeZoo

__all__ = ["home", "zoo"]

# What answers a GET with something else than a page. `next_field` leads to a page that is looked at anyway.
NO_PAGES = {
    "healthz", "source", "schema", "help_image", "next_field", "picture", "thumbnail", "reference", "asking",
    "cell_picture", "error_crop", "transfer_faults", "transfer_download", "transfer_manifest", "round_log_download",
    "download_model", "families_table", "round_report_table", "ready", "metrics", "tile",
}  # fmt: skip
# Drawn by the library that shows the schema: its colours and headings are not ours.
OF_OTHERS = {"/api/docs/"}
WIDTHS = (1024, 800, 390)
COLOURS = ["color-contrast", "link-in-text-block"]  # all that may differ in the dark
SIGNED_OUT = {"sign_in"}  # who is signed in is led away from here
# A page that says no is a page too; the browser tells it as an error of its own.
EXPECTED = ["status of 404", "status of 422"]

BROKEN = "() => [...document.images].filter(one => one.complete && !one.naturalWidth).map(one => one.src)"
HEADINGS = "() => [...document.querySelectorAll('h1')].filter(one => one.offsetParent).map(one => one.textContent)"


@pytest.mark.early
def test_every_page(site: Site, visitor: Visitor, zoo: FakeZoo, axe: Axe, home: Path) -> None:
    with site.still():
        gallery = make_gallery(site.cast, zoo)
    paths = [(one.name, gallery.world.path(one.route)) for one in ALL if is_page(one.name, one.is_api)]
    visitor.expected = EXPECTED
    signed_in, nobody = visitor.page("root"), visitor.page("nobody")
    faults: list[str] = []
    for name, path in paths:
        if name not in SIGNED_OUT:
            faults += look(signed_in, path, axe, visitor)
        if NEEDS[name].look == OPEN:
            faults += look(nobody, path, axe, visitor)
    for path in gallery.more:
        faults += look(signed_in, path, axe, visitor)
    assert not faults, "\n".join(["", *faults])


def is_page(name: str, of_api: bool) -> bool:
    return NEEDS[name].look is not None and name not in NO_PAGES and (name == "api_docs" or not of_api)


def look(page: Page, path: str, axe: Axe, visitor: Visitor) -> Iterable[str]:
    """What is wrong with one page, each line beginning with its address."""
    page.set_viewport_size({"width": 1280, "height": 800})
    page.emulate_media(color_scheme="light")
    answer = page.goto(path)
    assert answer is not None
    assert "html" in answer.headers["content-type"], f"{path} is no page: say so in NO_PAGES"
    page.wait_for_load_state("load")
    if page.locator("#canvas").count():
        page.locator("#canvas[data-ready=true]").wait_for()
    wrong = []
    if answer.status >= 500:
        wrong.append(f"status {answer.status}")
    if not re.match(r"\s*\S.*Marrowloop", page.title()) or page.title().strip().startswith("·"):
        wrong.append(f"the title {page.title()!r}")
    headings = page.evaluate(HEADINGS)
    # A library of others adds a heading of its own to ours, as soon as it has drawn the page.
    if len(headings[:1] if path in OF_OTHERS else headings) != 1:
        wrong.append(f"not one heading but {headings}")
    wrong += [f"a picture that does not load: {one}" for one in page.evaluate(BROKEN)]
    if path not in OF_OTHERS:
        wrong += axe(page)
        page.emulate_media(color_scheme="dark")
        wrong += [f"dark: {one}" for one in axe(page, COLOURS)]
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        if path not in OF_OTHERS:
            wrong += [f"at {width} px: {one}" for one in misfits(page)]
    wrong += visitor.complaints
    visitor.complaints.clear()
    return [f"{path}: {one}" for one in wrong]
