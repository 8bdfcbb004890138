"""The losses of each epoch in a file beside the checkpoints, written before the checkpoint that stands for it.

So whoever is killed between a checkpoint and its report loses no epoch's losses.
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from models_zoo.records import Progress

EPOCHS_FILE = "epochs.jsonl"


def note_epoch(folder: Path, progress: Progress) -> None:
    with (folder / EPOCHS_FILE).open("ab") as stream:
        stream.write(msgspec.json.encode(progress) + b"\n")


def read_epochs(file: Path) -> list[Progress]:
    """The epochs noted in `file`, in their order; a last line that a kill cut off is left out."""
    if not file.exists():
        return []
    found = []
    for line in file.read_bytes().split(b"\n"):
        try:
            found.append(msgspec.json.decode(line, type=Progress))
        except msgspec.DecodeError:
            continue
    return found
