"""The workbench in a real browser: drawing, changing, classing, undoing, deciding about predictions, finishing."""

from __future__ import annotations

import math
import re

import pytest
from django.conf import settings
from django.db.models import F, Value
from django.db.models.functions import Concat
from playwright.sync_api import expect

from annotation.models import Cell, CellClass, Field, Prediction, Reading, ReadingState, ReferenceCell, Rejection
from learning.models import Deployment, Run
from learning.states import RunState
from tests.browser.conftest import Axe, Site, Visitor
from tests.browser.desk import Desk, predict
from tests.learning import rows


@pytest.fixture
def field(site: Site) -> Field:
    settings.IMAGES_DIR.mkdir(exist_ok=True)
    made = rows.field(site.cast.project, size=400)
    made.um_per_px = 0.1
    made.save()
    return rows.picture(made)


@pytest.fixture
def desk(visitor: Visitor, field: Field) -> Desk:
    return Desk(visitor.page("ana"), field).open()


def cells(site: Site) -> list[Cell]:
    with site.still():
        return list(Cell.objects.alive().select_related("cell_class").order_by("pk"))


def rounded(cell: Cell) -> list[int]:
    return [round(value) for value in cell.points]


def test_a_circle_is_drawn_from_its_middle_and_classed_by_key(site: Site, desk: Desk) -> None:
    desk.press("Shift+C")
    desk.drag((100, 100), (130, 100))
    desk.press("l")
    expect(desk.selection).to_contain_text("Lymphocyte")
    expect(desk.selection).to_contain_text("6.00 µm · 60.0 px")
    desk.expect_saved()
    (cell,) = cells(site)
    assert (cell.kind, rounded(cell), cell.cell_class.key) == ("circle", [100, 100, 30], "lym")
    assert cell.provenance == "drawn"


def test_a_click_places_a_circle_like_the_last_one_of_the_last_class(site: Site, desk: Desk) -> None:
    desk.press("Shift+C", "l")
    desk.drag((100, 100), (125, 100))
    desk.click(250, 200)
    desk.expect_saved()
    assert [(rounded(cell), cell.cell_class.key) for cell in cells(site)] == [
        ([100, 100, 25], "lym"),
        ([250, 200, 25], "lym"),
    ]


def test_a_class_of_two_keys(site: Site, desk: Desk) -> None:
    desk.press("Shift+C")
    desk.drag((100, 100), (130, 100))
    desk.press("g")
    expect(desk.page.locator("#prefix")).to_contain_text("Promyelocyte")
    desk.press("5")
    expect(desk.count("seg")).to_have_text("1")
    desk.expect_saved()
    assert cells(site)[0].cell_class.key == "seg"


def test_a_contour_is_drawn_corner_by_corner(site: Site, desk: Desk) -> None:
    desk.press("Shift+D", "e", "1")
    for place in ((100, 100), (160, 100), (200, 200), (160, 160), (100, 160)):
        desk.click(*place)
    desk.press("Backspace", "Backspace")
    desk.click(160, 160)
    desk.click(100, 160)
    desk.click(101, 101)  # its first corner closes it
    desk.expect_saved()
    (cell,) = cells(site)
    assert cell.kind == "contour"
    assert cell.cell_class.key == "proery"
    corners = [100, 100, 160, 100, 200, 200, 160, 160, 100, 160]
    assert rounded(cell) == corners


def test_a_contour_is_drawn_in_one_go(site: Site, desk: Desk) -> None:
    ring = [(200 + 50 * math.cos(turn / 8), 200 + 50 * math.sin(turn / 8)) for turn in range(50)]
    desk.press("Shift+D")
    desk.drag(*ring)
    desk.expect_saved()
    (cell,) = cells(site)
    assert cell.kind == "contour"
    assert cell.x1 - cell.x0 == pytest.approx(100, abs=3)
    assert 8 <= len(cell.points) / 2 <= 60


def test_escape_gives_a_contour_up_and_enter_closes_one(site: Site, desk: Desk) -> None:
    desk.press("Shift+D")
    desk.click(100, 100)
    desk.click(160, 100)
    desk.press("Escape")
    for place in ((200, 200), (260, 200), (260, 260)):
        desk.click(*place)
    desk.press("Enter")
    desk.expect_saved()
    assert [rounded(cell) for cell in cells(site)] == [[200, 200, 260, 200, 260, 260]]


def test_a_contour_that_crosses_itself_is_refused_and_stays_to_be_mended(site: Site, desk: Desk) -> None:
    desk.press("Shift+D")
    for place in ((100, 100), (200, 200), (200, 100), (100, 200)):
        desk.click(*place)
    desk.press("Enter")
    expect(desk.page.locator("#said")).to_contain_text("crosses itself")
    desk.press("Backspace", "Enter")
    desk.expect_saved()
    assert [len(cell.points) for cell in cells(site)] == [6]


def test_cells_are_moved_resized_and_deleted(site: Site, desk: Desk) -> None:
    desk.press("Shift+C")
    desk.drag((100, 100), (130, 100))
    desk.press("Shift+S")
    desk.drag((130, 100), (150, 100))  # its handle
    desk.drag((100, 100), (180, 200))  # its inside
    desk.press("ArrowRight", "Shift+ArrowDown")
    desk.expect_saved()
    assert rounded(cells(site)[0]) == [181, 210, 50]
    desk.press("Delete")
    expect(desk.selection).to_contain_text("Nothing is selected")
    desk.expect_saved()
    assert cells(site) == []


def test_alt_and_the_wheel_change_the_size_in_one_step(site: Site, desk: Desk) -> None:
    desk.press("Shift+C")
    desk.drag((200, 200), (240, 200))
    desk.press("Shift+S")
    desk.page.mouse.move(*desk.on_screen(200, 200))
    desk.page.keyboard.down("Alt")
    for _ in range(3):
        desk.page.mouse.wheel(0, -120)
    desk.page.keyboard.up("Alt")
    expect(desk.selection).to_contain_text("92.6 px")
    desk.press("Control+z")
    expect(desk.selection).to_contain_text("80.0 px")
    desk.expect_saved()
    assert rounded(cells(site)[0]) == [200, 200, 40]


def test_corners_are_pulled_inserted_and_removed(site: Site, desk: Desk) -> None:
    desk.press("Shift+D")
    for place in ((100, 100), (200, 100), (200, 200), (100, 200)):
        desk.click(*place)
    desk.press("Enter", "Shift+S")
    desk.drag((200, 200), (230, 230))
    desk.drag((150, 100), (150, 80))
    desk.expect_saved()
    assert rounded(cells(site)[0]) == [100, 100, 150, 80, 200, 100, 230, 230, 100, 200]
    desk.page.keyboard.down("Alt")
    desk.click(230, 230)
    desk.page.keyboard.up("Alt")
    expect(desk.selection).to_contain_text("contour")
    desk.expect_saved()
    assert rounded(cells(site)[0]) == [100, 100, 150, 80, 200, 100, 100, 200]


def test_undo_and_redo_are_saved_too(site: Site, desk: Desk) -> None:
    desk.press("Shift+C")
    desk.drag((100, 100), (130, 100))
    desk.press("l")
    desk.press("Control+z", "Control+z")
    desk.expect_saved()
    assert cells(site) == []
    desk.press("Control+Shift+z", "Control+Shift+z")
    expect(desk.count("lym")).to_have_text("1")
    desk.expect_saved()
    assert [cell.cell_class.key for cell in cells(site)] == ["lym"]


def test_what_is_selected_is_told_and_a_second_click_reaches_what_lies_below(desk: Desk) -> None:
    desk.press("Shift+C", "l")
    desk.drag((200, 200), (280, 200))
    desk.press("Escape", "p")
    desk.drag((210, 200), (230, 200))
    desk.press("Shift+S", "Escape")
    desk.click(210, 200)
    expect(desk.selection).to_contain_text("Plasma cell")
    desk.click(210, 200)
    expect(desk.selection).to_contain_text("Lymphocyte")
    desk.page.keyboard.down("Shift")
    desk.drag((90, 90), (310, 310))
    desk.page.keyboard.up("Shift")
    expect(desk.selection).to_contain_text("2 cells selected")


def test_predictions_are_accepted_corrected_and_rejected(site: Site, visitor: Visitor, field: Field) -> None:
    predict(field, ("seg", 0.9, 100, 100, 30), ("lym", 0.8, 250, 100, 30), ("myc", 0.7, 100, 250, 30))
    desk = Desk(visitor.page("ana"), field).open()
    expect(desk.page.locator("#prediction-count")).to_have_text("3 shown of 3 open; 0 decided")
    desk.click(100, 100)
    expect(desk.selection).to_contain_text("Predicted by s1, score 0.90")
    desk.press("Enter")
    expect(desk.selection).to_contain_text("Predicted by s1, score 0.90; accepted")
    desk.click(250, 100)
    desk.drag((250, 100), (260, 110))
    desk.click(100, 250)
    desk.press("Backspace")
    expect(desk.page.locator("#prediction-count")).to_have_text("0 shown of 0 open; 3 decided")
    desk.expect_saved()
    assert [(rounded(cell), cell.provenance) for cell in cells(site)] == [
        ([100, 100, 30], "accepted"),
        ([260, 110, 30], "corrected"),
    ]
    with site.still():
        assert Rejection.objects.get(withdrawn_at=None).prediction.cell_class.key == "myc"
        assert Prediction.objects.count() == 3
    desk.page.reload()
    expect(desk.page.locator("#prediction-count")).to_have_text("0 shown of 0 open; 3 decided")


def test_the_score_slider_shows_and_counts_and_all_shown_are_one_step(
    site: Site, visitor: Visitor, field: Field
) -> None:
    predict(field, *(("seg", 0.05 + index / 20, 40 + 18 * index, 200, 12) for index in range(19)))
    desk = Desk(visitor.page("ana"), field).open()
    slider = desk.page.get_by_label("Score from")
    slider.fill("75")
    expect(desk.page.locator("#prediction-count")).to_have_text("5 shown of 19 open; 0 decided")
    desk.canvas.focus()
    desk.press("Shift+Enter")
    expect(desk.page.get_by_role("dialog")).to_contain_text("Accept all 5 predictions")
    desk.page.get_by_role("button", name="Yes").click()
    expect(desk.count("seg")).to_have_text("5")
    desk.press("Control+z")
    expect(desk.count("seg")).to_have_text("")
    expect(desk.page.locator("#prediction-count")).to_have_text("5 shown of 19 open; 0 decided")
    desk.expect_saved()
    assert cells(site) == []


def test_space_goes_to_the_most_uncertain_prediction(visitor: Visitor, field: Field) -> None:
    predict(field, ("seg", 0.9, 100, 100, 30), ("lym", 0.62, 250, 100, 30), ("myc", 0.75, 100, 250, 30))
    desk = Desk(visitor.page("ana"), field).open()
    desk.press("Space")
    expect(desk.selection).to_contain_text("Lymphocyte")
    desk.press("Space")
    expect(desk.selection).to_contain_text("Myelocyte")


def test_a_field_is_labelled_by_keys_alone(site: Site, visitor: Visitor, field: Field) -> None:
    predict(field, ("seg", 0.9, 100, 100, 30), ("lym", 0.6, 250, 100, 30))
    page = visitor.page("ana")
    page.goto(f"/projects/{field.project.key}/fields/{field.code}/")
    desk = Desk(page, field)
    expect(desk.canvas).to_be_focused()
    desk.press("Space", "Enter", "p")  # the uncertain one is accepted and gets another class
    desk.press("Space", "Enter")
    desk.press("Shift+N", "e", "2", "Alt+ArrowUp")  # a circle in the middle of the view
    expect(desk.count("basery")).to_have_text("1")
    desk.press("]")
    expect(desk.selection).to_contain_text(re.compile("Segmented|Plasma|Basophilic"))
    desk.press("Control+Enter")
    expect(page.get_by_role("dialog")).to_contain_text("3 cells are labelled")
    desk.press("Tab", "Enter")
    expect(page.get_by_role("alert")).to_contain_text("Say whether every countable cell is labelled")
    desk.press("Space", "Enter")
    expect(page).to_have_url(re.compile("/queue/$"))
    with site.still():
        reading = Reading.objects.get()
        assert (reading.state, reading.exhaustive) == (ReadingState.SUBMITTED, True)
        kinds = sorted(Cell.objects.alive().values_list("cell_class__key", flat=True))
    assert kinds == ["basery", "plasma", "seg"]


def test_a_class_is_found_by_typing(desk: Desk) -> None:
    desk.press("Shift+C")
    desk.drag((100, 100), (130, 100))
    desk.press("/")
    desk.page.keyboard.type("orthoch")
    desk.press("Enter")
    expect(desk.selection).to_contain_text("Orthochromatic erythroblast")
    expect(desk.canvas).to_be_focused()


def test_the_differential_may_be_kept_to_classes_that_occur(desk: Desk) -> None:
    desk.press("Shift+C", "l")
    desk.drag((100, 100), (120, 100))
    desk.drag((200, 100), (220, 100))
    desk.press("e", "3")
    shown = desk.page.locator("#classes-body tr:visible")
    assert shown.count() > 20
    desk.page.get_by_label("Only classes that occur").check()
    expect(shown).to_have_count(2)
    expect(shown.nth(0)).to_contain_text("150.0")
    expect(desk.page.locator("#differential-sum")).to_contain_text("M:E0.0 0:1")
    desk.press("Delete")
    expect(shown).to_have_count(1)


def test_a_submitted_reading_is_only_looked_at_until_it_is_reopened(site: Site, visitor: Visitor, field: Field) -> None:
    with site.still():
        made = rows.reading(field, {"seg": 2}, source="drawn")
        made.author = site.cast.ana
        made.save()
    mine = Desk(visitor.page("ana"), field).open()
    expect(mine.page.locator("#banner")).to_contain_text("your reading, submitted")
    mine.press("Shift+C")
    mine.drag((200, 200), (230, 200))
    expect(mine.count("seg")).to_have_text("2")
    expect(mine.page.locator("#differential-sum")).to_contain_text("Counted2")
    theirs = visitor.page("rui")
    theirs.goto(f"/projects/study/fields/{field.code}/")
    theirs.get_by_role("button", name="Reopen").click()
    theirs.get_by_label("Why?").fill("Two cells are missing.")
    theirs.get_by_role("dialog").get_by_role("button", name="Reopen").click()
    expect(theirs).to_have_url(re.compile("/queue/$"))
    mine.open()
    mine.press("Shift+C")
    mine.drag((200, 200), (230, 200))
    mine.expect_saved()
    assert len(cells(site)) == 3


def test_a_field_is_labelled_anew_from_what_is_there(site: Site, visitor: Visitor, field: Field) -> None:
    with site.still():
        rows.reading(field, {"seg": 2})
    desk = Desk(visitor.page("ana"), field).open()
    expect(desk.page.locator("#banner")).to_contain_text("a reading that was imported")
    desk.page.get_by_role("button", name="Label it anew").click()
    expect(desk.page.locator("#banner")).to_be_hidden()
    expect(desk.count("seg")).to_have_text("2")
    with site.still():
        assert Reading.objects.get(author=site.cast.ana).cells.count() == 2
        assert Cell.objects.count() == 4


def test_an_engineer_looks_and_changes_nothing(site: Site, visitor: Visitor, field: Field) -> None:
    desk = Desk(visitor.page("lea"), field).open()
    expect(desk.page.locator("#banner")).to_contain_text(
        "Nobody has labelled this field. You may look at it, but not label."
    )
    expect(desk.page.get_by_role("button", name="Draw circles")).to_be_disabled()
    with site.still():
        assert not Reading.objects.exists()


def test_an_address_leads_to_a_cell(site: Site, visitor: Visitor, field: Field) -> None:
    with site.still():
        made = rows.reading(field, {"seg": 3})
        cell = made.cells.all()[1]
    page = visitor.page("lea")
    page.goto(f"/projects/study/fields/{field.code}/?cell={cell.uuid}")
    expect(page.locator("#selection")).to_contain_text("Segmented neutrophil")


def test_an_address_leads_to_a_place(visitor: Visitor, field: Field) -> None:
    page = visitor.page("lea")
    page.goto(f"/projects/study/fields/{field.code}/?at=30,40,2")
    expect(page.locator("#canvas")).to_have_attribute("data-ready", "true")
    zoom = page.locator("#zoom")
    expect(zoom).to_have_text(re.compile(r"([5-9]|\d\d)\d\d %"))  # four pixels are nothing at 100 %


def test_a_reviewer_keeps_a_cell_as_a_reference(site: Site, visitor: Visitor, field: Field) -> None:
    desk = Desk(visitor.page("rui"), field).open()
    desk.press("Shift+C", "l")
    desk.drag((100, 100), (130, 100))
    desk.expect_saved()
    desk.page.locator("details.guideline summary").click()
    expect(desk.page.locator("#guideline")).to_contain_text("No reference cells are chosen for this class")
    desk.page.get_by_role("button", name="Keep as a reference").click()
    picture = desk.page.get_by_role("img", name="Reference cell: Lymphocyte")
    expect(picture).to_be_visible()
    with site.still():
        assert ReferenceCell.objects.get().cell_class.key == "lym"
    desk.open()
    desk.page.locator("details.guideline summary").click()
    desk.press("Escape", "l")
    expect(desk.page.get_by_role("img", name="Reference cell: Lymphocyte")).to_be_visible()


def test_an_annotator_keeps_no_references(site: Site, desk: Desk) -> None:
    desk.press("Shift+C", "l")
    desk.drag((100, 100), (130, 100))
    desk.expect_saved()
    expect(desk.page.get_by_role("button", name="Keep as a reference")).to_be_hidden()
    with site.still():
        answer = site.cast.client("ana").post("/projects/study/references/", {"cell": str(Cell.objects.get().uuid)})
    assert answer.status_code == 403


def test_a_model_predicts_on_the_field_now(site: Site, visitor: Visitor, field: Field) -> None:
    with site.still():
        model = rows.model(field.project, "s1")
        Deployment.objects.create(project=field.project, model=model)
    desk = Desk(visitor.page("ana"), field).open()
    desk.press("*")
    expect(desk.page.locator("#said")).to_have_text("The model is looking at this field.")
    expect(desk.page.locator("#prediction-count")).to_contain_text("None here")
    with site.still():
        predict(field, ("seg", 0.9, 100, 100, 30), ("lym", 0.2, 250, 100, 30))
        Run.objects.update(state=RunState.SUCCEEDED)
    expect(desk.page.locator("#said")).to_have_text("The model suggests 2 cells.")
    expect(desk.page.locator("#prediction-count")).to_have_text("1 shown of 2 open; 0 decided")


def test_without_a_model_the_page_says_what_to_do(site: Site, visitor: Visitor, field: Field) -> None:
    visitor.expected = ["422"]
    with site.still():
        # The starter weights do not know such classes either.
        CellClass.objects.filter(project=field.project).update(key=Concat(Value("x"), F("key")))
    desk = Desk(visitor.page("ana"), field).open()
    desk.press("*")
    expect(desk.page.locator("#said")).to_contain_text("an engineer must run a round first")


def test_keys_and_menu_come_from_the_commands(desk: Desk) -> None:
    desk.press("?")
    dialog = desk.page.get_by_role("dialog", name="Keys")
    expect(dialog).to_contain_text("Go to the next uncertain prediction")
    expect(dialog).to_contain_text("Lymphocyte")
    desk.press("Escape")
    desk.page.locator("#menu summary").click()
    desk.page.locator("#menu-body").get_by_text("Draw contours").click()
    expect(desk.page.get_by_role("button", name="Draw contours", pressed=True).first).to_be_visible()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing(visitor: Visitor, field: Field, axe: Axe, theme: str) -> None:
    predict(field, ("seg", 0.9, 100, 100, 30), ("lym", 0.8, 250, 100, 30))
    desk = Desk(visitor.page("ana", color_scheme=theme), field).open()
    desk.click(100, 100)
    assert axe(desk.page) == []
    desk.press("Enter")
    desk.page.locator("details.guideline summary").click()
    assert axe(desk.page) == []
    desk.press("?")
    assert axe(desk.page) == []
    desk.press("Escape", "Control+Enter")
    assert axe(desk.page) == []


def test_without_scripts_the_picture_is_there(visitor: Visitor, field: Field) -> None:
    page = visitor.page("ana", java_script_enabled=False)
    page.goto(f"/projects/study/fields/{field.code}/")
    expect(page.get_by_text("Labelling needs JavaScript")).to_be_visible()
    expect(page.get_by_role("img", name=f"Field {field.code}")).to_be_visible()


def test_on_a_narrow_screen_field_and_panel_are_both_reached(visitor: Visitor, field: Field, axe: Axe) -> None:
    desk = Desk(visitor.page("ana", viewport={"width": 390, "height": 800}), field).open()
    expect(desk.canvas).to_be_visible()
    desk.page.get_by_role("searchbox", name="Find a class").scroll_into_view_if_needed()
    expect(desk.page.get_by_role("searchbox", name="Find a class")).to_be_in_viewport()
    wide = desk.page.evaluate("() => document.documentElement.scrollWidth")
    assert wide <= 390
    assert axe(desk.page) == []
