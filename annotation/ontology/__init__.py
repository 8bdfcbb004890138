"""Ontologies: trees of cell classes kept as TOML. Pure: knows no database.

A file holds `name` and a list of `[[class]]` tables; ClassEntry says which keys they have and what is the default.
"""

from __future__ import annotations

import re
import tomllib
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, Literal

import msgspec

from annotation.errors import Refused
from annotation.labels import normal

_FOLDER = Path(__file__).parent
_COLOUR = re.compile(r"#[0-9A-Fa-f]{6}")
_KEY = re.compile(r"[a-z0-9][a-z0-9_-]{0,59}")
_ID = re.compile(r"[A-Za-z]{1,10}:\w{1,12}")


class OntologyError(Refused):
    """The file is not an ontology; the message names the file and the entry."""


LONGEST_GUIDELINE = 4000


@dataclass(frozen=True, slots=True)
class ClassEntry:
    """One class. `parent` is the key of the class it rolls up to; `hotkey` one key, or two struck one after another.

    `guideline` says in words how to tell it.
    """

    key: str
    name: str
    colour: str
    aliases: tuple[str, ...] = ()
    parent: str = ""
    tier: Literal[0, 1, 2] = 0
    lineage: str = ""
    line: Literal["solid", "dashed", "dotted"] = "solid"
    hotkey: str = ""
    ontology_id: str = ""
    counted: bool = True
    kind: Literal["cell", "artefact", "unsure"] = "cell"
    guideline: str = ""

    @property
    def words(self) -> tuple[str, ...]:
        return (self.name, self.lineage, self.hotkey, *self.aliases)


@dataclass(frozen=True, slots=True)
class Ontology:
    """`label` is how a project remembers it: the name of a built-in one, or the file's name."""

    label: str
    name: str
    classes: tuple[ClassEntry, ...]

    def parents_first(self) -> tuple[ClassEntry, ...]:
        """The classes in the file's order, except that no class comes before its parent."""
        waiting, placed = list(self.classes), dict[str, ClassEntry]()
        while waiting:
            entry = next(entry for entry in waiting if not entry.parent or entry.parent in placed)
            placed[entry.key] = entry
            waiting.remove(entry)
        return tuple(placed.values())


def built_in() -> list[str]:
    """Names of the ontologies that come with the product."""
    return sorted(file.stem for file in _FOLDER.glob("*.toml"))


def load(name_or_path: str | Path) -> Ontology:
    """The built-in ontology of that name, or the one in that TOML file. Raises OntologyError."""
    file = _FOLDER / f"{name_or_path}.toml" if str(name_or_path) in built_in() else Path(name_or_path)
    if not file.is_file():
        raise OntologyError(
            f"There is no ontology {str(name_or_path)!r}: give one of {', '.join(built_in())}, or the path of a .toml."
        )
    ontology = parse(file.read_bytes(), file.name)
    return replace(ontology, label=file.stem) if file.parent == _FOLDER else ontology


def parse(content: bytes, name: str) -> Ontology:
    """The ontology in a TOML file of that name. Raises OntologyError."""
    try:
        table = tomllib.loads(content.decode("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise OntologyError(f"{name} cannot be read as TOML: {error}") from error
    entries = table.get("class")
    if not isinstance(entries, list) or not entries:
        raise OntologyError(f"{name} has no classes: write a [[class]] table with key, name and colour for each.")
    classes = tuple(_entry(name, number, entry) for number, entry in enumerate(entries, start=1))
    check_together(name, classes)
    return Ontology(label=name, name=str(table.get("name", Path(name).stem)), classes=classes)


def _entry(file: str, number: int, table: Any) -> ClassEntry:
    where = f"{file}, class {number}"
    if isinstance(table, Mapping) and "key" in table:
        where += f" ({table['key']})"
    try:
        unknown = set(table) - {field.name for field in fields(ClassEntry)}
        entry = msgspec.convert(table, ClassEntry)
    except (TypeError, msgspec.ValidationError) as error:
        raise OntologyError(f"{where}: {error}") from error
    if unknown:
        raise OntologyError(f"{where}: does not know {', '.join(sorted(unknown))}")
    check_entry(where, entry)
    return entry


def check_entry(where: str, entry: ClassEntry) -> None:
    """Raises OntologyError, which begins with `where`, for a class that is at fault by itself."""
    for wrong, advice in (
        (not _KEY.fullmatch(entry.key), "a key is made of lower case letters, digits, _ and -, at most 60"),
        (not entry.name.strip(), "the name is empty"),
        (len(entry.name) > 120 or len(entry.lineage) > 40, "a name has at most 120 letters, a lineage 40"),
        (any(not word.isprintable() for word in entry.words), "a word holds a character that cannot be printed"),
        (not _COLOUR.fullmatch(entry.colour), f"the colour {entry.colour!r} is not like #D55E00"),
        (bool(entry.ontology_id) and not _ID.fullmatch(entry.ontology_id), "an ontology id looks like CL:0000836"),
        (len(entry.guideline) > LONGEST_GUIDELINE, f"a guideline has at most {LONGEST_GUIDELINE} letters"),
        (any(not line.isprintable() for line in entry.guideline.splitlines()), "the guideline cannot be printed"),
        (len(entry.hotkey) > 2, f"the hotkey {entry.hotkey!r} has more than two keys"),
    ):
        if wrong:
            raise OntologyError(f"{where}: {advice}")


def check_together(file: str, classes: tuple[ClassEntry, ...]) -> None:
    """Raises OntologyError where two classes cannot be told apart, or their parents run wrong."""
    _refuse_twice(file, "key", [entry.key for entry in classes])
    _refuse_twice(file, "hotkey", [entry.hotkey for entry in classes if entry.hotkey])
    _check_hotkeys(file, classes)
    _check_labels(file, classes)
    _check_parents(file, {entry.key: entry for entry in classes})


def _refuse_twice(file: str, what: str, values: Iterable[str]) -> None:
    twice = [value for value, times in Counter(values).items() if times > 1]
    if twice:
        raise OntologyError(f"{file}: two classes have the {what} {twice[0]!r}")


def _check_hotkeys(file: str, classes: tuple[ClassEntry, ...]) -> None:
    """A single key that begins another class's pair would fire before the second key is struck."""
    single = {entry.hotkey: entry.key for entry in classes if len(entry.hotkey) == 1}
    for entry in classes:
        if len(entry.hotkey) == 2 and entry.hotkey[0] in single:
            raise OntologyError(
                f"{file}, class {entry.key}: its hotkey {entry.hotkey!r} begins with that of {single[entry.hotkey[0]]}"
            )


def _check_labels(file: str, classes: tuple[ClassEntry, ...]) -> None:
    owner = dict[str, str]()
    for entry in classes:
        for label in (entry.key, entry.name, *entry.aliases):
            if owner.setdefault(normal(label), entry.key) != entry.key:
                raise OntologyError(f"{file}, class {entry.key}: {label!r} already means {owner[normal(label)]}")


def _check_parents(file: str, classes: Mapping[str, ClassEntry]) -> None:
    for entry in classes.values():
        seen, parent = {entry.key}, entry.parent
        while parent:
            if parent not in classes:
                raise OntologyError(f"{file}, class {entry.key}: there is no class {parent!r} to be its parent")
            if parent in seen:
                raise OntologyError(f"{file}, class {entry.key}: its parents run in a circle through {parent!r}")
            seen.add(parent)
            parent = classes[parent].parent
