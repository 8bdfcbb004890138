"""What a person sees of the picture: its own pixels, tiles, adjusted views, ruler, screening grid."""

from __future__ import annotations

import base64
import io
import math
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest
from django.conf import settings
from PIL import Image
from playwright.sync_api import Page, Route, expect
from skimage.color import hed2rgb, rgb2hed

from annotation.models import Field
from tests.browser.conftest import Axe, Site, Visitor
from tests.browser.desk import Desk
from tests.learning import rows

Pixels = npt.NDArray[np.uint8]


def coloured(of: Field, width: int, height: int) -> Pixels:
    """Gives the field a picture of stain-like colours, each pixel another; returns its pixels."""
    random = np.random.default_rng(of.pk)
    amounts = random.uniform(0, 0.25, (height, width, 3)) * (1.0, 0.6, 0.1)
    pixels: Pixels = np.clip(hed2rgb(amounts) * 255, 0, 255).round().astype(np.uint8)
    settings.IMAGES_DIR.mkdir(exist_ok=True)
    Image.fromarray(pixels).save(settings.IMAGES_DIR / of.file)
    Field.objects.filter(pk=of.pk).update(width=width, height=height)
    of.refresh_from_db()
    return pixels


def seen(page: Page) -> Pixels:
    """What the canvas of the picture holds, without layers over it."""
    address = page.evaluate("() => document.querySelector('.bench-picture').toDataURL('image/png')")
    with Image.open(io.BytesIO(base64.b64decode(address.partition(",")[2]))) as image:
        return np.asarray(image.convert("RGB"))


def corner(desk: Desk, shown: Pixels) -> tuple[int, int]:
    """Where the field's first pixel lies on the canvas at 100 %: halves are rounded up, as the browser does."""
    height, width = shown.shape[:2]
    return math.floor((width - desk.field.width) / 2 + 0.5), math.floor((height - desk.field.height) / 2 + 0.5)


def of_field(desk: Desk, shown: Pixels) -> Pixels:
    """The part of the window that the field takes, at 100 % and wholly in view."""
    left, top = corner(desk, shown)
    return shown[top : top + desk.field.height, left : left + desk.field.width]


def soon(page: Page, holds: Callable[[], object]) -> bool:
    """Whether it holds within some seconds: pictures are adjusted and painted a moment after they are asked for."""
    for _ in range(100):
        if holds():
            return True
        page.wait_for_timeout(50)
    return False


@pytest.fixture
def field(site: Site) -> Field:
    return rows.field(site.cast.project, size=400)


def test_at_100_percent_the_canvas_holds_the_pixels_of_the_stored_file(visitor: Visitor, field: Field) -> None:
    stored = coloured(field, 400, 300)
    desk = Desk(visitor.page("ana"), field).open()
    assert np.array_equal(of_field(desk, seen(desk.page)), stored)


def test_a_large_field_comes_in_tiles_with_its_own_pixels(visitor: Visitor, field: Field) -> None:
    coloured(field, 6400, 300)
    with Image.open(settings.IMAGES_DIR / field.file) as image:
        stored = np.asarray(image.convert("RGB"))
    desk = Desk(visitor.page("ana"), field).open()

    def shown() -> bool:
        found = seen(desk.page)
        left, top = corner(desk, found)
        return np.array_equal(found[top : top + 300], stored[:, -left : -left + found.shape[1]])

    assert soon(desk.page, shown)


@pytest.mark.parametrize(("name", "place"), [("hematoxylin", 0), ("eosin", 1)])
def test_a_stain_alone_is_that_of_scikit_image(visitor: Visitor, field: Field, name: str, place: int) -> None:
    stored = coloured(field, 400, 300)
    stains = rgb2hed(stored)
    alone = np.zeros_like(stains)
    alone[..., place] = stains[..., place]
    wanted = np.clip(hed2rgb(alone) * 255, 0, 255)
    desk = Desk(visitor.page("ana"), field).open()
    desk.page.get_by_text("Picture", exact=True).click()
    desk.page.get_by_label("Stain").select_option(name)
    expect(desk.page.locator("#adjusted")).to_be_visible()
    assert soon(desk.page, lambda: np.abs(of_field(desk, seen(desk.page)).astype(float) - wanted).max() <= 1.0)
    desk.page.get_by_role("button", name="See it as it is").click()
    assert soon(desk.page, lambda: np.array_equal(of_field(desk, seen(desk.page)), stored))


def test_sliders_change_what_is_seen_and_a_reload_knows_it(visitor: Visitor, field: Field) -> None:
    stored = coloured(field, 400, 300)
    desk = Desk(visitor.page("ana"), field).open()
    desk.page.get_by_text("Picture", exact=True).click()
    desk.page.get_by_label("Brightness").fill("40")
    assert soon(desk.page, lambda: of_field(desk, seen(desk.page)).mean() > stored.mean() + 20)
    desk.page.reload()
    expect(desk.canvas).to_have_attribute("data-ready", "true")
    expect(desk.page.locator("#adjusted")).to_be_visible()
    desk.press("Shift+V")
    expect(desk.page.locator("#adjusted")).to_be_hidden()


def test_a_known_length_becomes_the_scale(site: Site, visitor: Visitor, field: Field) -> None:
    coloured(field, 400, 300)
    desk = Desk(visitor.page("rui"), field).open()
    desk.press("Shift+U")
    desk.drag((100, 100), (200, 100))
    expect(desk.page.locator("#ruler-length")).to_have_text("100.0 px · scale unknown")
    desk.page.locator("#ruler-um").fill("10")
    desk.page.get_by_role("button", name="Set the scale").click()
    expect(desk.page.locator("#scale-length")).to_contain_text("µm")
    with site.still():
        field.refresh_from_db()
        assert (field.um_per_px, field.um_source) == (0.1, "calibrated")


def test_who_does_not_review_measures_and_sets_no_scale(visitor: Visitor, field: Field) -> None:
    coloured(field, 400, 300)
    desk = Desk(visitor.page("ana"), field).open()
    desk.press("Shift+U")
    desk.drag((100, 100), (100, 150))
    expect(desk.page.locator("#ruler-length")).to_contain_text("50.0 px")
    expect(desk.page.locator("#ruler-form")).to_be_hidden()


def test_tiles_are_screened_one_by_one_and_what_was_missed_is_told(visitor: Visitor, field: Field, axe: Axe) -> None:
    coloured(field, 3000, 2000)
    desk = Desk(visitor.page("ana"), field).open(at_actual_size=False)
    words = desk.page.locator("#screening-words")
    desk.press("Shift+J")
    expect(words).to_have_text("Tile 1 of 6 · 1 seen")
    desk.press("Shift+J")
    expect(words).to_have_text("Tile 2 of 6 · 2 seen")
    assert axe(desk.page) == []
    desk.page.reload()
    expect(words).to_contain_text("2 seen")
    desk.press("Control+Enter")
    expect(desk.page.locator("#finish-notes")).to_contain_text("4 of 6 tiles were never looked at")
    desk.press("Escape")
    expect(desk.page.get_by_role("dialog")).to_be_hidden()
    for seen in range(3, 7):
        desk.press("Shift+J")
        expect(words).to_contain_text(f"{seen} seen")
    desk.press("Shift+J")
    expect(desk.page.locator("#said")).to_have_text("Every tile was looked at.")


def test_who_begins_before_the_picture_is_there_is_not_thrown_back(visitor: Visitor, field: Field) -> None:
    coloured(field, 3000, 2000)
    desk = Desk(visitor.page("ana"), field)
    held: list[Route] = []
    desk.page.route("**/picture/**", lambda route: held.append(route))
    desk.page.goto(f"/projects/{field.project.key}/fields/{field.code}/")
    words = desk.page.locator("#screening-words")
    contour = desk.page.locator("[data-command='tool.contour']").first
    expect(contour).to_have_attribute("aria-pressed", "false")
    desk.press("Shift+J", "Shift+D")
    expect(words).to_have_text("Tile 1 of 6 · 0 seen")
    desk.page.wait_for_timeout(700)  # longer than a look: what was not shown was not seen
    expect(words).to_have_text("Tile 1 of 6 · 0 seen")
    desk.press("Control+Enter", "Escape")
    expect(desk.canvas).to_be_focused()
    for route in held:
        route.continue_()
    expect(desk.canvas).to_have_attribute("data-ready", "true")
    expect(words).to_have_text("Tile 1 of 6 · 1 seen")
    expect(contour).to_have_attribute("aria-pressed", "true")


# The browser takes the focus out of a dialog that has closed only at its next frame.
AT_ONCE = """() => {
  const inside = document.querySelector("#finish input");
  inside.focus();
  document.querySelector("#finish").close();
  inside.dispatchEvent(new KeyboardEvent("keydown", { key: "J", shiftKey: true, bubbles: true, cancelable: true }));
}"""


def test_a_key_counts_that_comes_as_soon_as_a_dialog_has_closed(visitor: Visitor, field: Field) -> None:
    coloured(field, 3000, 2000)
    desk = Desk(visitor.page("ana"), field).open(at_actual_size=False)
    desk.press("Control+Enter")
    expect(desk.page.get_by_role("dialog")).to_be_visible()
    desk.page.evaluate(AT_ONCE)
    expect(desk.page.locator("#screening-words")).to_have_text("Tile 1 of 6 · 1 seen")


def test_colours_can_be_chosen_that_need_no_red_and_green(visitor: Visitor, field: Field) -> None:
    coloured(field, 400, 300)
    desk = Desk(visitor.page("ana"), field).open()
    line = desk.page.locator("tr:has([data-class=blast]) .swatch-line")
    expect(line).to_have_attribute("stroke-dasharray", "none")
    desk.page.get_by_text("Picture", exact=True).click()
    desk.page.get_by_label("Colours").select_option("distinct")
    expect(line).to_have_attribute("stroke-dasharray", "6 3")
