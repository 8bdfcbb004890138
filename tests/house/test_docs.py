"""The documentation names every command with its options, and its links lead somewhere."""

from __future__ import annotations

import re
from argparse import ArgumentParser
from pathlib import Path

import pytest
from django.core.management import BaseCommand, get_commands, load_command_class

from tests.house.processes import ROOT

OURS = {"annotation", "learning", "config"}
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md"), *(ROOT / "models_zoo").rglob("*.md")])
LARGEST_PICTURE = 300_000


def options(parser: ArgumentParser) -> set[str]:
    return {name for action in parser._actions for name in action.option_strings if name.startswith("--")}


def sections(page: str) -> dict[str, str]:
    """Heading -> the text below it, for the headings that are a command's name."""
    parts = re.split(r"^## `(\w+)`.*$", page, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def test_every_command_and_option_is_documented() -> None:
    written = sections((ROOT / "docs" / "reference" / "commands.md").read_text())
    of_django = options(BaseCommand().create_parser("manage.py", "any"))
    ours = [name for name, app in get_commands().items() if app in OURS]
    assert ours, "no command of our own was found"
    assert sorted(written) == sorted(ours), "a section for each command, and none for another"
    for name in ours:
        parser = load_command_class(str(get_commands()[name]), name).create_parser("manage.py", name)
        own = options(parser) - of_django - {"--json"}
        named = set(re.findall(r"`(--[a-z][a-z-]*)", written[name]))
        assert own - named == set(), f"{name}: options that are not documented"
        assert named - own - of_django - {"--json"} == set(), f"{name}: options that it does not have"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", page.read_text())
    own = [link for link in links if "://" not in link]
    assert [link for link in own if not (page.parent / link).exists()] == []


def test_pictures_are_small() -> None:
    pictures = [file for file in (ROOT / "docs").rglob("*.png") if file.stat().st_size > LARGEST_PICTURE]
    assert [file.name for file in pictures] == []
