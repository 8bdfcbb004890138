"""Nothing is lost or overwritten: hundreds of edits while the network, a tab or a second browser gets between."""

from __future__ import annotations

import itertools
import json
import re
from collections import defaultdict
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from playwright.sync_api import BrowserContext, Page, Route, expect

from annotation.models import Cell, Event, Field, Reading
from tests.browser.conftest import Site, Visitor
from tests.browser.desk import Desk
from tests.learning import rows

AWAY = ["ERR_FAILED", "ERR_INTERNET_DISCONNECTED", "Failed to load resource"]
# As many keys as a quick reader presses, one after the other, with a breath in which the page may save.
PRESSED = """async (keys) => {
  for (const [number, key] of keys.entries()) {
    document.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }));
    if (number % 10 === 9) await new Promise((go) => setTimeout(go, 5));
  }
}"""


@pytest.fixture
def field(site: Site) -> Field:
    with site.still():
        settings.IMAGES_DIR.mkdir(exist_ok=True)
        field = rows.field(site.cast.project)
        field.width, field.height = 480, 320
        field.save()
        return rows.picture(field)


def put(desk: Desk, places: list[tuple[float, float]]) -> None:
    desk.press("Shift+C")
    for x, y in places:
        left, top = desk.on_screen(x, y)
        desk.page.mouse.move(left, top)
        desk.page.mouse.down()
        desk.page.mouse.move(left + 8, top)
        desk.page.mouse.up()


def test_200_edits_outlive_a_cut_network_and_a_killed_tab(site: Site, visitor: Visitor, field: Field) -> None:
    visitor.expected = AWAY
    context: BrowserContext = visitor.context("ana")
    desk = Desk(context.new_page(), field).open()
    grid = [(30.0 + 24 * column, 30.0 + 24 * row) for row in range(8) for column in range(16)]
    put(desk, grid[:40])
    context.route("**/api/readings/**", lambda route: route.abort())
    put(desk, grid[40:100])
    desk.press("Shift+S")
    desk.page.evaluate(PRESSED, ["]", "l"] * 50)  # 50 cells become lymphocytes
    desk.expect_not_saved()
    desk.page.close(run_before_unload=False)
    again = Desk(context.new_page(), field).open()  # still cut off from saving
    again.expect_not_saved()
    put(again, grid[100:125])
    context.unroute("**/api/readings/**")
    again.press("Shift+S")
    again.page.evaluate(PRESSED, ["]", "p"] * 25)
    again.saving.click()
    again.page.get_by_role("button", name="Try again now").click()
    again.expect_saved()
    with site.still():
        kept = Cell.objects.alive()
        assert kept.count() == 125, "drawn 125: before the cut, during it, and after the tab had died"
        places = sorted((round(cell.points[0]), round(cell.points[1])) for cell in kept)
        assert places == sorted((round(x), round(y)) for x, y in grid[:125]), "each once, where it was drawn"
        changed = Event.objects.filter(verb__in=["drawn", "changed"])
        assert kept.filter(cell_class__key="plasma").count() == 25
        assert kept.filter(cell_class__key="lym").count() >= 25
        assert Event.objects.filter(verb="drawn").count() == 125, "none twice"
        assert changed.count() >= 125 + 25


ROUNDS, EDITS, OVERLAP = 5, 100, 8


def test_1000_edits_of_two_browsers_overwrite_nothing(site: Site, visitor: Visitor, field: Field) -> None:
    with site.still():
        crowd(field, site.cast.ana, 2 * EDITS - OVERLAP)
    one, other = (Desk(visitor.page("ana"), field) for _ in range(2))
    keys = {one: itertools.cycle("lpt"), other: itertools.cycle("ptl")}
    asked = 0
    for choice in itertools.islice(itertools.cycle(["Keep mine", "Take theirs"]), ROUNDS):
        for desk in (one, other):
            desk.open()
            desk.press("Shift+S")
        other.page.evaluate(PRESSED, ["]"] * (EDITS - OVERLAP))  # what lies in between both will change
        for desk in (one, other):
            desk.page.evaluate(PRESSED, [key for _ in range(EDITS) for key in ("]", next(keys[desk]))])
            asked += decide(desk, choice)
            desk.expect_saved()
    assert asked >= OVERLAP, "the same cells were changed in both"
    with site.still():
        changes = chains()
        assert sum(map(len, changes.values())) >= ROUNDS * EDITS
        for pk, chain in changes.items():
            for earlier, later in itertools.pairwise(chain):
                assert later.before == earlier.after, "each change was made upon what the one before had left"
            assert chain[-1].after is not None
            assert chain[-1].after["version"] == Cell.objects.get(pk=pk).version


def crowd(field: Field, author: User, count: int) -> None:
    reading = Reading.objects.create(field=field, author=author, source="drawn")
    seg = field.project.classes.get(key="seg")
    for number in range(count):
        x, y = 20 + 22 * (number % 20), 20 + 22 * (number // 20)
        Cell.objects.create(
            project=field.project, reading=reading, cell_class=seg, kind="circle", points=[x, y, 8],
            x0=x - 8, y0=y - 8, x1=x + 8, y1=y + 8, provenance="drawn", author=author,
        )  # fmt: skip


def chains() -> dict[int, list[Event]]:
    found: dict[int, list[Event]] = defaultdict(list)
    for event in Event.objects.filter(verb="changed").order_by("pk"):
        assert event.cell_id is not None
        found[event.cell_id].append(event)
    return found


def decide(desk: Desk, choice: str) -> int:
    """Answer every conflict that the page shows, until all is saved; returns how many there were."""
    settled = re.compile("All saved|conflict")
    asked = 0
    expect(desk.saving).to_have_text(settled)
    while "conflict" in desk.saving.inner_text():
        desk.saving.click()
        dialog = desk.page.get_by_role("dialog")
        for _ in range(dialog.get_by_role("button", name=choice).count()):
            dialog.get_by_role("button", name=choice).first.click()
            asked += 1
        desk.press("Escape")
        expect(desk.saving).to_have_text(settled)
    return asked


def test_a_reading_that_was_submitted_in_another_tab_is_told_and_what_was_drawn_is_kept(
    site: Site, visitor: Visitor, field: Field
) -> None:
    one, other = (Desk(visitor.page("ana"), field) for _ in range(2))
    one.open()
    put(one, [(60, 60)])
    one.expect_saved()
    other.open()
    other.press("Control+Enter")
    other.page.get_by_label("Yes, every one").check()
    other.page.get_by_role("button", name="Finish and go on").click()
    other.page.wait_for_url("**/queue/")
    put(one, [(120, 60)])
    expect(one.saving).to_have_text("1 refused")
    one.saving.click()
    expect(one.page.get_by_role("dialog")).to_contain_text("This reading is closed")
    with site.still():
        assert Cell.objects.count() == 1, "a submitted reading is read-only for the server too"


def test_a_cell_outside_the_picture_is_named_and_everything_else_is_saved(
    site: Site, visitor: Visitor, field: Field
) -> None:
    desk = Desk(visitor.page("ana"), field).open()
    desk.page.route("**/changes/", moved_away)
    put(desk, [(60, 60), (120, 60), (180, 60)])
    expect(desk.saving).to_have_text("1 refused")
    desk.saving.click()
    expect(desk.page.get_by_role("dialog")).to_contain_text("The shape cannot be kept")
    expect(desk.page.get_by_role("button", name="Look at it")).to_be_visible()
    with site.still():
        assert Cell.objects.count() == 2


def moved_away(route: Route) -> None:
    """The cell that was drawn at 120 is sent as one far outside of the field."""
    body: dict[str, Any] = route.request.post_data_json or {}
    for change in body["changes"]:
        if round(change["shape"]["points"][0]) == 120:
            change["shape"]["points"][0] = 99_999
    route.continue_(post_data=json.dumps(body))


def test_a_picture_that_cannot_be_decoded_is_told_and_labels_stay(site: Site, visitor: Visitor, field: Field) -> None:
    visitor.expected = ["Failed to load resource", "EncodingError", "decoded"]
    page: Page = visitor.page("ana")
    page.route("**/picture/**", lambda route: route.fulfill(status=200, content_type="image/png", body=b"no picture"))
    desk = Desk(page, field).open(at_actual_size=False)
    expect(page.locator("#said")).to_contain_text("The picture of this field cannot be loaded")
    desk.expect_saved()


def test_a_field_that_somebody_else_has_open_is_taken_over_by_saying_so(
    site: Site, visitor: Visitor, field: Field
) -> None:
    visitor.expected = ["status of 422"]
    hers = Desk(visitor.page("ana"), field).open()
    put(hers, [(60, 60)])
    hers.expect_saved()
    page = visitor.page("rui")
    page.goto(f"/projects/{field.project.key}/fields/{field.code}/")
    banner = page.locator("#banner")
    expect(banner).to_contain_text("ana is at work on this field")
    with site.still():
        assert Reading.objects.count() == 1
    banner.get_by_role("button", name="Take it over").click()
    expect(page.locator("#canvas")).to_have_attribute("data-ready", "true")
    expect(banner).to_be_hidden()
    put(hers, [(120, 60)])
    hers.expect_saved()
    with site.still():
        assert Event.objects.filter(verb="field taken over").count() == 2
        assert Cell.objects.filter(reading__author=site.cast.ana).count() == 2


def test_the_history_of_a_cell_is_one_click_away(site: Site, visitor: Visitor, field: Field) -> None:
    desk = Desk(visitor.page("ana"), field).open()
    put(desk, [(60, 60)])
    desk.press("l")
    desk.expect_saved()
    desk.page.get_by_role("link", name="History of this cell").click()
    expect(desk.page.get_by_role("heading", level=1)).to_have_text("History of a cell")
    expect(desk.page.get_by_role("cell", name="drawn")).to_be_visible()
    expect(desk.page.get_by_role("cell", name="class: Lymphocyte")).to_be_visible()
