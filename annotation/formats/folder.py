"""A data set's folder as the readers see it: every file once, nothing outside, images found by name."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from annotation.formats.records import Fault, FieldRecord

READABLE = frozenset({".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".tif", ".tiff", ".bmp", ".webp"})
# Pictures all the same: they are handed on, so that they are refused by name and not passed over.
REFUSED_LATER = frozenset({".gif", ".jp2", ".heic", ".avif", ".svs", ".ndpi", ".mrxs", ".dcm"})
PICTURES = READABLE | REFUSED_LATER

SPLITS = {
    "train": "training",
    "training": "training",
    "trainval": "training",
    "val": "validation",
    "valid": "validation",
    "validation": "validation",
    "tuning": "tuning",
    "test": "test",
}


@dataclass(frozen=True, slots=True)
class DataFolder:
    """`files`: all files below `root`, relative, with forward slashes, sorted. `refused`: what leads out of it."""

    root: Path
    files: tuple[str, ...]
    refused: tuple[Fault, ...]

    @classmethod
    def scan(cls, root: Path) -> DataFolder:
        """Raises ValueError when there is no such folder."""
        if not root.is_dir():
            raise ValueError(f"There is no folder {root}.")
        real = root.resolve()
        files: list[str] = []
        refused: list[Fault] = []
        for folder, folders, names in os.walk(real):
            folders[:] = sorted(name for name in folders if not _hidden(name))
            here = Path(folder)
            for name in [*folders, *names]:
                if _hidden(name):
                    continue
                path = here / name
                relative = path.relative_to(real).as_posix()
                if path.is_symlink() and not path.resolve().is_relative_to(real):
                    refused.append(Fault(relative, None, "is a link that leads out of the data set", 0))
                elif path.is_file():
                    files.append(relative)
        return cls(real, tuple(sorted(files)), tuple(sorted(refused, key=lambda fault: fault.file)))

    def ending(self, *suffixes: str) -> list[str]:
        """Files with one of these endings, upper or lower case."""
        return [file for file in self.files if suffix_of(file) in suffixes]

    def pictures(self, under: str | None = None) -> list[str]:
        """Image files; `under` keeps those that have a folder of that name above them."""
        found = self.ending(*PICTURES)
        return found if under is None else [file for file in found if under in folders_of(file)]

    def path(self, relative: str) -> Path:
        return self.root / relative

    def relative(self, path: Path) -> str | None:
        """`path` as it is called in `files`; None when it lies outside, whatever its `..` and links say."""
        real = path.resolve()
        return real.relative_to(self.root).as_posix() if real.is_relative_to(self.root) else None


def _hidden(name: str) -> bool:
    return name.startswith(".") or name == "__MACOSX"


def suffix_of(file: str) -> str:
    return PurePosixPath(file).suffix.lower()


def stem_of(file: str) -> str:
    return PurePosixPath(file).stem


def name_of(file: str) -> str:
    return PurePosixPath(file).name


def folders_of(file: str) -> tuple[str, ...]:
    """The folders above a file, in lower case."""
    return tuple(part.lower() for part in PurePosixPath(file).parts[:-1])


def split_of(file: str) -> str | None:
    """The split that a folder above the file is named after."""
    return next((SPLITS[part] for part in reversed(folders_of(file)) if part in SPLITS), None)


class Pictures:
    """Finds the image that a label file means, and remembers which images were asked for."""

    def __init__(self, folder: DataFolder, files: Iterable[str] | None = None) -> None:
        self._files = list(folder.pictures() if files is None else files)
        self._used: set[str] = set()
        self._by_name: dict[str, list[str]] = {}
        self._by_stem: dict[str, list[str]] = {}
        for file in self._files:
            self._by_name.setdefault(name_of(file).lower(), []).append(file)
            self._by_stem.setdefault(stem_of(file).lower(), []).append(file)

    def find(self, names: Iterable[str], near: str, split: str | None = None) -> tuple[str | None, str | None]:
        """The image that one of `names` means, and why none was chosen if that is not clear.

        Each name is tried with its ending, then all without it; of several images the one is meant that shares the
        most folders with the name itself, with the split and with the label file `near`.
        """
        tried = [name.replace("\\", "/") for name in names if name]
        by_name = [(name, self._by_name.get(name_of(name).lower(), [])) for name in tried]
        by_stem = [(name, self._by_stem.get(stem_of(name).lower(), [])) for name in tried]
        for name, candidates in by_name + by_stem:
            if candidates:
                return self._nearest(name, candidates, near, split)
        return None, None

    def _nearest(self, name: str, candidates: list[str], near: str, split: str | None) -> tuple[str | None, str | None]:
        ranked = sorted(candidates, key=lambda file: _nearness(file, name, near, split), reverse=True)
        best = _nearness(ranked[0], name, near, split)
        equal = [file for file in ranked if _nearness(file, name, near, split) == best]
        if len(equal) > 1:
            return None, f"{len(equal)} images are called {name_of(name)}: {', '.join(sorted(equal)[:3])}"
        self._used.add(equal[0])
        return equal[0], None

    def use(self, file: str) -> None:
        self._used.add(file)

    def unused(self) -> Iterator[str]:
        """Images that no label file asked for."""
        return (file for file in self._files if file not in self._used)


def _nearness(file: str, name: str, near: str, split: str | None) -> tuple[int, bool, int]:
    """How well an image fits: folders shared with the name it is called by, its split, folders shared with `near`."""
    parts, wanted = folders_of(file), folders_of(name)
    same_end = 0
    while same_end < min(len(parts), len(wanted)) and parts[-1 - same_end] == wanted[-1 - same_end]:
        same_end += 1
    return same_end, split is not None and split_of(file) == split, _shared(parts, folders_of(near))


def _shared(parts: tuple[str, ...], others: tuple[str, ...]) -> int:
    """Folders that two paths have in common, wherever they stand: images/train and labels/train share one."""
    return len(set(parts) & set(others))


def unlabelled(folder: DataFolder, file: str, reason: str | None = None, split: str | None = None) -> FieldRecord:
    """An image that no label file speaks of; `reason` says which one was looked for."""
    faults = (Fault(file, None, reason, 0),) if reason else ()
    return FieldRecord(name_of(file), folder.path(file), file, (), False, faults, split or split_of(file))
