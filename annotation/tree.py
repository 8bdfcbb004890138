"""The order in which the tree of classes is shown: each class after its parent, in the order of their numbers. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar


class Node(Protocol):
    """What is asked of a class; a CellClass row has it."""

    pk: int
    number: int
    parent_id: int | None


N = TypeVar("N", bound=Node)


@dataclass(frozen=True, slots=True)
class Placed(Generic[N]):
    """A class and how deep it stands, 0 at the root."""

    cell_class: N
    depth: int


def in_tree_order(classes: Iterable[N]) -> list[Placed[N]]:
    """Depth first. A class whose parent is not among `classes` stands at the root: none is lost."""
    known = sorted(classes, key=lambda row: row.number)
    there = {row.pk for row in known}
    below = defaultdict[int | None, list[N]](list)
    for row in known:
        below[row.parent_id if row.parent_id in there else None].append(row)
    placed = list[Placed[N]]()

    def place(parent: int | None, depth: int) -> None:
        for row in below[parent]:
            placed.append(Placed(row, depth))
            place(row.pk, depth + 1)

    place(None, 0)
    return placed
