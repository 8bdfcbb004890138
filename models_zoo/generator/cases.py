"""Many fields of several cases: each case has its own stain, light and mix of classes, each slide varies a little."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field, replace
from multiprocessing import get_context

import numpy as np

from models_zoo.generator.field import generate_field
from models_zoo.generator.records import CLASS_WEIGHTS, FieldSettings, GeneratedField
from models_zoo.generator.stains import STAINS

# Factors on a normal count: what a disease (or a reactive marrow) makes frequent.
PROFILES: Mapping[str, Mapping[str, float]] = {
    "normal": {},
    "blasts": {"blast": 25.0, "pmo": 1.5, "seg": 0.4, "polyery": 0.5},
    "plasma": {"plasma": 22.0, "seg": 0.7, "myc": 0.7},
    "erythroid": {"proery": 5.0, "basery": 3.0, "polyery": 2.2, "orthoery": 2.5, "seg": 0.5},
    "eosinophils": {"eos": 7.0, "baso": 8.0},
    "lymphocytes": {"lym": 6.0, "seg": 0.6, "myc": 0.5},
    "left shift": {"pmo": 3.0, "myc": 2.0, "mmc": 1.7, "mono": 2.0, "seg": 0.7},
}
RARE = ("baso", "mega", "mono", "proery")  # in few cases; there more often, so that the tail keeps its weight
_RARE_CASES = 0.4


@dataclass(frozen=True, slots=True)
class SetSettings:
    """How a set varies around `field`, whose stain, light, class mix, case and slide it sets anew for each case and
    slide. `duplicate_share` is the chance that a field is the last one once more, lit a little differently."""

    field: FieldSettings = field(default_factory=FieldSettings)
    slides_per_case: int = 2
    stains: tuple[str, ...] = tuple(STAINS)
    duplicate_share: float = 0.0
    processes: int = 1


def generate_set(
    count: int, seed: int, cases: int = 8, settings: SetSettings | None = None
) -> Iterator[GeneratedField]:
    """`count` fields of `cases` cases, a case's fields one after the other, as many for each as possible.

    A field depends on its number, the seed and the settings alone, not on the number of processes. Raises ValueError
    for fewer than one case.
    """
    if cases < 1:
        raise ValueError(f"{cases} cases asked for; a set needs at least 1")
    settings = settings or SetSettings()
    plans = [_plan(number, count, seed, cases, settings) for number in range(count)]
    for number in range(1, count):
        if np.random.default_rng((seed, 3, number)).random() < settings.duplicate_share:
            plans[number] = (plans[number - 1][0], plans[number - 1][1], number)
    if settings.processes == 1:
        yield from map(_draw, plans)
        return
    # spawn: a fork of a process that runs threads (torch, a web server) may hang
    with ProcessPoolExecutor(settings.processes, mp_context=get_context("spawn")) as pool:
        yield from pool.map(_draw, plans, chunksize=4)


_Plan = tuple[tuple[int, ...], FieldSettings, int]  # the field's seed, its settings, 0 or the number of a duplicate


def _draw(plan: _Plan) -> GeneratedField:
    seed, settings, duplicate = plan
    drawn = generate_field(seed, settings)
    if not duplicate:
        return drawn
    gain = np.random.default_rng((*seed, duplicate)).uniform(0.96, 0.99)
    return replace(drawn, image=(drawn.image * gain).astype(np.uint8), flaw="duplicate")


def _plan(number: int, count: int, seed: int, cases: int, settings: SetSettings) -> _Plan:
    case = number * cases // max(count, 1)
    first = -(-case * count // cases)
    last = -(-(case + 1) * count // cases)
    slide = (number - first) * settings.slides_per_case // max(last - first, 1)
    return (seed, 0, number), slide_settings(seed, case, slide, settings), 0


def slide_settings(seed: int, case: int, slide: int, settings: SetSettings) -> FieldSettings:
    """What the fields of one slide of one case have in common."""
    rng = np.random.default_rng((seed, 1, case))
    stain = settings.stains[(case + int(np.random.default_rng((seed, 4)).integers(99))) % len(settings.stains)]
    weights = _mix(rng, settings.field.class_weights)
    strength, light = rng.uniform(0.85, 1.15), rng.uniform(0.95, 1.03, 3)
    look = replace(
        settings.field,
        class_weights=weights,
        stain=stain,
        density=settings.field.density * rng.uniform(0.7, 1.4),
        smudge_share=settings.field.smudge_share * rng.uniform(0.3, 2.0),
        red_cells=settings.field.red_cells * rng.uniform(0.4, 1.5),
        vignette=rng.uniform(0.02, 0.2),
        noise=settings.field.noise * rng.uniform(0.6, 1.5),
        case=f"case-{case + 1}",
        slide=f"case-{case + 1}-slide-{slide + 1}",
    )
    own = np.random.default_rng((seed, 2, case, slide))
    red, green, blue = light * own.uniform(0.985, 1.015, 3)
    return replace(
        look,
        strength=strength * own.uniform(0.94, 1.06),
        tint=(float(red), float(green), float(blue)),
        sharpness_um=settings.field.sharpness_um * own.uniform(0.7, 1.6),
    )


def _mix(rng: np.random.Generator, weights: Mapping[str, float] = CLASS_WEIGHTS) -> dict[str, float]:
    """A case's class weights: a profile, noise, and rare classes that most cases lack altogether."""
    profile = list(PROFILES.values())[int(rng.integers(len(PROFILES)))]
    mixed = {}
    for key, weight in weights.items():
        share = weight * profile.get(key, 1.0) * rng.lognormal(0, 0.35)
        if key in RARE and key not in profile:
            share = share / _RARE_CASES if rng.random() < _RARE_CASES else 0.0
        mixed[key] = share
    return mixed if sum(mixed.values()) > 0 else dict(weights)
