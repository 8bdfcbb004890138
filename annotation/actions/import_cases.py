"""Whose case a field of an import is: by its file, its name, its folder, or one code for all. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import PurePosixPath

from annotation.formats.folder import SPLITS

# How a case may be told. `files`: only where the label files say so.
CASE_CHOICES = ("files", "pattern", "name", "folder", "one")
_NAME_START = re.compile(r"^(?P<case>[^_\-\s.]+)[_\-\s]")
# Folders that say what lies in them and not whose it is.
_STRUCTURE = frozenset(
    {*SPLITS, "images", "image", "img", "imgs", "jpegimages", "data", "dataset", "fields", "pictures"}
)


@dataclass(frozen=True, slots=True)
class CaseRule:
    """`pattern` has a group `case` and perhaps a group `slide`; `case` and `slide` are the codes of `one`."""

    by: str = "files"
    pattern: re.Pattern[str] | None = None
    case: str = ""
    slide: str = ""

    def find(self, name: str, source: str) -> tuple[str | None, str | None]:
        """Case and slide of the picture `name`, which lies at `source` within the data set."""
        if self.by == "one":
            return self.case, self.slide or None
        if self.by == "folder":
            return _by_folder(source)
        pattern = _NAME_START if self.by == "name" else self.pattern
        match = pattern.search(PurePosixPath(name).name) if pattern else None
        groups = match.groupdict() if match else {}
        return groups.get("case") or None, groups.get("slide") or None

    def complaint(self, name: str) -> str:
        """What to say where no case was found, although one was to be looked for."""
        if self.by == "files":
            return ""
        where = {"folder": "no folder names the case of", "name": "the name has no start that ends with _ or -:"}
        return f"{where.get(self.by, 'the case pattern does not fit')} {name}, so its case is not known"


def _by_folder(source: str) -> tuple[str | None, str | None]:
    """The first folder is the case, the next one the slide."""
    told = [part for part in PurePosixPath(source).parts[:-1] if part.lower() not in _STRUCTURE]
    return (told[0] if told else None), (told[1] if len(told) > 1 else None)
