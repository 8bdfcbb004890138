"""Is a field fit to be labelled? Pure functions of grey pictures: focus, emptiness, near-duplicates.

Stains, scanners and magnifications differ too much for fixed limits. A field is therefore flagged only when it lies far
below the other fields of its project: by more than 3.5 robust standard deviations (Iglewicz & Hoaglin 1993)
and by at least a factor, so that a project of very even pictures loses nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import fft, ndimage

Grey = NDArray[np.floating] | NDArray[np.uint8]
Values = NDArray[np.float64]

SPREADS = 3.5
BLUR_FACTOR = 1.5
BLANK_FACTOR = 2.0
SMALLEST_GROUP = 20
TWIN_BITS = 4
HASH_SIDE = 32


def sharpness(grey: Grey) -> float:
    """Focus of a picture (height, width): energy of its finest detail over that of detail twice as coarse; 0 or more.

    Both energies are those of the Laplacian (Pertuz et al. 2013), after smoothing by 1 and by 2 px, each without
    the share of the sensor's noise. Their ratio hangs on the sharpness of edges, not on their number or strength: a
    pale stain or an empty corner changes both alike.
    """
    picture = np.asarray(grey, np.float32)
    noise = _noise(picture) ** 2
    fine, coarse = (_detail(picture, width, noise) for width in (1, 2))
    return fine / coarse if coarse > 1e-9 else 0.0


def contrast(grey: Grey) -> float:
    """How much there is to see: standard deviation of 4 px blocks around their wide neighbourhood, in grey levels.

    Low on glass, fat and unfocused emptiness. The neighbourhood is taken out so that vignetting is not content.
    """
    picture = np.asarray(grey, np.float32)
    height, width = (max(side // 4, 1) for side in picture.shape)
    rows, columns = min(4, picture.shape[0]), min(4, picture.shape[1])
    blocks = picture[: height * rows, : width * columns].reshape(height, rows, width, columns).mean(axis=(1, 3))
    return float(np.std(blocks - ndimage.gaussian_filter(blocks, 16.0)))


def perceptual_hash(grey: Grey) -> int:
    """64 bits of a picture's coarse structure: signs of its 8 x 8 lowest cosine waves around their median (pHash)."""
    picture = np.asarray(grey, np.float32)
    zoom = (HASH_SIDE / picture.shape[0], HASH_SIDE / picture.shape[1])
    blurred = ndimage.gaussian_filter(picture, [0.5 / zoom[0], 0.5 / zoom[1]])
    small = ndimage.zoom(blurred, zoom, order=1, grid_mode=True, mode="nearest")
    waves = fft.dctn(small, norm="ortho")[:8, :8].ravel()
    bits = waves > np.median(waves[1:])
    return int.from_bytes(np.packbits(bits).tobytes(), "big")


def far_below(values: Values, reference: Values, factor: float) -> NDArray[np.bool_]:
    """(n,) which positive `values` lie far below the usual of `reference` (the labelled fields, or the pool itself).

    Compared as logarithms: more than 3.5 robust standard deviations below the median and `factor` times smaller.
    Nothing is flagged against fewer than 10 values.
    """
    usual = reference[np.isfinite(reference) & (reference > 0)]
    if len(usual) < 10:
        return np.zeros(len(values), bool)
    logs = np.log(usual)
    middle = float(np.median(logs))
    spread = 1.4826 * float(np.median(np.abs(logs - middle)))
    limit = min(middle - SPREADS * spread, middle - np.log(factor))
    return np.asarray(np.log(np.maximum(values, 1e-12)) < limit, np.bool_)


def duplicates(hashes: NDArray[np.uint64], of_labelled: NDArray[np.uint64] | None = None) -> NDArray[np.int64]:
    """(n,) for every field the earlier field it repeats, -1 where it repeats none.

    Earlier are the labelled ones, then the fields before it: the index counts over `of_labelled` followed by `hashes`.
    Two hashes are twins when at most 4 of 64 bits differ. A twin of a field that is itself a repetition is none,
    unless it is a twin of an original, too. Candidates share one of five groups of bits, since 4 differing bits
    leave at least one group whole.
    """
    known = np.zeros(0, np.uint64) if of_labelled is None else of_labelled.astype(np.uint64)
    everything = np.concatenate([known, hashes.astype(np.uint64)])
    values, first, where = np.unique(everything, return_index=True, return_inverse=True)
    order = np.argsort(first, kind="stable")
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order))
    repeats = np.full(len(values), -1, np.int64)
    for later, earlier in _twins(values[order]):
        if repeats[later] < 0 and repeats[earlier] < 0:
            repeats[later] = earlier
    original = first[order]
    mine = place[where.ravel()]
    answer = np.where(repeats[mine] >= 0, original[repeats[mine]], original[mine])
    answer[answer == np.arange(len(everything))] = -1
    return np.asarray(answer[len(known) :], np.int64)


def flags(
    keys: Sequence[str],
    sharp: Values,
    contrasts: Values,
    hashes: NDArray[np.uint64],
    reference_sharp: Values | None = None,
    reference_contrasts: Values | None = None,
    labelled: Sequence[tuple[str, int]] = (),
    groups: NDArray[np.int64] | None = None,
) -> tuple[str | None, ...]:
    """Why each field is unfit ("blank", "blur", "duplicate of KEY"), None where it is fit: `Pool.quality`.

    `reference_*` are the measures of the fields to compare with, by default the pool's own; `labelled` holds key and
    hash of the labelled fields. `groups` (n,) slide or scanner, -1 where not known: in a mixed project a field is
    better compared with its own kin, which is done where there are at least 20 of them.
    """
    blank = _far_below_kin(contrasts, reference_contrasts, None, BLANK_FACTOR)
    blur = _far_below_kin(sharp, reference_sharp, groups, BLUR_FACTOR)
    twin = duplicates(hashes, np.array([value for _, value in labelled], np.uint64))
    names = [*(key for key, _ in labelled), *keys]

    def reason(place: int) -> str | None:
        if blank[place]:
            return "blank"
        if blur[place]:
            return "blur"
        return f"duplicate of {names[twin[place]]}" if twin[place] >= 0 else None

    return tuple(reason(place) for place in range(len(keys)))


def _detail(picture: NDArray[np.float32], width: float, noise: float) -> float:
    """Energy of the Laplacian after smoothing by `width` px, less what white noise of that variance adds to it."""
    energy = float(np.mean(ndimage.laplace(ndimage.gaussian_filter(picture, width)) ** 2))
    spike = np.zeros((33, 33), np.float32)
    spike[16, 16] = 1
    passed = float(np.sum(ndimage.laplace(ndimage.gaussian_filter(spike, width)) ** 2))
    return max(energy - noise * passed, 0.02 * energy)


def _noise(picture: NDArray[np.float32]) -> float:
    """Standard deviation of white noise, from the median finest diagonal detail (Donoho & Johnstone 1994)."""
    even = picture[: picture.shape[0] // 2 * 2, : picture.shape[1] // 2 * 2]
    diagonal = (even[::2, ::2] - even[1::2, ::2] - even[::2, 1::2] + even[1::2, 1::2]) / 2
    return float(np.median(np.abs(diagonal))) / 0.6745 if diagonal.size else 0.0


def _far_below_kin(
    values: Values, reference: Values | None, groups: NDArray[np.int64] | None, factor: float
) -> NDArray[np.bool_]:
    """`far_below` against the whole, or against a field's own group where that has at least 20 fields."""
    result = far_below(values, values if reference is None else reference, factor)
    for group in np.unique(groups) if groups is not None else ():
        kin = np.flatnonzero(groups == group)
        if group >= 0 and len(kin) >= SMALLEST_GROUP:
            result[kin] = far_below(values[kin], values[kin], factor)
    return result


def _twins(values: NDArray[np.uint64]) -> list[tuple[int, int]]:
    """(later, earlier) places of distinct values that differ in at most 4 bits, in that order."""
    found: set[tuple[int, int]] = set()
    for band in range(5):
        low, high = band * 64 // 5, (band + 1) * 64 // 5
        group = (values >> np.uint64(low)) & np.uint64((1 << (high - low)) - 1)
        order = np.argsort(group, kind="stable")
        group, sorted_values = group[order], values[order]
        for step in range(1, len(values)):
            same = np.flatnonzero(group[step:] == group[:-step])
            if not len(same):
                break
            close = same[np.bitwise_count(sorted_values[same] ^ sorted_values[same + step]) <= TWIN_BITS]
            pairs = zip(order[close].tolist(), order[close + step].tolist(), strict=True)
            found.update((max(pair), min(pair)) for pair in pairs)
    return sorted(found)
