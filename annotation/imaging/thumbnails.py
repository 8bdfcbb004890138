"""Small pictures of large ones: a field in a list, a cell beside a guideline. Made once, kept under their own names."""

from __future__ import annotations

import hashlib
import io
import os
import tempfile
from pathlib import Path

from PIL import Image, ImageOps

from annotation.imaging.reading import DECODE_ERRORS, FORMATS, RefusedImage, as_rgb, quiet

THUMBNAIL_PX = 320
CROP_PX = 160
_MARGIN = 0.35

Bounds = tuple[float, float, float, float]


def thumbnail(source: Path, folder: Path, *, sha256: str) -> Path:
    """A JPEG of `source` whose longer side has 320 pixels. Raises OSError or RefusedImage when it cannot be read."""
    kept = folder / sha256[:2] / f"{sha256}.jpg"
    if not kept.exists():
        with quiet(), _opened(source) as image:
            image.draft("RGB", (2 * THUMBNAIL_PX, 2 * THUMBNAIL_PX))  # a JPEG is decoded small at once
            small = as_rgb(ImageOps.exif_transpose(image))
            small.thumbnail((THUMBNAIL_PX, THUMBNAIL_PX))
        _write(kept, small)
    return kept


def crop(source: Path, folder: Path, *, sha256: str, bounds: Bounds) -> Path:
    """A JPEG of 160 by 160 pixels of what lies within `bounds`, with a margin; what lies outside the field is grey."""
    name = hashlib.sha256(f"{sha256} {bounds}".encode()).hexdigest()
    kept = folder / "crops" / name[:2] / f"{name}.jpg"
    if not kept.exists():
        with quiet(), _opened(source) as image:
            whole = as_rgb(ImageOps.exif_transpose(image))
        _write(kept, _framed(whole, bounds))
    return kept


def _framed(whole: Image.Image, bounds: Bounds) -> Image.Image:
    x0, y0, x1, y1 = bounds
    half = max(x1 - x0, y1 - y0, 1.0) * (0.5 + _MARGIN)
    x, y = (x0 + x1) / 2, (y0 + y1) / 2
    left, top = round(x - half), round(y - half)
    side = max(1, round(x + half) - left)
    frame = Image.new("RGB", (CROP_PX, CROP_PX), (128, 128, 128))
    inside = (max(0, left), max(0, top), min(whole.width, left + side), min(whole.height, top + side))
    if inside[0] < inside[2] and inside[1] < inside[3]:
        # Only what is shown is made, so that the size of the bounds costs nothing.
        corners = zip(inside, (left, top, left, top), strict=True)
        place = [round((value - origin) * CROP_PX / side) for value, origin in corners]
        size = (max(1, place[2] - place[0]), max(1, place[3] - place[1]))
        frame.paste(whole.resize(size, Image.Resampling.LANCZOS, box=inside), (place[0], place[1]))
    return frame


def _opened(source: Path) -> Image.Image:
    try:
        return Image.open(source, formats=FORMATS)
    except OSError:
        raise
    except DECODE_ERRORS as error:
        raise RefusedImage(f"The image cannot be read: {error}.") from error


def _write(path: Path, image: Image.Image) -> None:
    """All of the file or nothing: two requests at once both write it, and either is right."""
    content = io.BytesIO()
    image.save(content, "JPEG", quality=85)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".new-")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content.getvalue())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
