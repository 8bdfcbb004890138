from collections import Counter

import pytest

from models_zoo.splits import FRACTIONS, Labelled, draw


def fields(cases: int, each: int, *, slides: bool = True, known: bool = True) -> list[Labelled]:
    made = []
    for case in range(cases):
        for number in range(each):
            counts = {"common": 10, "rare": 3 if case % 4 == 0 else 0}
            slide = f"s{number % 2}" if slides else ""
            made.append(Labelled(f"{case}-{number}", counts, f"case{case}" if known else "", slide))
    return made


def test_cases_stay_whole_and_classes_are_shared_out() -> None:
    drawn = draw(fields(24, 4), 0)
    assert drawn.by == "case"
    by_case: dict[str, set[str]] = {}
    for key, split in drawn.splits.items():
        by_case.setdefault(key.split("-")[0], set()).add(split)
    assert all(len(splits) == 1 for splits in by_case.values())
    shares = Counter(drawn.splits.values())
    for split, fraction in FRACTIONS.items():
        assert shares[split] / 96 == pytest.approx(fraction, abs=0.06)
    rare = Counter(drawn.splits[f"{case}-0"] for case in range(0, 24, 4))
    assert rare["training"] >= 2
    assert drawn.distance < 0.35


def test_too_few_cases_fall_back_to_slides_and_then_to_fields() -> None:
    assert draw(fields(5, 4), 0).by == "slide"  # ten slides
    assert draw(fields(3, 8), 0).by == "field"  # six slides
    assert draw(fields(24, 2, known=False, slides=False), 0).by == "field"


def test_no_split_is_empty_and_the_order_does_not_matter() -> None:
    few = fields(2, 2)
    drawn = draw(few, 1)
    assert set(drawn.splits.values()) == set(FRACTIONS)
    assert draw(few[::-1], 1) == drawn
    assert any(draw(fields(24, 4), seed).splits != draw(fields(24, 4), 0).splits for seed in range(1, 5))
    with pytest.raises(ValueError, match="key of its own"):
        draw([few[0], few[0]], 0)
