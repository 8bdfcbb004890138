"""Saving in a real browser: the server away and back, tabs that die, two people on one cell, very many cells."""

from __future__ import annotations

import json
import math
import random
import re
from statistics import median
from typing import Any

import pytest
from django.conf import settings
from django.utils import timezone
from playwright.sync_api import Page, Route, expect

from annotation.models import Cell, CellClass, Event, Field, Provenance, Reading
from tests.browser.conftest import Site, Visitor
from tests.browser.desk import Desk, predict
from tests.learning import rows

AWAY = ["ERR_FAILED", "ERR_INTERNET_DISCONNECTED", "Failed to load resource"]


@pytest.fixture
def field(site: Site) -> Field:
    settings.IMAGES_DIR.mkdir(exist_ok=True)
    return rows.picture(rows.field(site.cast.project, size=400))


def places(site: Site) -> list[list[int]]:
    with site.still():
        found = Cell.objects.alive().order_by("pk").values_list("points", flat=True)
        return [[round(value) for value in points] for points in found]


def draw(desk: Desk, *middles: tuple[float, float]) -> None:
    desk.press("Shift+C")
    for x, y in middles:
        desk.drag((x, y), (x + 20, y))


def test_nothing_is_lost_while_the_server_is_away(site: Site, visitor: Visitor, field: Field) -> None:
    visitor.expected = AWAY
    desk = Desk(visitor.page("ana"), field).open()
    draw(desk, (60, 60))
    desk.expect_saved()
    desk.page.route("**/api/readings/**", lambda route: route.abort())
    draw(desk, (120, 60), (180, 60))
    desk.expect_not_saved()
    expect(desk.saving).to_contain_text("2 waiting in this browser")
    assert places(site) == [[60, 60, 20]]
    desk.saving.click()
    again = desk.page.get_by_role("button", name="Try again now")
    again.focus()
    expect(desk.page.locator("#saving-body p").first).to_contain_text("next try in")
    expect(again).to_be_focused()  # the seconds go by in the line above it
    with desk.page.expect_request("**/changes/"):
        desk.page.keyboard.press("Enter")
    desk.page.unroute("**/api/readings/**")
    desk.expect_saved()
    assert places(site) == [[60, 60, 20], [120, 60, 20], [180, 60, 20]]


def test_a_tab_that_dies_while_the_server_is_away_loses_nothing(site: Site, visitor: Visitor, field: Field) -> None:
    visitor.expected = AWAY
    context = visitor.context("ana")
    desk = Desk(context.new_page(), field).open()
    draw(desk, (60, 60))
    desk.press("l")
    desk.expect_saved()
    context.route("**/api/readings/**", lambda route: route.abort())
    draw(desk, (120, 60))
    desk.press("p")
    draw(desk, (180, 60))
    desk.press("Delete")
    desk.expect_not_saved()
    desk.page.close()
    # What a page sends as it goes is past every route, and may arrive.
    assert places(site) in ([[60, 60, 20]], [[60, 60, 20], [120, 60, 20]])
    context.unroute("**/api/readings/**")
    again = Desk(context.new_page(), field).open()
    expect(again.count("plasma")).to_have_text("1")
    again.expect_saved()
    assert places(site) == [[60, 60, 20], [120, 60, 20]]
    with site.still():
        kinds = list(Cell.objects.alive().order_by("pk").values_list("cell_class__key", flat=True))
        assert kinds == ["lym", "plasma"]
        assert Event.objects.filter(verb="drawn").count() == Cell.objects.count()  # none twice


def test_edits_go_on_while_the_network_comes_and_goes(site: Site, visitor: Visitor, field: Field) -> None:
    visitor.expected = AWAY
    context = visitor.context("ana")
    desk = Desk(context.new_page(), field).open()
    for row in range(3):
        context.set_offline(row % 2 == 0)
        draw(desk, *((40 + 45 * column, 50 + 60 * row) for column in range(6)))
    context.set_offline(False)
    desk.expect_saved()
    assert sorted(places(site)) == sorted([40 + 45 * c, 50 + 60 * r, 20] for c in range(6) for r in range(3))


@pytest.mark.parametrize("width", [1920, 1280, 820])
def test_nothing_moves_when_the_server_goes_away(site: Site, visitor: Visitor, field: Field, width: int) -> None:
    """A hand may be in the midst of a circle: the field stays where it is under it."""
    visitor.expected = AWAY
    context = visitor.context("ana")
    desk = Desk(context.new_page(), field)
    desk.page.set_viewport_size({"width": width, "height": 800})
    desk.open()
    before = desk.canvas.bounding_box()
    context.set_offline(True)
    draw(desk, *((30 + 45 * column, 80) for column in range(7)))
    desk.expect_not_saved()
    expect(desk.saving).to_contain_text("7 waiting in this browser, next try in")
    assert desk.canvas.bounding_box() == before
    context.set_offline(False)
    desk.expect_saved()
    assert desk.canvas.bounding_box() == before


def two_windows(visitor: Visitor, field: Field) -> tuple[Desk, Desk]:
    """One reading in two browsers: the same person at the desk and in the ward."""
    return Desk(visitor.page("ana"), field).open(), Desk(visitor.page("ana"), field)


@pytest.mark.parametrize(("choice", "kept"), [("Keep mine", "plasma"), ("Take theirs", "lym")])
def test_two_browsers_on_one_cell_are_asked(site: Site, visitor: Visitor, field: Field, choice: str, kept: str) -> None:
    one, other = two_windows(visitor, field)
    draw(one, (100, 100))
    one.expect_saved()
    other.open()
    other.press("Shift+S")
    other.click(100, 100)
    one.press("l")
    one.expect_saved()
    other.press("p")
    expect(other.saving).to_have_text("1 conflict")
    with site.still():
        assert Cell.objects.get().cell_class.key == "lym"
    other.saving.click()
    dialog = other.page.get_by_role("dialog")
    expect(dialog).to_contain_text("Lymphocyte")
    expect(dialog).to_contain_text("Plasma cell")
    dialog.get_by_role("button", name=choice).click()
    other.expect_saved()
    other.press("Escape")
    expect(other.count(kept)).to_have_text("1")
    with site.still():
        assert Cell.objects.get().cell_class.key == kept


def test_what_the_server_refuses_is_kept_and_named_and_blocks_nothing_else(
    site: Site, visitor: Visitor, field: Field
) -> None:
    desk = Desk(visitor.page("ana"), field).open()
    draw(desk, (100, 100))
    desk.press("l")
    desk.expect_saved()
    # The class is gone for the server: a page that was open must not lose what follows.
    desk.page.route("**/changes/", spoiled)
    desk.press("p")
    expect(desk.saving).to_have_text("1 refused")
    draw(desk, (200, 200))
    expect(desk.saving).to_have_text("1 refused")
    desk.press("Control+Enter")
    expect(desk.page.get_by_role("dialog")).to_contain_text("1 refused: decide about it first")
    expect(desk.page.get_by_role("button", name="Finish and go on")).to_be_disabled()
    desk.press("Escape")
    desk.saving.click()
    expect(desk.page.get_by_role("dialog")).to_contain_text("There is no class number 99999")
    desk.page.get_by_role("button", name="Give the change up").click()
    desk.expect_saved()
    assert places(site) == [[100, 100, 20], [200, 200, 20]]
    with site.still():
        assert Cell.objects.order_by("pk")[0].cell_class.key == "lym"


def spoiled(route: Route) -> None:
    """Cells that are changed (not drawn) get a class that no project has."""
    body = route.request.post_data_json or {}
    for change in body["changes"]:
        if change["version"] > 0:
            change["class"] = 99_999
    route.continue_(post_data=json.dumps(body))


def test_signed_out_in_another_tab_nothing_is_lost(site: Site, visitor: Visitor, field: Field) -> None:
    visitor.expected = ["Failed to load resource"]
    context = visitor.context("ana")
    desk = Desk(context.new_page(), field).open()
    cookies = context.cookies()
    context.clear_cookies()
    draw(desk, (100, 100))
    desk.expect_not_saved()
    desk.saving.click()
    expect(desk.page.get_by_role("dialog")).to_contain_text("You are signed out")
    context.add_cookies(cookies)  # type: ignore[arg-type]  # as they came
    desk.page.get_by_role("button", name="Try again now").click()
    desk.expect_saved()
    assert places(site) == [[100, 100, 20]]


FRAMES = """() => {
  window.frames_ = []; let last = performance.now();
  const next = (now) => { window.frames_.push(now - last); last = now; window.due_ = requestAnimationFrame(next); };
  window.due_ = requestAnimationFrame(next);
}"""
# From the key until the frame that shows it has been painted.
PAINTED = """(key) => new Promise((resolve) => {
  const begun = performance.now();
  document.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }));
  requestAnimationFrame(() => {
    const channel = new MessageChannel();
    channel.port1.onmessage = () => resolve(performance.now() - begun);
    channel.port2.postMessage(0);
  });
})"""


def crowded(site: Site, cells: int = 5000) -> Field:
    """A field of 4000 x 3000 with very many cells, half of them contours of 30 corners, and 2,000 predictions."""
    settings.IMAGES_DIR.mkdir(exist_ok=True)
    field = rows.field(site.cast.project)
    field.width, field.height = 4000, 3000
    field.save()
    rows.picture(field)
    reading = Reading.objects.create(field=field, author=site.cast.ana, source="drawn")
    draw = random.Random(1)
    classes = list(CellClass.objects.filter(project=field.project))
    made = []
    for index in range(cells):
        x, y, r = draw.uniform(40, 3960), draw.uniform(40, 2960), draw.uniform(14, 32)
        ring = [(x + r * math.cos(turn * math.pi / 15), y + r * math.sin(turn * math.pi / 15)) for turn in range(30)]
        made.append(
            Cell(
                project=field.project,
                reading=reading,
                cell_class=draw.choice(classes),
                kind="contour" if index % 2 else "circle",
                points=[value for point in ring for value in point] if index % 2 else [x, y, r],
                x0=x - r,
                y0=y - r,
                x1=x + r,
                y1=y + r,
                provenance=Provenance.DRAWN,
                author=site.cast.ana,
            )
        )
    Cell.objects.bulk_create(made, batch_size=1000)
    return field


def p95(values: list[float]) -> float:
    return sorted(values)[int(len(values) * 0.95)]


def frames_while(page: Page, desk: Desk, button: Any) -> list[float]:
    page.evaluate(FRAMES)
    desk.page.mouse.move(500, 450)
    desk.page.mouse.down(button=button)
    for step in range(50):
        desk.page.mouse.move(500 + (step * 12) % 300, 450 - step * 3)
    desk.page.mouse.up(button=button)
    found: list[float] = page.evaluate("() => { cancelAnimationFrame(window.due_); return window.frames_.slice(1); }")
    return found


def test_five_thousand_cells_stay_fluid(site: Site, visitor: Visitor) -> None:
    """The goal is 50 ms at p95 and 50 frames a second on an idle machine; these bounds hold on a busy one too."""
    with site.still():
        field = crowded(site)
        predict(field, *(("seg", 0.4, 30 + 35 * (index % 100), 40 + 140 * (index // 100), 15) for index in range(200)))
    desk = Desk(visitor.page("ana", viewport={"width": 1400, "height": 900}), field)
    desk.open()
    page = desk.page
    for zoom in ("0", "9"):
        desk.press("Shift+S", zoom)
        page.wait_for_timeout(300)
        assert median(frames_while(page, desk, "middle")) <= 50, "panning"
        selecting = [page.evaluate(PAINTED, "]") for _ in range(20)]
        relabelling = [page.evaluate(PAINTED, key) for key in "lptb" * 5]
        deleting = []
        for _ in range(10):
            deleting.append(page.evaluate(PAINTED, "Delete"))
            page.evaluate(PAINTED, "]")
        assert median([page.evaluate(PAINTED, key) for key in ",.,."]) <= 150, "the score slider"
        for times in (selecting, relabelling, deleting):
            assert median(times) <= 100
            assert p95(times) <= 600
    expect(desk.saving).to_have_text(re.compile("All saved|Saving"))
    desk.expect_saved()
    with site.still():
        assert Cell.objects.alive().count() == 4980


def test_an_open_page_saves_into_a_class_that_was_retired_meanwhile(site: Site, visitor: Visitor, field: Field) -> None:
    desk = Desk(visitor.page("ana"), field).open()
    with site.still():
        CellClass.objects.filter(project=field.project, key="lym").update(retired_at=timezone.now())
    draw(desk, (100, 100))
    desk.press("l")
    desk.expect_saved()
    with site.still():
        assert Cell.objects.get().cell_class.key == "lym"


def test_who_is_signed_out_is_asked_to_sign_in(visitor: Visitor) -> None:
    page = visitor.page("nobody")
    page.goto("/projects/study/fields/F00001/")
    expect(page).to_have_url(re.compile("/sign-in/"))
