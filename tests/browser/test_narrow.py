"""Narrow screens: a telephone and a tablet. What every page shows there is in test_pages.py; here is what people do."""

from __future__ import annotations

from typing import Any

import pytest
from django.conf import settings
from playwright.sync_api import Page, expect

from annotation.models import Cell, Field
from tests.browser.conftest import Site, Visitor
from tests.browser.desk import Desk, predict
from tests.browser.layout import misfits
from tests.learning import rows

TELEPHONE: dict[str, Any] = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
TABLET: dict[str, Any] = {"viewport": {"width": 1024, "height": 768}, "has_touch": True}
SCREENS = pytest.mark.parametrize("screen", [TELEPHONE, TABLET], ids=["telephone", "tablet"])


@pytest.fixture
def field(site: Site) -> Field:
    settings.IMAGES_DIR.mkdir(exist_ok=True)
    made = rows.picture(rows.field(site.cast.project, size=200))
    predict(made, ("seg", 0.9, 60, 60, 20))
    return made


@SCREENS
def test_a_cell_is_drawn_and_the_field_finished(
    site: Site, visitor: Visitor, field: Field, screen: dict[str, Any]
) -> None:
    page = visitor.page("ana", **screen)
    desk = Desk(page, field).open(at_actual_size=False)
    assert misfits(page) == []
    page.get_by_role("button", name="Draw circles").tap()
    canvas = desk.canvas.bounding_box()
    assert canvas is not None
    assert canvas["width"] >= min(370, screen["viewport"]["width"] - 400)
    assert canvas["height"] >= 300
    page.touchscreen.tap(canvas["x"] + canvas["width"] / 2, canvas["y"] + canvas["height"] / 2)
    expect(page.locator("#selection")).to_contain_text("Nucleated cell")
    desk.expect_saved()
    with site.still():
        assert Cell.objects.alive().count() == 1
    finish = page.get_by_role("button", name="Finish", exact=True)
    expect(finish).to_be_in_viewport()
    finish.tap()
    expect(page.get_by_role("dialog")).to_be_in_viewport(ratio=1)
    assert misfits(page) == []
    page.get_by_label("Yes, every one").tap()
    page.get_by_role("button", name="Finish and go on").tap()
    expect(page).to_have_url(f"{site.url}/projects/study/queue/")


@SCREENS
def test_the_panel_and_the_menus_are_reached(visitor: Visitor, field: Field, screen: dict[str, Any]) -> None:
    page = visitor.page("ana", **screen)
    desk = Desk(page, field).open(at_actual_size=False)
    for name in ("Accept shown", "Next uncertain"):
        reached(page, name)
    page.get_by_label("Score from").fill("95")
    expect(page.locator("#prediction-count")).to_have_text("0 shown of 1 open; 0 decided")
    page.locator("#menu summary").tap()
    body = page.locator("#menu .menu-body")
    expect(body).to_be_in_viewport()
    box, width = body.bounding_box(), screen["viewport"]["width"]
    assert box is not None
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= width
    page.locator("#menu summary").tap()
    person = page.locator("summary", has_text="ana")
    person.tap()
    expect(page.get_by_role("button", name="Sign out")).to_be_in_viewport(ratio=1)
    expect(desk.canvas).to_be_attached()


def reached(page: Page, name: str) -> None:
    button = page.get_by_role("button", name=name)
    button.scroll_into_view_if_needed()
    expect(button).to_be_in_viewport(ratio=1)
