"""Opening images with care: what is refused, and pixels as a person sees them."""

from __future__ import annotations

import contextlib
import io
import struct
import warnings
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps, UnidentifiedImageError

from annotation.errors import Refused

# A JPEG with a preview behind it opens as "MPO" by way of "JPEG".
FORMATS = ("JPEG", "PNG", "TIFF", "BMP", "WEBP")
MODES = frozenset({"1", "L", "LA", "P", "PA", "RGB", "RGBA", "RGBX", "CMYK", "YCbCr"})
ORIENTATION = 0x0112
_GLASS = (255, 255, 255, 255)  # a slide that nothing covers is white
SIXTEEN_BITS = "it has more than 8 bits a sample; save it as 8-bit RGB"

# What broken and hostile files make Pillow raise, beside its own UnidentifiedImageError (an OSError).
DECODE_ERRORS = (
    OSError,
    SyntaxError,
    ValueError,
    TypeError,
    LookupError,
    ArithmeticError,
    EOFError,
    MemoryError,
    RuntimeError,
    struct.error,
    zlib.error,
)

_SNIFFED = (
    (b"GIF8", "a GIF"),
    (b"%PDF", "a PDF"),
    (b"PK\x03\x04", "a zip archive"),
    (b"<svg", "an SVG drawing"),
    (b"<!doctype html", "a web page"),
    (b"<html", "a web page"),
    (b"ftypheic", "a HEIC picture"),
    (b"ftypavif", "an AVIF picture"),
    (b"DICM", "a DICOM file"),
)


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Without Pillow's warnings: damaged metadata is dropped anyway, and the limit of size is ours."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        yield


class RefusedImage(Refused):
    """The file cannot be a field. The message says why in a sentence for people."""


def open_checked(data: bytes, max_megapixels: float) -> Image.Image:
    """The image of a file, opened but not decoded: its header says that it may be. Called within `quiet`.

    Raises RefusedImage when it is no image of a known format, larger than `max_megapixels`, animated, or deeper than
    8 bits a sample.
    """
    try:
        image = Image.open(io.BytesIO(data), formats=FORMATS)
    except Image.DecompressionBombError as error:
        raise RefusedImage(f"The image is too large: above the limit of {max_megapixels:g} megapixels.") from error
    except UnidentifiedImageError as error:
        raise RefusedImage(f"The file is {_what(data)}, not an image in JPEG, PNG, TIFF, BMP or WebP.") from error
    except DECODE_ERRORS as error:
        raise RefusedImage(f"The image cannot be read: {error}.") from error
    check_header(image, data, max_megapixels)
    return image


def _what(data: bytes) -> str:
    head = data[:4096].lower()
    if not head:
        return "empty"
    return next((name for mark, name in _SNIFFED if mark.lower() in head), "damaged or of another kind")


def check_header(image: Image.Image, data: bytes, max_megapixels: float) -> None:
    """Raises RefusedImage for what the header gives away."""
    width, height = image.size
    if width * height > max_megapixels * 1e6:
        raise RefusedImage(
            f"The image is too large: {width} x {height} is {width * height / 1e6:.0f} megapixels, "
            f"the limit is {max_megapixels:g}."
        )
    if image.format == "PNG" and data[24] == 16:
        raise RefusedImage(f"The image cannot be used: {SIXTEEN_BITS}.")
    if image.mode not in MODES:
        sixteen = image.mode.startswith(("I", "F"))
        reason = SIXTEEN_BITS if sixteen else f"its colours are stored as {image.mode}; save it as 8-bit RGB"
        raise RefusedImage(f"The image cannot be used: {reason}.")
    if image.format not in ("MPO", "TIFF") and getattr(image, "n_frames", 1) > 1:
        raise RefusedImage("The image is animated; save the one picture that is meant.")


def orientation_of(image: Image.Image) -> int:
    """The EXIF orientation, 1 to 8; 1 where there is none or it is none of these. XMP is not asked: browsers and
    OpenCV do not either."""
    exif = Image.Exif()
    block = image.info.get("exif")
    try:
        exif.load(block if isinstance(block, bytes) else b"")
        value = exif.get(ORIENTATION, 1)
    except DECODE_ERRORS:
        return 1
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def read_rgb(path: Path) -> npt.NDArray[np.uint8]:
    """Pixels (height, width, 3) of a stored image as a person sees it: orientation applied, grey, palette and CMYK
    turned to RGB, white where it is transparent. Raises OSError when the file is gone or damaged."""
    with quiet(), Image.open(path, formats=FORMATS) as image:
        return np.asarray(as_rgb(ImageOps.exif_transpose(image)))


def as_rgb(image: Image.Image) -> Image.Image:
    """Palettes by way of RGBA, because Pillow cannot turn their transparency into colours in one step."""
    if not image.has_transparency_data:
        return image.convert("RGB")
    return Image.alpha_composite(Image.new("RGBA", image.size, _GLASS), image.convert("RGBA")).convert("RGB")
