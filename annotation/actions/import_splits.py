"""Which split each new field of an import enters, and whose labels are kept aside as oracle labels."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from annotation.actions.import_gather import Gathered, Seen
from annotation.errors import Refused
from annotation.models import Project, Split
from annotation.splits import Groups, draw, take_share, twins

SHOWN = 5


@dataclass(frozen=True, slots=True)
class Plan:
    """`splits` and `sealed` by sha256 of new fields; `unit`: what was kept whole: case, slide, or field."""

    splits: Mapping[str, str]
    sealed: frozenset[str]
    unit: str
    warnings: tuple[str, ...]


def check_source(gathered: Gathered) -> None:
    """Raises Refused when the data set's own splits share an image, or do not name one for every image."""
    shared = [seen for seen in gathered.seen.values() if len(seen.source_splits) > 1]
    if shared:
        named = "; ".join(
            " and ".join(f"{split} ({name})" for split, name in seen.source_splits.items()) for seen in shared[:SHOWN]
        )
        raise Refused(
            f"The data set's own splits overlap in {len(shared)} images, such as {named}. "
            "Import it with --split auto, or take the images out of one of the splits."
        )
    without = [seen.name for seen in gathered.seen.values() if not seen.source_splits]
    if without:
        raise Refused(
            f"The data set names no split for {len(without)} images, such as {', '.join(without[:SHOWN])}. "
            "Import it with --split auto, or with the one split that all of it belongs to."
        )


def plan_splits(project: Project, gathered: Gathered, *, split: str, oracle: float, seed: int) -> Plan:
    """Decide for every image of the import that is not a field of the project yet.

    A case that has a split keeps it, whatever is asked for. `split` is auto, source, pool or the name of one.
    """
    known = _Known(project)
    new = {sha: seen for sha, seen in gathered.seen.items() if sha not in known.splits}
    names = {sha: _group(seen, sha) for sha, seen in new.items()}
    warnings = tuple[str, ...]()
    if split == "auto":
        groups, drawn = _draw(new, names, known, seed)
    else:
        groups = names
        drawn = {sha: _asked_for(split, seen) for sha, seen in new.items()}
        drawn, warnings = _keep_cases(drawn, names, known)
    training = {sha for sha, where in drawn.items() if where == Split.TRAINING and new[sha].signature}
    share = 1.0 if split == "pool" else oracle
    sizes = Counter(groups[sha] for sha in sorted(training))
    taken = take_share(sizes, share, seed)
    sealed = frozenset(sha for sha in training if groups[sha] in taken)
    return Plan(drawn, sealed, _unit(new), warnings)


def _asked_for(split: str, seen: Seen) -> str:
    if split == "source":
        return next(iter(seen.source_splits))
    return Split.TRAINING if split == "pool" else split


def _unit(new: Mapping[str, Seen]) -> str:
    """The weakest that had to be used: one field without a case makes the draw one by field."""
    if all(seen.case for seen in new.values()):
        return "case" if new else "field"
    return "slide" if all(seen.case or seen.slide for seen in new.values()) else "field"


def case_code(case: str | None, slide: str | None) -> str | None:
    """The code of the case of a field. A slide whose case nobody named is the only one of a case named after it."""
    if case:
        return case
    return f"slide {slide}" if slide else None


def _group(seen: Seen, sha256: str) -> str:
    code = case_code(seen.case, seen.slide)
    return f"case:{code}" if code else f"field:{sha256}"


class _Known:
    """The splits and perceptual hashes of the fields that a project has."""

    def __init__(self, project: Project) -> None:
        self.splits = dict[str, str]()
        self.by_group = dict[str, str]()
        self.by_hash = defaultdict[int, list[str]](list)
        rows = project.fields.values_list("sha256", "split", "phash", "case__code").order_by("id")
        for sha256, split, phash, code in rows.iterator():
            group = f"case:{code}" if code else f"field:{sha256}"
            self.splits[sha256] = split
            self.by_group.setdefault(group, split)
            self.by_hash[int(phash, 16)].append(group)


def _keep_cases(
    drawn: dict[str, str], names: Mapping[str, str], known: _Known
) -> tuple[dict[str, str], tuple[str, ...]]:
    moved = dict[str, str]()
    for sha, group in names.items():
        own = known.by_group.get(group)
        if own and own != drawn[sha]:
            moved[group.removeprefix("case:")] = own
            drawn[sha] = own
    return drawn, tuple(
        f"case {code} is in {split} already: its new fields went there too" for code, split in sorted(moved.items())
    )


def _draw(
    new: Mapping[str, Seen], names: Mapping[str, str], known: _Known, seed: int
) -> tuple[dict[str, str], dict[str, str]]:
    """Groups and splits by sha256. Fields without a case that look the same are drawn as one, old fields included."""
    joined = Groups()
    by_hash = defaultdict[int, list[str]](list, {value: list(groups) for value, groups in known.by_hash.items()})
    for sha, seen in new.items():
        by_hash[int(seen.phash, 16)].append(names[sha])
    anchors = {value: _join_alike(joined, groups) for value, groups in by_hash.items()}
    for one, other in twins(by_hash):
        _join(joined, anchors[one], anchors[other])
    fixed = dict[str, str]()
    for group, split in known.by_group.items():
        fixed.setdefault(str(joined.root(group)), split)
    groups = {sha: str(joined.root(names[sha])) for sha in new}
    counts = defaultdict[str, Counter[str]](Counter)
    for sha, seen in new.items():
        counts[groups[sha]].update(seen.counts)
    sizes = Counter(groups.values())
    drawn = draw(counts, sizes, seed=seed, fixed={group: fixed[group] for group in sizes if group in fixed})
    return groups, {sha: known.by_group.get(names[sha], drawn[groups[sha]]) for sha in new}


def _join_alike(joined: Groups, groups: list[str]) -> str:
    """Join the fields among groups of one hash; a case is joined by fields, but never with another case."""
    anchor = next((group for group in groups if group.startswith("case:")), groups[0])
    for group in groups:
        _join(joined, group, anchor)
    return anchor


def _join(joined: Groups, one: str, other: str) -> None:
    if one.startswith("field:") or other.startswith("field:"):
        joined.join(one, other)
