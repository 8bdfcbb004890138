"""The keys of the workbench that a person has changed: kept for that person alone, in all projects."""

from __future__ import annotations

from typing import Any

import pytest

from annotation.models import KeyBindings
from tests.annotation.calling import call
from tests.cast import Cast
from tests.learning import rows

CHANGED = {"tool.circle": ["Shift+B"], "tool.box": []}


def test_keys_are_kept_for_a_person_and_told_with_a_field(cast: Cast) -> None:
    ana = cast.client("ana")
    assert call(ana, "get", "keys/") == {"bindings": {}}
    assert call(ana, "put", "keys/", {"bindings": CHANGED}) == {"bindings": CHANGED}
    field = rows.field(cast.project)
    assert call(ana, "get", f"projects/study/fields/{field.code}/workbench/")["keys"] == CHANGED
    assert call(cast.client("rui"), "get", "keys/") == {"bindings": {}}


def test_they_are_changed_as_a_whole_and_taken_back(cast: Cast) -> None:
    ana = cast.client("ana")
    call(ana, "put", "keys/", {"bindings": CHANGED})
    call(ana, "put", "keys/", {"bindings": {"cell.delete": ["Ctrl+X"]}})
    assert call(ana, "get", "keys/")["bindings"] == {"cell.delete": ["Ctrl+X"]}
    call(ana, "put", "keys/", {"bindings": {}})
    assert KeyBindings.objects.get().bindings == {}


@pytest.mark.parametrize(
    ("bindings", "said"),
    [
        ({"tool.circle": ["Shift+B"], "tool.box": ["Shift+B"]}, "the key of two commands"),
        ({"tool.circle": ["l"]}, "Plain letters"),
        ({"tool circle": ["Shift+B"]}, "no name of a command"),
        ({f"a.{number}": [] for number in range(301)}, "at most 300"),
    ],
)
def test_what_no_page_sends_is_refused(cast: Cast, bindings: Any, said: str) -> None:
    answer = call(cast.client("ana"), "put", "keys/", {"bindings": bindings}, status=422)
    assert said in answer["message"]
    assert not KeyBindings.objects.exists()
