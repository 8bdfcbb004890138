"""Every command explains itself and each of its options."""

from __future__ import annotations

from argparse import ArgumentParser, _SubParsersAction
from collections.abc import Iterator

from django.core.management import get_commands, load_command_class

OURS = {"annotation", "learning", "config"}


def parsers(parser: ArgumentParser) -> Iterator[ArgumentParser]:
    """The parser and those of its subcommands."""
    yield parser
    for action in parser._actions:
        if isinstance(action, _SubParsersAction):
            for inner in action.choices.values():
                yield from parsers(inner)


def test_commands_and_options_have_help() -> None:
    ours = {name: app for name, app in get_commands().items() if app in OURS}
    silent = []
    for name, app in ours.items():
        assert isinstance(app, str)
        for parser in parsers(load_command_class(app, name).create_parser("manage.py", name)):
            silent += [] if parser.description else [f"{parser.prog}: no description"]
            silent += [f"{parser.prog} {action.dest}" for action in parser._actions if not action.help]
    assert ours, "no command of our own was found"
    assert silent == []
