"""Drawing and editing by hand: circles, outlines, what is locked, marked, copied and brought back, pen and fingers."""

from __future__ import annotations

import math
import re
from typing import Any

import pytest
from django.conf import settings
from PIL import Image, ImageDraw
from playwright.sync_api import CDPSession, expect

from annotation.models import Cell, Event, Field
from tests.browser.conftest import Site, Visitor
from tests.browser.desk import Desk, pictured, predict
from tests.learning import rows


@pytest.fixture
def field(site: Site) -> Field:
    return pictured(site.cast.project)


@pytest.fixture
def desk(visitor: Visitor, field: Field) -> Desk:
    return Desk(visitor.page("ana"), field).open()


def cells(site: Site) -> list[Cell]:
    with site.still():
        return list(Cell.objects.alive().select_related("cell_class").order_by("pk"))


def rounded(cell: Cell) -> list[int]:
    return [round(value) for value in cell.points]


def arc(x: float, y: float, r: float, start: float, end: float, steps: int = 16) -> list[tuple[float, float]]:
    """Places round a middle, from turn to turn (0 to 1)."""
    turns = [2 * math.pi * (start + (end - start) * step / steps) for step in range(steps + 1)]
    return [(x + r * math.cos(turn), y + r * math.sin(turn)) for turn in turns]


def area(cell: Cell) -> float:
    return cell.shape.area


def test_circles_are_drawn_from_the_middle_across_and_by_one_click(site: Site, desk: Desk) -> None:
    desk.press("Shift+C")
    desk.click(60, 60)  # 14 µm across, for the scale is known
    desk.press("Escape")
    desk.drag((200, 100), (230, 100))
    desk.press("Escape")
    desk.page.keyboard.down("Alt")
    desk.drag((100, 200), (140, 200))
    desk.page.keyboard.up("Alt")
    desk.press("Escape", "Shift+Q")
    desk.drag((200, 250), (200, 310))
    desk.press("Escape")
    desk.click(330, 330)
    desk.expect_saved()
    drawn = [[60, 60, 70], [200, 100, 30], [120, 200, 20], [200, 280, 30], [330, 330, 30]]
    assert [rounded(cell) for cell in cells(site)] == drawn
    desk.open()
    desk.press("Shift+C", "Escape")
    desk.drag((300, 60), (340, 60))  # across still, as this person has chosen
    desk.expect_saved()
    assert rounded(cells(site)[-1]) == [320, 60, 20]


def test_a_contour_is_drawn_by_hand_and_by_clicks_in_one_line(site: Site, desk: Desk) -> None:
    desk.press("Shift+D")
    desk.drag(*arc(200, 200, 60, 0, 0.5))  # the lower half by hand, and it stays open
    desk.click(140, 150)
    desk.click(200, 130)
    desk.drag((240, 150), (250, 165), (256, 180))
    desk.press("Enter")
    desk.expect_saved()
    (cell,) = cells(site)
    assert cell.kind == "contour"
    assert cell.x0 == pytest.approx(140, abs=1)
    assert cell.y0 == pytest.approx(130, abs=1)
    assert [140, 150] in [[round(x), round(y)] for x, y in cell.shape.vertices]
    assert cell.y1 == pytest.approx(260, abs=2)


def smeared(field: Field) -> None:
    """One violet cell of radius 40 with a darker nucleus, in the middle of a light ground."""
    picture = Image.new("RGB", (field.width, field.height), (236, 228, 220))
    pen = ImageDraw.Draw(picture)
    pen.ellipse((160, 160, 240, 240), fill=(178, 160, 206))
    pen.ellipse((175, 170, 220, 215), fill=(96, 50, 130))
    picture.save(settings.IMAGES_DIR / field.file)


def test_one_key_finds_the_contour_in_a_circle_and_another_shrinks_it(
    site: Site, visitor: Visitor, field: Field
) -> None:
    smeared(field)
    desk = Desk(visitor.page("ana"), field).open()
    desk.press("Shift+C")
    desk.drag((204, 197), (254, 197))
    desk.press("#")
    expect(desk.selection).to_contain_text("contour")
    desk.expect_saved()
    (cell,) = cells(site)
    assert cell.kind == "contour"
    assert area(cell) == pytest.approx(math.pi * 40**2, rel=0.06)
    with site.still():
        shapes = list(cell.events.order_by("pk").values_list("after__kind", flat=True))
    assert shapes == ["circle", "contour"], "the circle stays in the cell's history"
    desk.press("'")  # not what was wanted: the circle, a little smaller, is the other way
    desk.expect_saved()
    (cell,) = cells(site)
    assert math.pi * 40**2 < area(cell) < math.pi * 50**2
    assert [(cell.x0 + cell.x1) / 2, (cell.y0 + cell.y1) / 2] == pytest.approx([204, 197], abs=1)
    desk.press("Control+z", "Control+z")
    expect(desk.selection).to_contain_text("circle")
    desk.expect_saved()
    assert rounded(cells(site)[0]) == [204, 197, 50]


def test_a_cell_is_added_to_cut_smoothed_and_split(site: Site, desk: Desk) -> None:
    desk.press("Shift+C")
    desk.drag((200, 200), (240, 200))
    desk.press("Shift+A")
    desk.drag((215, 185), (290, 185), (290, 215), (215, 215), (215, 187))
    desk.expect_saved()
    (cell,) = cells(site)
    assert cell.kind == "contour"
    assert cell.x1 == pytest.approx(290, abs=1)
    grown = area(cell)
    desk.press("Shift+X")
    desk.drag((270, 150), (320, 150), (320, 250), (270, 250), (270, 152))
    desk.expect_saved()
    (cell,) = cells(site)
    assert cell.x1 == pytest.approx(270, abs=1)
    assert area(cell) < grown
    desk.press("Shift+G")
    desk.expect_saved()
    assert area(cells(site)[0]) == pytest.approx(area(cell), rel=0.02)
    assert cells(site)[0].points != cell.points
    desk.press("Shift+K")
    desk.drag((200, 120), (200, 280))
    desk.expect_saved()
    larger, smaller = cells(site)
    assert larger.uuid == cell.uuid
    assert area(larger) + area(smaller) == pytest.approx(area(cell), rel=0.02)
    desk.press("Shift+X")
    desk.drag((230, 190), (240, 190), (240, 200), (230, 200), (230, 191))
    expect(desk.page.locator("#said")).to_contain_text("Begin outside of it")
    desk.press("Escape", "Control+z", "Control+z", "Control+z", "Control+z")
    desk.expect_saved()
    assert [rounded(cell) for cell in cells(site)] == [[200, 200, 40]]


def test_boxes_are_edited_as_boxes_and_turned_by_one_key(site: Site, visitor: Visitor, field: Field) -> None:
    (suggested,) = predict(field, ("seg", 0.9, 0, 0, 1))
    with site.still():
        suggested.kind, suggested.points = "box", [100, 100, 140, 160]
        suggested.save()
    desk = Desk(visitor.page("ana"), field).open()
    desk.click(120, 130)
    desk.drag((140, 130), (150, 130))  # its handle on the right
    desk.expect_saved()
    assert [(cell.kind, rounded(cell), cell.provenance) for cell in cells(site)] == [
        ("box", [100, 100, 150, 160], "corrected")
    ]
    desk.press("Shift+O")
    desk.expect_saved()
    assert (cells(site)[0].kind, rounded(cells(site)[0])) == ("circle", [125, 130, 28])
    desk.press("Control+z", "Shift+P")
    desk.expect_saved()
    assert (cells(site)[0].kind, rounded(cells(site)[0])) == ("contour", [100, 100, 150, 100, 150, 160, 100, 160])


def test_a_locked_cell_is_left_alone_by_hands_keys_and_server(site: Site, desk: Desk) -> None:
    desk.press("Shift+C", "l")
    desk.drag((200, 200), (240, 200))
    desk.press("Shift+L")
    expect(desk.selection).to_contain_text("circle, locked")
    desk.press("p", "Delete", "Shift+M", "ArrowUp", "Shift+S")
    expect(desk.page.locator("#said")).to_contain_text("locked")
    desk.drag((200, 200), (260, 260))
    desk.expect_saved()
    (cell,) = cells(site)
    assert (rounded(cell), cell.cell_class.key, cell.attributes, cell.locked) == ([200, 200, 40], "lym", {}, True)
    desk.press("9", "Shift+L", "p", "ArrowUp", "Shift+L")  # unlocked and locked again within a moment
    desk.expect_saved()
    (cell,) = cells(site)
    assert (rounded(cell), cell.cell_class.key, cell.locked) == ([200, 199, 40], "plasma", True)


def test_attributes_are_switched_by_keys_and_by_hand(site: Site, desk: Desk) -> None:
    desk.press("Shift+C", "b")
    desk.drag((200, 200), (240, 200))
    desk.press("Shift+I", "Shift+T", "Shift+E", "Shift+M", "Shift+T")
    group = desk.page.get_by_role("group", name="Attributes")
    expect(group.get_by_role("button", pressed=True)).to_have_text(["immature", "cut by the border", "in mitosis"])
    group.get_by_role("button", name="immature").click()
    desk.expect_saved()
    assert cells(site)[0].attributes == {"cut": True, "mitosis": True}


def test_cells_are_copied_deleted_and_brought_back(site: Site, desk: Desk) -> None:
    desk.press("Shift+C", "l")
    desk.drag((100, 100), (130, 100))
    desk.press("Control+c")
    desk.page.mouse.move(*desk.on_screen(250, 250))
    desk.press("Control+v")
    desk.expect_saved()
    assert [rounded(cell) for cell in cells(site)] == [[100, 100, 30], [250, 250, 30]]
    desk.press("Delete", "Shift+S")
    desk.click(100, 100)
    desk.press("Delete")
    desk.expect_saved()
    assert cells(site) == []
    desk.open()  # the trash is there on another day too
    trash = desk.page.locator("#trash")
    expect(trash).to_contain_text("Trash 2")
    trash.locator("summary").click()
    expect(trash.get_by_role("listitem")).to_have_count(2)
    trash.get_by_role("button", name="Bring back").first.click()
    expect(trash).to_contain_text("Trash 1")
    desk.press("Shift+R")
    expect(trash).to_be_hidden()
    expect(desk.count("lym")).to_have_text("2")
    desk.expect_saved()
    with site.still():
        assert (
            list(Event.objects.filter(verb="restored").values_list("reading__author__username", flat=True))
            == ["ana"] * 2
        )
    desk.press("Control+z")
    desk.expect_saved()
    assert len(cells(site)) == 1


def test_cells_are_selected_by_class_and_by_score_and_changed_as_one(
    site: Site, visitor: Visitor, field: Field
) -> None:
    predict(field, ("seg", 0.9, 100, 100, 30), ("lym", 0.5, 250, 100, 30), ("seg", 0.7, 100, 250, 30))
    desk = Desk(visitor.page("ana"), field).open()
    desk.press(")")
    expect(desk.selection).to_contain_text("score 0.50")
    desk.press(")")
    expect(desk.selection).to_contain_text("score 0.70")
    desk.press("Control+Shift+a")
    expect(desk.selection).to_contain_text("2 predictions selected")
    desk.press("g", "4")  # both become bands
    expect(desk.count("band")).to_have_text("2")
    desk.press("Escape")
    desk.page.locator("[data-class=band]").click(modifiers=["Shift"])
    expect(desk.selection).to_contain_text("2 cells selected")
    desk.drag((100, 100), (120, 110))
    desk.expect_saved()
    assert [rounded(cell) for cell in cells(site)] == [[120, 110, 30], [120, 260, 30]]
    desk.press("Control+z", "Control+z")
    desk.expect_saved()
    assert cells(site) == []
    expect(desk.page.locator("#prediction-count")).to_contain_text("3 shown")


class Glass:
    """A pen and fingers on the screen, as the browser itself gets them from a tablet."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.session: CDPSession = desk.page.context.new_cdp_session(desk.page)

    def pen(self, kind: str, x: float, y: float) -> None:
        left, top = self.desk.on_screen(x, y)
        said: dict[str, Any] = {"type": kind, "x": left, "y": top, "button": "left", "pointerType": "pen"}
        pressed = kind != "mouseReleased"
        self.session.send("Input.dispatchMouseEvent", said | {"buttons": int(pressed), "clickCount": 1, "force": 0.5})

    def stroke(self, *places: tuple[float, float]) -> None:
        self.pen("mousePressed", *places[0])
        for place in places[1:]:
            self.pen("mouseMoved", *place)
        self.pen("mouseReleased", *places[-1])

    def fingers(self, kind: str, *places: tuple[float, float]) -> None:
        points = [
            {"x": left, "y": top, "id": number}
            for number, (left, top) in enumerate(self.desk.on_screen(*place) for place in places)
        ]
        self.session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    def swipe(self, *places: tuple[float, float]) -> None:
        self.fingers("touchStart", places[0])
        for place in places[1:]:
            self.fingers("touchMove", place)
        self.fingers("touchEnd")


@pytest.fixture
def glass(visitor: Visitor, field: Field) -> Glass:
    tablet = visitor.page("ana", has_touch=True, viewport={"width": 1180, "height": 820})
    return Glass(Desk(tablet, field).open())


def test_a_pen_draws_where_a_finger_moves_the_field(site: Site, glass: Glass) -> None:
    desk = glass.desk
    desk.press("Shift+C")
    glass.stroke((100, 100), (115, 100), (130, 100))
    expect(desk.selection).to_contain_text("circle")
    glass.swipe((200, 200), (220, 210), (240, 220))  # the field is 40 to the right and 20 down now
    desk.press("Escape")
    glass.swipe((290, 270))  # a tap places a circle like the last
    desk.expect_saved()
    assert [rounded(cell) for cell in cells(site)] == [[100, 100, 30], [250, 250, 30]]

    glass.fingers("touchStart", (200, 200), (240, 200))  # two fingers pinch
    glass.fingers("touchMove", (180, 200), (260, 200))
    glass.fingers("touchMove", (160, 200), (280, 200))
    glass.fingers("touchEnd")
    expect(desk.page.locator("#zoom")).to_have_text(re.compile(r"(1[5-9]|[2-9]\d)\d %"))
    assert len(cells(site)) == 2


def test_a_hand_that_rests_while_the_pen_draws_does_nothing(site: Site, glass: Glass) -> None:
    glass.desk.press("Shift+C")
    glass.pen("mousePressed", 100, 100)
    glass.pen("mouseMoved", 120, 100)
    glass.fingers("touchStart", (300, 300))
    glass.fingers("touchMove", (320, 320))
    glass.pen("mouseMoved", 130, 100)
    glass.fingers("touchEnd")
    glass.pen("mouseReleased", 130, 100)
    glass.desk.expect_saved()
    assert [rounded(cell) for cell in cells(site)] == [[100, 100, 30]]
    expect(glass.desk.page.locator("#zoom")).to_have_text("100 %")


def test_without_a_pen_a_finger_may_draw_and_a_pen_frames_what_it_selects(site: Site, glass: Glass) -> None:
    desk = glass.desk
    desk.press("Shift+C", "Shift+F")
    glass.swipe((100, 100), (115, 100), (130, 100))
    desk.press("Escape")
    glass.swipe((200, 100), (215, 100), (230, 100))
    desk.expect_saved()
    assert [rounded(cell) for cell in cells(site)] == [[100, 100, 30], [200, 100, 30]]
    desk.press("Shift+S", "Escape")
    glass.stroke((50, 50), (150, 100), (300, 150))
    expect(desk.selection).to_contain_text("2 cells selected")


def test_neighbours_may_touch_and_overlap(site: Site, desk: Desk) -> None:
    desk.press("Shift+D")
    for ring in (arc(180, 200, 40, 0, 1), arc(230, 200, 40, 0.5, 1.5)):
        desk.drag(*ring)
    desk.expect_saved()
    left, right = cells(site)
    assert left.x1 > right.x0 + 20
    assert area(left) == pytest.approx(math.pi * 1600, rel=0.05)
    assert area(right) == pytest.approx(math.pi * 1600, rel=0.05)


def test_a_reading_that_is_closed_offers_nothing_of_this(site: Site, visitor: Visitor, field: Field) -> None:
    with site.still():
        rows.reading(field, {"seg": 2})
    desk = Desk(visitor.page("lea"), field).open()
    for name in ("Add to the selected cell", "Cut away from the selected cell", "Split the selected cell with a line"):
        expect(desk.page.get_by_role("button", name=name).first).to_be_disabled()
