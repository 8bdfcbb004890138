"""Rarity, diversity, coverage, outliers, and the hybrid of them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from learning.strategies import hybrid, rarity, strategy
from learning.strategies.diversity import cluster, matching_distance
from learning.strategies.outliers import isolated
from learning.strategies.uncertainty import read
from tests.learning.pools import RARE_UNSURE, SURE, UNSURE, MadeField, keys, make_pool, random_pool

SURE_BASOPHIL = (0.0, 0.02, 0.9, 0.0)


def _unit(angle: float) -> tuple[float, float]:
    return float(np.cos(angle)), float(np.sin(angle))


def test_rarity_prefers_what_training_lacks_where_uncertainty_sees_no_difference() -> None:
    made = [MadeField(f"common{n}", [UNSURE] * 3) for n in range(10)] + [MadeField("rare", [RARE_UNSURE] * 2)]
    pool = make_pool(made, budget=1, counts=(2000, 1500, 4, 500))
    assert keys(strategy("uncertainty")(pool)) != ["rare"]
    answer = strategy("uncertainty_rarity")(pool)
    assert keys(answer) == ["rare"]
    assert answer.choices[0].reason == "holds 2 rare cells (basophil)"


def test_a_rare_cell_that_the_model_is_sure_of_is_worth_asking_for() -> None:
    made = [MadeField(f"common{n}", [SURE] * 5) for n in range(9)] + [MadeField("rare", [SURE] * 4 + [SURE_BASOPHIL])]
    pool = make_pool(made, budget=1, counts=(2000, 1500, 4, 500))
    assert keys(strategy("uncertainty_rarity")(pool)) == ["rare"]
    readings = read(pool)
    plain, unsure = rarity.detection_values(readings, np.ones(4, np.float32))[-1], readings.unsure[-1]
    assert plain == pytest.approx(unsure)
    fourfold = rarity.detection_values(readings, np.array([4, 4, 4, 4], np.float32))[-1]
    assert fourfold == pytest.approx(4 * unsure + 0.5 * 0.9)


def test_class_weights_stay_within_their_bounds_and_follow_the_counts() -> None:
    pool = make_pool([MadeField("a", [SURE])], budget=1, counts=(3000, 800, 0, 40))
    weights = rarity.class_weights(pool, read(pool))
    assert weights[0] < weights[1] < weights[3] <= weights[2] <= rarity.HIGHEST
    assert weights.min() >= rarity.LOWEST
    hard = replace(pool, class_quality=np.array([0.8, 0.1, 0.8, 0.8], np.float32))
    assert rarity.class_weights(hard, read(hard))[1] > weights[1]


def test_difficulty_is_the_published_one_between_1_and_1_2() -> None:
    given = rarity.difficulty(np.array([1.0, 0.5, 0.0, np.nan], np.float32))
    assert given[[0, 2, 3]] == pytest.approx([1.0, 1.2, 1.2])
    assert 1.0 < given[1] < 1.2


def test_matching_distance_agrees_with_its_definition() -> None:
    pool = random_pool(np.random.default_rng(3), 14, 4)
    worth = rarity.appraise(pool)
    found = matching_distance(pool, worth, list(range(14)))
    labels, kept = worth.readings.label, worth.readings.kept

    def one_way(a: int, b: int) -> float:
        mine, theirs = (np.flatnonzero((pool.field == field) & kept) for field in (a, b))
        total = weight = 0.0
        for k in mine:
            same = theirs[labels[theirs] == labels[k]]
            nearest = 1 - float((pool.features[same] @ pool.features[k]).max()) if len(same) else 2.0
            total, weight = total + worth.readings.top[k] * nearest, weight + worth.readings.top[k]
        return total / weight if weight else 2.0

    for a in range(14):
        for b in range(a):
            assert found[a, b] == found[b, a] == pytest.approx((one_way(a, b) + one_way(b, a)) / 2, abs=1e-5)
    assert np.diag(found).max() == 0


def test_medoids_of_three_clear_groups_are_one_of_each() -> None:
    where = np.array([0, 0.1, 0.2, 5, 5.1, 9, 9.1, 9.2])
    medoids, labels = cluster(np.abs(where[:, None] - where[None, :]).astype(np.float32), 3)
    assert sorted(round(where[place]) for place in medoids) == [0, 5, 9]
    assert len(set(labels[:3])) == len(set(labels[3:5])) == len(set(labels[5:])) == 1


def test_hybrid_takes_one_of_each_pair_of_twins_where_uncertainty_takes_both() -> None:
    made = []
    for pair in range(8):
        strength = 0.41 - 0.002 * pair
        for twin in "ab":
            look = _unit(pair * 0.7)
            made.append(MadeField(f"pair{pair}{twin}", [(strength, 0.38, 0, 0)] * 6, [look] * 6))
    made += [MadeField(f"easy{n}", [SURE], [_unit(n)]) for n in range(60)]
    pool = make_pool(made, budget=10, seed=3)
    pairs = [key[:-1] for key in keys(strategy("uncertainty")(pool)) if key.startswith("pair")]
    assert len(pairs) > len(set(pairs))
    answer = strategy("hybrid")(pool)
    pairs = [c.key[:-1] for c in answer.choices if c.key.startswith("pair") and c.reason != "random slice"]
    assert len(pairs) == len(set(pairs)) == 8


def test_hybrid_marks_a_random_slice_that_is_a_fair_sample_and_spread_over_the_batch() -> None:
    made = [MadeField(f"hard{n}", [UNSURE] * 8, [[1, 0]] * 8) for n in range(20)]
    made += [MadeField(f"easy{n}", [SURE], [[0, 1]]) for n in range(60)]
    drawn = []
    for seed in range(60):
        choices = strategy("hybrid")(make_pool(made, budget=11, seed=seed)).choices
        places = [place for place, choice in enumerate(choices) if choice.reason == "random slice"]
        assert len(places) == 2
        assert places[0] < 6 <= places[1]
        drawn += [choices[place].key for place in places]
    # 120 draws at one in four: three standard deviations are 14.
    assert abs(sum(key.startswith("hard") for key in drawn) - 30) <= 14


@pytest.mark.parametrize(("count", "drawn"), [(0, 0), (2, 0), (3, 1), (10, 2), (20, 4), (100, 18)])
def test_the_random_slice_is_about_a_sixth(count: int, drawn: int) -> None:
    assert hybrid.random_count(count) == drawn


def test_coverage_rules_while_the_model_is_weak_and_leaves_as_it_learns() -> None:
    def share(counts: int, quality: float) -> float:
        pool = make_pool([MadeField("a", [SURE, UNSURE])], 1, counts=(counts,) * 4, quality=(quality,) * 4)
        return hybrid.coverage_share(pool, read(pool))

    assert share(0, float("nan")) == 1.0
    assert share(500, 0.2) > 0.5
    assert share(10, 0.9) > 0.5
    assert share(500, float("nan")) == pytest.approx(0.5)
    assert share(500, 0.7) == 0.0


def _groups(sizes: tuple[int, ...]) -> list[MadeField]:
    rng = np.random.default_rng(0)
    made = []
    for group, size in enumerate(sizes):
        for number in range(size):
            embedding = np.array(_unit(group * 1.2)) + rng.normal(0, 0.02, 2)
            made.append(MadeField(f"g{group}-{number}", embedding=(embedding / np.linalg.norm(embedding)).tolist()))
    return made


def test_coverage_takes_the_largest_group_first_one_of_each_and_none_of_the_labelled() -> None:
    pool = make_pool(_groups((40, 30, 20, 10)), budget=3)
    answer = strategy("coverage")(pool)
    assert {key[:2] for key in keys(answer)} == {"g0", "g1", "g2"}
    assert keys(answer)[0].startswith("g0")
    assert answer.choices[0].reason.startswith("typical of about ")
    known = replace(pool, labelled_embedding=np.array([_unit(0.0)], np.float32))
    assert {key[:2] for key in keys(strategy("coverage")(known))} == {"g1", "g2", "g3"}


def test_coverage_without_embeddings_visits_every_slide() -> None:
    made = [MadeField(f"s{0 if n < 40 else n - 39}-{n}", slide=0 if n < 40 else n - 39) for n in range(44)]
    assert {key[:2] for key in keys(strategy("coverage")(make_pool(made, budget=5)))} == {"s0", "s1", "s2", "s3", "s4"}


def test_an_isolated_field_is_set_aside_for_a_check_not_chosen() -> None:
    rng = np.random.default_rng(0)
    vectors = rng.normal(0, 0.15, (150, 16)) + np.repeat(np.eye(16)[:2], 75, axis=0)
    vectors = np.concatenate([vectors, -np.eye(16)[2:3]])
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    made = [MadeField(f"f{n}", [SURE], [[1, 0]], embedding=vectors[n].tolist()) for n in range(150)]
    made.append(MadeField("odd", [UNSURE] * 8, [[0, 1]] * 8, embedding=vectors[150].tolist()))
    pool = make_pool(made, budget=4, seed=1)
    assert [pool.keys[index] for index in isolated(pool, range(151))] == ["odd"]
    answer = strategy("hybrid")(pool)
    assert "odd" not in keys(answer)
    assert [item.key for item in answer.set_aside] == ["odd"]
    assert isolated(make_pool(made[-60:], budget=4), range(60)) == []
