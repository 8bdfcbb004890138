"""What each role finds in its browser: the rooms it may enter, and no button that it may not press."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from annotation.models import Field
from tests.browser.conftest import Site, Visitor
from tests.cast import PASSWORD
from tests.house.access_world import make_world
from tests.learning.conftest import home

__all__ = ["home"]

EVERYBODYS = {
    "cases/": {"Show"},
    "cases/{case}/": {"Show"},
    "ontology/": set[str](),
    "settings/": {"Classes (28)", "Round defaults", "Room on the disk", "Rounds by themselves"},
    "rounds/": set[str](),
    "rounds/1/": set[str](),
    "models/": {"Look at one cell", "By family", "Compare two"},
    "models/t1/": {"Its errors", "Compare"},
}
LABELS = {"cases/{case}/": {"Label {field}"}}
REVIEWS = {"cases/{case}/": {"Sign off 1 labelled field", "Sign off {labelled}"}}
RUNS = {
    "rounds/": {"Start a round"},
    "rounds/1/": {"Close the labelling…", "Same as this, but…"},
    "models/t1/": {"Download", "Its predictions", "Promote"},
    "data/": {"Upload fields", "Import a data set", "Export", "Releases (1)"},
}
ADMINISTERS = {
    "ontology/": {"Add a class"},
    "settings/": {"Save the settings", "Notices and webhook"},
    "people/": {
        "Save",
        *(f"{deed} {name}" for deed in ("Password link for", "Remove") for name in ("ana", "rui", "lea", "ada")),
        "Make an invitation link",
        "Withdraw",
    },
}
ROLES = {
    "ana": (["Overview", "Queue", "Cases", "Rounds", "Models", "Settings"], [LABELS]),
    "rui": (["Overview", "Queue", "Cases", "Rounds", "Models", "Settings"], [LABELS, REVIEWS]),
    "lea": (["Overview", "Cases", "Rounds", "Models", "Data", "Settings"], [RUNS]),
    "ada": (
        ["Overview", "Queue", "Cases", "Rounds", "Models", "Data", "People", "Settings"],
        [LABELS, REVIEWS, RUNS, ADMINISTERS],
    ),
}


ALL = sorted({path for one in (EVERYBODYS, LABELS, REVIEWS, RUNS, ADMINISTERS) for path in one})


def sign_in(page: Page, who: str) -> None:
    page.goto("/projects/study/")
    page.get_by_label("Username").fill(who)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()


def rooms_of(page: Page) -> list[str]:
    links = page.get_by_role("navigation", name="Project").get_by_role("link").all()
    return [link.inner_text() for link in links][1:]  # the first is the project itself


def buttons_of(page: Page) -> set[str]:
    found = page.locator("main :is(button, a.btn):visible").all()
    return {re.sub(r"\s+", " ", one.inner_text()).strip() for one in found}


@pytest.mark.parametrize("who", ROLES)
def test_each_role_finds_its_rooms_and_buttons(site: Site, visitor: Visitor, home: Path, who: str) -> None:
    with site.still():
        places = make_world(site.cast).places
        labelled = Field.objects.labelled().get().code
    rooms, more = ROLES[who]
    page = visitor.page("nobody")
    sign_in(page, who)
    expect(page.get_by_role("heading", level=1)).to_have_text("Study")
    assert rooms_of(page) == rooms
    allowed = {path: set().union(EVERYBODYS.get(path, ()), *(one.get(path, ()) for one in more)) for path in ALL}
    visitor.expected = ["status of 403"]
    for path, buttons in allowed.items():
        answer = page.goto("/projects/study/" + path.format(case=places["cases/pk"]))
        assert answer is not None
        may_enter = path in EVERYBODYS or any(path in one for one in more)
        assert answer.status == (200 if may_enter else 403), path
        if may_enter:
            assert buttons_of(page) == {one.format(field=places["code"], labelled=labelled) for one in buttons}, path


def test_an_outsider_sees_no_project(site: Site, visitor: Visitor) -> None:
    visitor.expected = ["status of 404"]
    page = visitor.page("nobody")
    sign_in(page, "otto")
    expect(page.get_by_role("heading", level=1)).to_have_text("Not found")
    page.goto("/")
    expect(page.get_by_role("heading", level=1)).to_have_text("Projects")
    assert "study" not in page.content().lower()
    page.goto("/projects/study/rounds/")
    expect(page.get_by_role("navigation", name="Project")).to_have_count(0)


def test_nobody_signs_in_first_and_out_again(site: Site, visitor: Visitor) -> None:
    page = visitor.page("nobody")
    page.goto("/projects/study/rounds/")
    expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")
    page.get_by_label("Username").fill("lea")
    page.get_by_label("Password").fill("something else")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_contain_text("password")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Rounds")
    page.locator("summary", has_text="lea").click()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")
    page.go_back()
    page.reload()
    expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")
