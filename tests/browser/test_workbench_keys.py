"""Keys of the workbench: classes by keys, keys that a person changes, and a field labelled without a pointer."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from annotation.models import Cell, Field, KeyBindings
from tests.browser.conftest import Axe, Site, Visitor
from tests.browser.desk import Desk, pictured


@pytest.fixture
def field(site: Site) -> Field:
    return pictured(site.cast.project)


@pytest.fixture
def desk(visitor: Visitor, field: Field) -> Desk:
    return Desk(visitor.page("ana"), field).open()


def test_who_cannot_tell_the_stage_stops_at_the_lineage(desk: Desk) -> None:
    desk.press("Shift+C")
    desk.drag((100, 100), (130, 100))
    desk.press("g")
    expect(desk.page.locator("#prefix")).to_contain_text("Granulocytic cell")
    desk.press("Enter")
    expect(desk.selection).to_contain_text("Granulocytic cell")
    expect(desk.page.locator("#prefix")).to_be_hidden()
    desk.press("e", "e")
    expect(desk.selection).to_contain_text("Erythroid cell")


def test_the_classes_used_last_are_on_the_number_keys(desk: Desk) -> None:
    recent = desk.page.get_by_role("group", name="Classes used last")
    desk.press("l", "p", "e", "2")
    expect(recent.get_by_role("button")).to_have_text(["Lymphocyte1", "Plasma cell2", "Basophilic erythroblast3"])
    desk.press("Shift+C")
    desk.drag((100, 100), (130, 100))
    desk.press("1")
    expect(desk.selection).to_contain_text("Lymphocyte")
    desk.press("3")
    expect(desk.selection).to_contain_text("Basophilic erythroblast")
    desk.expect_saved()
    desk.open()
    expect(recent.get_by_role("button")).to_have_count(3)
    recent.get_by_role("button", name="Plasma cell").click()
    expect(desk.selection).to_contain_text("Plasma cell")
    expect(desk.canvas).to_be_focused()


def change(page: Page, action: str) -> None:
    """Asks for another key of an action, in the open dialog."""
    page.get_by_role("button", name=f"{action}: ").first.click()


def test_a_key_is_changed_for_a_person_in_all_tabs_and_taken_back(site: Site, visitor: Visitor, field: Field) -> None:
    context = visitor.context("ana")
    desk, other = (Desk(context.new_page(), field).open() for _ in range(2))
    page = desk.page
    desk.press("?")
    dialog = page.get_by_role("dialog", name="Keys")
    dialog.get_by_role("button", name="Change keys").click()
    change(page, "Draw circles")
    desk.press("w")
    expect(page.locator("#keys-said")).to_contain_text("Plain letters are the keys of the classes")
    desk.press("Shift+B")
    expect(page.locator("#keys-said")).to_contain_text("Shift B is the key of “Draw boxes”")
    page.get_by_role("button", name="Take it").click()
    expect(page.locator("#keys-said")).to_contain_text("“Draw boxes” lost it")
    expect(page.get_by_role("button", name="Draw boxes: none, change")).to_be_visible()
    change(page, "Draw boxes")
    desk.press("Control+b")
    expect(page.get_by_role("button", name="Draw boxes: Ctrl B, change")).to_be_focused()
    desk.press("Escape")

    desk.press("Shift+B")
    expect(page.get_by_role("button", name="Draw circles", pressed=True).first).to_be_visible()
    other.press("Control+b")  # the other tab knows it too
    expect(other.page.get_by_role("button", name="Draw boxes", pressed=True).first).to_be_visible()
    with site.still():
        kept = KeyBindings.objects.get(user=site.cast.ana).bindings
    assert kept == {"tool.circle": ["Shift+B"], "tool.box": ["Ctrl+B"]}

    desk.open()
    desk.press("?")
    dialog.get_by_role("button", name="Change keys").click()
    page.get_by_role("button", name="Draw circles: back to the key that it comes with").click()
    expect(page.get_by_role("button", name="Draw circles: Shift C, change")).to_be_visible()
    dialog.get_by_role("button", name="Reset all keys").click()
    expect(page.get_by_role("button", name="Draw boxes: Shift B, change")).to_be_visible()
    desk.press("Escape")
    with site.still():
        assert KeyBindings.objects.get(user=site.cast.ana).bindings == {}


def test_keys_that_cannot_be_kept_are_not_shown_as_kept(visitor: Visitor, desk: Desk) -> None:
    visitor.expected = ["503"]
    desk.page.route("**/api/keys/", lambda route: route.fulfill(status=503, json={"message": "Try later."}))
    desk.press("?")
    desk.page.get_by_role("button", name="Change keys").click()
    change(desk.page, "Draw circles")
    desk.press("Shift+F8")
    expect(desk.page.locator("#keys-said")).to_have_text("The keys could not be kept. Try later.")
    expect(desk.page.get_by_role("button", name="Draw circles: Shift C, change")).to_be_visible()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_where_keys_are_changed(visitor: Visitor, field: Field, axe: Axe, theme: str) -> None:
    desk = Desk(visitor.page("ana", color_scheme=theme), field).open()
    desk.press("l", "?")
    desk.page.get_by_role("button", name="Change keys").click()
    change(desk.page, "Draw circles")
    assert axe(desk.page) == []


def test_a_whole_field_is_labelled_by_keyboard_alone(site: Site, visitor: Visitor, field: Field) -> None:
    """No prediction helps, and nothing is clicked: three cells in their places, with classes, sizes and all."""
    page = visitor.page("ana")
    page.goto(f"/projects/{field.project.key}/fields/{field.code}/")
    desk = Desk(page, field)
    expect(desk.canvas).to_be_focused()
    desk.press("9", "Shift+N", "l")  # a circle in the middle of the view
    desk.press("Alt+ArrowUp", "Alt+ArrowUp", *["Shift+ArrowLeft"] * 9, "ArrowUp")
    desk.press("Escape", "Shift+N", "e", "2", *["Shift+ArrowRight"] * 9)
    desk.press("Escape", "Shift+N", "g", "Enter", *["Shift+ArrowDown"] * 9)
    desk.press("[", "1")  # the cell before it, in the order of reading, is a lymphocyte after all
    desk.press("Control+Enter")
    expect(page.get_by_role("dialog")).to_contain_text("3 cells are labelled")
    desk.press("Tab", "Enter")
    expect(page.get_by_role("alert")).to_contain_text("Say whether every countable cell is labelled")
    desk.press("Space", "Enter")
    expect(page).to_have_url(re.compile("/queue/$"))
    with site.still():
        cells = Cell.objects.alive().order_by("pk")
        found = [(cell.cell_class.key, [round(value) for value in cell.points]) for cell in cells]
    assert [key for key, _ in found] == ["lym", "lym", "granulocytic"]
    assert [points[:2] for _, points in found] == [[110, 199], [290, 200], [200, 290]]
    assert found[0][1][2] > found[2][1][2]


def test_who_is_unsure_asks_a_reviewer_answers_and_the_reader_follows(
    site: Site, visitor: Visitor, field: Field, axe: Axe
) -> None:
    ana = Desk(visitor.page("ana"), field).open()
    ana.press("Shift+C", "u")
    ana.drag((100, 100), (130, 100))
    ana.press("s")
    ana.drag((250, 100), (280, 100))
    ana.press("Shift+S", "Escape")
    ana.click(100, 100)
    ana.press("u")
    expect(ana.page.locator("#differential-sum")).to_contain_text("Smudge, artefact50.0 % 1 of 2")
    ana.expect_saved()

    rui = visitor.page("rui")
    rui.goto("/projects/study/queue/")
    rui.get_by_role("link", name="1 cell asks for a second opinion").click()
    expect(rui.get_by_role("img", name=f"The cell on {field.code}")).to_be_visible()
    assert axe(rui) == []
    rui.get_by_label("It is").select_option(label="\N{NO-BREAK SPACE}" * 2 + "Lymphocyte")
    rui.get_by_label("Why").fill("A rim of blue.")
    rui.get_by_role("button", name="Say so").click()
    expect(rui.get_by_text("your opinion, Lymphocyte, is kept for its reader")).to_be_visible()

    ana.open()
    expect(ana.page.locator("#said")).to_have_text("A reviewer answered for one unsure cell.")
    expect(ana.selection).to_contain_text("Not identifiable")
    expect(ana.page.locator("#opinions")).to_contain_text("Second opinion by rui: Lymphocyte")
    assert axe(ana.page) == []
    ana.page.get_by_role("button", name="Follow: Lymphocyte").click()
    expect(ana.selection).to_contain_text("Lymphocyte")
    expect(ana.page.get_by_role("button", name="Follow: Lymphocyte")).to_be_hidden()
    ana.expect_saved()
    with site.still():
        assert sorted(Cell.objects.alive().values_list("cell_class__key", flat=True)) == ["lym", "smudge"]


def test_the_palette_finds_classes_and_actions(desk: Desk, axe: Axe) -> None:
    palette = desk.page.get_by_role("dialog", name="Find a class or an action")
    desk.press("Shift+C")
    desk.drag((100, 100), (130, 100))
    desk.press("Control+k")
    desk.page.keyboard.type("orthoch")
    expect(palette.get_by_role("option", selected=True)).to_contain_text("Orthochromatic erythroblast")
    assert axe(desk.page) == []
    desk.press("Enter")
    expect(desk.selection).to_contain_text("Orthochromatic erythroblast")
    desk.press("Control+k")
    desk.page.keyboard.type("lock the sel")
    desk.press("Enter")
    expect(desk.selection).to_contain_text("circle, locked")
    expect(desk.canvas).to_be_focused()
