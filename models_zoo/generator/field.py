"""One field: objects are planned, laid over the ground in order, and seen through a microscope."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
from scipy import ndimage
from skimage import measure

from models_zoo.generator.cells import Drawing, Pen, draw_cell
from models_zoo.generator.clutter import draw_clutter
from models_zoo.generator.ground import Places, draw_ground
from models_zoo.generator.morphology import DIAMETERS, EXCLUDED, MORPHOLOGY
from models_zoo.generator.outlines import Points, clip
from models_zoo.generator.patches import Patch, lay
from models_zoo.generator.records import FieldSettings, Flaw, Floats, GeneratedCell, GeneratedField, Pixels
from models_zoo.generator.stains import STAINS, palette

_TRIES = 60
_CLOSEST = 0.74  # cells never overlap by more than a quarter of the sum of their radii


def generate_field(seed: int | tuple[int, ...], settings: FieldSettings | None = None) -> GeneratedField:
    """A marrow-like field with exact contours; the same seed and settings give the same bytes.

    Raises ValueError for settings that cannot be drawn (an unknown stain or class, a field smaller than 32 px).
    """
    settings = settings or FieldSettings()
    _check(settings)
    rng = np.random.default_rng(seed)
    pen = Pen(rng, palette(settings.stain, settings.strength), settings.um_per_px)
    blank = bool(rng.random() < settings.blank_share)
    blurred = bool(rng.random() < settings.blur_share) and not blank
    if blank:
        settings = replace(settings, red_cells=0.0)
    labels = [] if blank else _labels(rng, settings)
    places = _places(rng, settings, labels)
    density = draw_ground(pen, settings, places)
    cells = tuple(_put(pen, settings, density, label, place) for label, place in zip(labels, places, strict=True))
    image = _photograph(rng, settings, density, rng.uniform(0.9, 1.8) if blurred else settings.sharpness_um)
    flaw: Flaw | None = "blank" if blank else "blur" if blurred else None
    return GeneratedField(image, cells, settings.case, settings.slide, settings.um_per_px, settings.stain, flaw)


def _check(settings: FieldSettings) -> None:
    if min(settings.width, settings.height) < 32:
        raise ValueError(f"a field of {settings.width}x{settings.height} px is too small to draw; give 32 or more")
    if settings.um_per_px <= 0:
        raise ValueError(f"um_per_px is {settings.um_per_px}; give a number above 0, such as 0.3")
    unknown = sorted(set(settings.class_weights) - set(MORPHOLOGY))
    if unknown:
        raise ValueError(f"class_weights names {', '.join(unknown)}; known are {', '.join(MORPHOLOGY)}")
    if sum(settings.class_weights.values()) <= 0 or min(settings.class_weights.values()) < 0:
        raise ValueError("class_weights are all zero or one is negative; give at least one class a positive weight")


def _labels(rng: np.random.Generator, settings: FieldSettings) -> list[str]:
    """Class keys of a field's objects; the count varies as real fields do (more than Poisson)."""
    mean = settings.density * rng.uniform(0.7, 1.3)
    count = max(1, int(rng.poisson(mean))) if mean > 0 else 0
    keys = [*settings.class_weights, *EXCLUDED]
    weights = np.array([*settings.class_weights.values(), 0.0, 0.0])
    cells = 1 - settings.smudge_share - settings.artefact_share
    weights = weights / weights.sum() * cells
    weights[-2:] = settings.smudge_share, settings.artefact_share
    chosen = [keys[i] for i in rng.choice(len(keys), count, p=weights / weights.sum())]
    # Large ones first: what is small may lie on a megakaryocyte, not under it.
    return sorted(chosen, key=lambda key: -DIAMETERS[key][1])


def _places(rng: np.random.Generator, settings: FieldSettings, labels: list[str]) -> Places:
    """x, y and radius (n, 3) in field pixels; every centre lies in the image, so at least a quarter of each cell."""
    found = np.empty((0, 3))
    for label in labels:
        low, high = DIAMETERS[label]
        radius = 0.5 * (low + (high - low) * rng.beta(2, 2)) / settings.um_per_px
        found = np.vstack([found, _place(rng, settings, found, radius)])
    return found


def _place(rng: np.random.Generator, settings: FieldSettings, found: Places, radius: float) -> npt.NDArray[np.float64]:
    """A free place, if asked for against a neighbour; in a full field the least crowded of those tried."""
    best, best_gap = np.zeros(3), -np.inf
    for _ in range(_TRIES):
        x, y = rng.uniform(2, settings.width - 2), rng.uniform(2, settings.height - 2)
        touching = len(found) > 0 and rng.random() < settings.overlap
        if touching:
            other = found[rng.integers(len(found))]
            way, angle = (other[2] + radius) * rng.uniform(0.8, 1.02), rng.uniform(0, 2 * np.pi)
            x = float(np.clip(other[0] + way * np.cos(angle), 2, settings.width - 2))
            y = float(np.clip(other[1] + way * np.sin(angle), 2, settings.height - 2))
        gaps = np.hypot(found[:, 0] - x, found[:, 1] - y) / (found[:, 2] + radius)
        gap = float(gaps.min(initial=np.inf))
        if gap > best_gap:
            best, best_gap = np.array([x, y, radius]), gap
        if gap > (_CLOSEST if touching else 1.05):
            break
    return best


def _put(pen: Pen, settings: FieldSettings, density: Floats, label: str, place: Places) -> GeneratedCell:
    """Draw one object onto the field's density and answer its truth."""
    centre, radius = (float(place[0]), float(place[1])), float(place[2]) * settings.um_per_px
    if label in EXCLUDED:
        drawing = draw_clutter(pen, label, centre, radius)
    else:
        atypical = bool(pen.rng.random() < settings.atypical_share)
        drawing = draw_cell(pen, label, centre, radius, atypical=atypical)
    lay(density, drawing.patch, drawing.layer, drawing.cover)
    return truth(drawing, label, settings.width, settings.height)


def truth(drawing: Drawing, label: str, width: int, height: int) -> GeneratedCell:
    """The object's outline, nucleus and attributes in a field of `width` x `height` pixels."""
    patch = drawing.patch
    length = 2 * np.pi * drawing.outline.reach / patch.um_per_px
    points = drawing.outline.points(int(np.clip(length / 3, 32, 56))) / patch.um_per_px + np.array(patch.centre)
    size = np.array([width, height])
    cut = bool((points < 0).any() or (points > size).any())
    contour = clip(points, width, height) if cut else points
    names = [name for name, is_so in (("cut", cut), ("atypical", drawing.atypical)) if is_so]
    nucleus = None if drawing.nucleus is None else _nucleus(patch, drawing.nucleus)
    if nucleus is not None and ((nucleus < 0).any() or (nucleus > size).any()):
        nucleus = None  # a nucleus cut by the border may fall apart: no claim is made about it
    return GeneratedCell(label, contour, nucleus, frozenset(names))


def _nucleus(patch: Patch, inside: Floats) -> Points | None:
    """Outline of the largest piece of the nucleus, at most 60 points."""
    pieces = measure.find_contours(inside, 0.0)
    if not pieces:
        return None
    longest: Points = max(pieces, key=len)[:-1]
    longest = longest[:: max(1, -(-len(longest) // 60))]
    corner = np.array(patch.corner) + 0.5
    return np.asarray(longest[:, ::-1] + corner) if len(longest) >= 3 else None


def _photograph(rng: np.random.Generator, settings: FieldSettings, density: Floats, sharpness_um: float) -> Pixels:
    """Light through the slide, the lens and the sensor: uneven illumination, point spread, noise."""
    light = _illumination(rng, settings)
    sigma = sharpness_um / settings.um_per_px
    image = np.exp(-density)
    for channel, spread in enumerate((1.05, 1.0, 1.12)):  # lenses focus the ends of the spectrum less well
        image[..., channel] = ndimage.gaussian_filter(image[..., channel], sigma * spread, truncate=3.0)
    image *= light
    # Photon noise grows with the root of the signal; the rest is the sensor's own.
    noise = rng.standard_normal(image.shape, dtype=np.float32)
    noise *= np.sqrt(image * np.float32(settings.noise**2 / 255) + np.float32(0.15 * settings.noise**2))
    image += noise
    image += np.float32(0.5)
    return np.clip(image, 0, 255, out=image).astype(np.uint8)


def _illumination(rng: np.random.Generator, settings: FieldSettings) -> Floats:
    """Light (h, w, 3) in grey levels: the ground's colour, a tilt across the field, darker corners."""
    x = np.linspace(-1, 1, settings.width, dtype=np.float32)[None, :]
    y = np.linspace(-1, 1, settings.height, dtype=np.float32)[:, None]
    tilt, angle = rng.uniform(0, 0.05), rng.uniform(0, 2 * np.pi)
    shade = 1 - np.float32(settings.vignette * 0.5) * (x * x + y * y)
    shade = shade + np.float32(tilt * np.cos(angle)) * x + np.float32(tilt * np.sin(angle)) * y
    colour = np.array(STAINS[settings.stain].ground) * np.array(settings.tint) * rng.uniform(0.97, 1.03)
    light: Floats = shade[..., None] * np.minimum(colour, 255).astype(np.float32)
    return light
