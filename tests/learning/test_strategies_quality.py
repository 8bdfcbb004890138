"""The quality gate: focus, emptiness, near-duplicates."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from learning.strategies.quality import contrast, duplicates, far_below, flags, perceptual_hash, sharpness


def _field(seed: int, cells: int = 12, stain: float = 1.0) -> np.ndarray:
    """A grey picture of dark discs with grain on bright ground, seen through a microscope's slight blur."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:160, :160]
    picture = np.full((160, 160), 220.0)
    for cy, cx in rng.uniform(10, 150, (cells, 2)):
        inside = (y - cy) ** 2 + (x - cx) ** 2 < 11**2
        picture[inside] -= stain * (80 + rng.normal(0, 15, int(inside.sum())))
    return np.asarray(ndimage.gaussian_filter(picture, 0.8) + rng.normal(0, 0.7, picture.shape))


def _measures(pictures: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    hashes = np.array([perceptual_hash(picture) for picture in pictures], np.uint64)
    return np.array([sharpness(p) for p in pictures]), np.array([contrast(p) for p in pictures]), hashes


def test_the_gate_names_what_is_wrong_and_lets_the_others_through() -> None:
    pictures = [_field(seed, cells=6 + seed % 10, stain=1.0 if seed % 2 else 0.6) for seed in range(24)]
    pictures.append(ndimage.gaussian_filter(_field(100), 3.0))
    pictures.append(np.random.default_rng(0).normal(220, 2, (160, 160)))
    pictures.append(pictures[3] * 1.03 + np.random.default_rng(1).normal(0, 1, (160, 160)))
    sharp, contrasts, hashes = _measures(pictures)
    keys = [f"f{number}" for number in range(27)]
    labelled = [("old", int(hashes[5]))]
    given = flags(keys, sharp, contrasts, hashes, labelled=labelled)
    assert given[24:] == ("blur", "blank", "duplicate of f3")
    assert [(key, why) for key, why in zip(keys[:24], given, strict=False) if why] == [("f5", "duplicate of old")]


def test_a_pale_stain_is_not_a_blur() -> None:
    usual, pale = _field(1, stain=1.0), _field(1, stain=0.5)
    blurred = ndimage.gaussian_filter(usual, 2.0)
    assert sharpness(blurred) < sharpness(usual) / 1.5
    assert sharpness(pale) > sharpness(usual) / 1.3
    assert contrast(pale) < contrast(usual)


def test_noise_on_a_blurred_picture_does_not_pass_for_detail() -> None:
    usual = _field(1)
    blurred = ndimage.gaussian_filter(usual, 3.0) + np.random.default_rng(0).normal(0, 6, usual.shape)
    assert sharpness(blurred) < sharpness(usual) / 1.5


def test_a_field_is_compared_with_its_own_slide_where_that_is_large_enough() -> None:
    sharp = np.array([8.0, 8.1, 7.9, 8.2] * 10 + [2.0, 2.1, 1.9, 2.05] * 10)
    sharp[0] = 2.5
    hashes = np.random.default_rng(0).integers(0, 2**63, 80).astype(np.uint64)
    slides = np.repeat(np.array([0, 1], np.int64), 40)
    found = flags([str(n) for n in range(80)], sharp, np.ones(80), hashes, groups=slides)
    assert [place for place, why in enumerate(found) if why] == [0]


def test_even_pictures_and_few_of_them_lose_nothing() -> None:
    even = np.array([1.0, 1.001, 0.999] * 5 + [0.9])
    assert not far_below(even, even, 2.0).any()
    assert not far_below(np.array([0.0]), np.array([1.0] * 5), 2.0).any()
    assert far_below(np.array([0.0, 0.4, np.nan]), np.array([1.0] * 20), 2.0).tolist() == [True, True, False]


def _flip(value: int, bits: int) -> int:
    for bit in range(bits):
        value ^= 1 << (bit * 13)
    return value


def test_a_twin_differs_in_at_most_four_bits_and_points_at_the_earlier() -> None:
    base = 0x0123456789ABCDEF
    hashes = np.array([base, _flip(base, 4), _flip(base, 5), base], np.uint64)
    assert duplicates(hashes).tolist() == [-1, 0, -1, 0]
    labelled = np.array([7, base], np.uint64)
    assert duplicates(hashes, labelled).tolist() == [1, 1, -1, 1]
    assert duplicates(hashes[:0]).tolist() == []


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3), st.sets(st.integers(0, 63), max_size=5)), max_size=25))
def test_duplicates_agree_with_comparing_every_pair(items: list[tuple[int, set[int]]]) -> None:
    bases = [0, 0xFFFF0000FFFF0000, 0x0F0F0F0F0F0F0F0F, 0x1111]
    values = [bases[base] ^ sum(1 << bit for bit in bits) for base, bits in items]
    expected: list[int] = []
    for later, value in enumerate(values):
        near = [e for e in range(later) if expected[e] < 0 and (values[e] ^ value).bit_count() <= 4]
        exact = [e for e in near if values[e] == value]
        expected.append((exact or near or [-1])[0])
    found = duplicates(np.array(values, np.uint64)).tolist()
    assert [one >= 0 for one in found] == [one >= 0 for one in expected]
    assert all(one < 0 or (values[one] ^ values[later]).bit_count() <= 4 for later, one in enumerate(found))
