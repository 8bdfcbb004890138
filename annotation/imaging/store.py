"""Taking a file in: checked, stripped, and stored under the hash of what is stored."""

from __future__ import annotations

import hashlib
import io
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from annotation.imaging.phash import difference_hash
from annotation.imaging.reading import DECODE_ERRORS, SIXTEEN_BITS, RefusedImage, open_checked, orientation_of, quiet
from annotation.imaging.segments import strip_jpeg, strip_png

MAX_MEGAPIXELS = 100.0
MAX_FILE_BYTES = 1 << 30
_REDUCED_PAGE = 1


@dataclass(frozen=True, slots=True)
class StoredImage:
    """`path` is relative to the store; `width` and `height` are as a person sees it (orientation applied);
    `orientation` is the EXIF tag that the stored file still holds; `phash` has 64 bits."""

    sha256: str
    path: str
    width: int
    height: int
    format: str
    orientation: int
    phash: int


def ingest(source: Path, store: Path, max_megapixels: float = MAX_MEGAPIXELS) -> StoredImage:
    """Take an image file into the store, without what can name a patient and with the same pixels.

    JPEG and PNG are stripped in place; TIFF, BMP and WebP are written anew as PNG, without loss, turned upright. The
    same image a second time writes nothing. Raises RefusedImage when it cannot be a field (no image, truncated, more
    than 8 bits a sample, above `max_megapixels`, animated, several pages), OSError when the file cannot be read.
    """
    if source.stat().st_size > MAX_FILE_BYTES:
        raise RefusedImage("The file is larger than 1 GB.")
    data = source.read_bytes()
    with quiet(), open_checked(data, max_megapixels) as image:
        try:
            content, kind, kept, upright = _examined(image, data)
            width, height = upright.size
            phash = difference_hash(upright)
        except DECODE_ERRORS as error:
            raise RefusedImage(f"The image is truncated or damaged: {error}.") from error
    sha256 = hashlib.sha256(content).hexdigest()
    path = f"{sha256[:2]}/{sha256}.{kind}"
    _write_once(store / path, content)
    return StoredImage(sha256, path, width, height, kind, kept, phash)


def _examined(image: Image.Image, data: bytes) -> tuple[bytes, str, int, Image.Image]:
    """The bytes to store, their format, the orientation that they still carry, and the picture upright."""
    if image.format == "TIFF":
        _check_pages(image)
    image.load()
    orientation = orientation_of(image)
    upright = _turned(image, orientation)
    if image.format in ("JPEG", "MPO"):
        return strip_jpeg(data, orientation), "jpg", orientation, upright
    if image.format == "PNG":
        return strip_png(data, orientation), "png", orientation, upright
    return _as_png(upright), "png", 1, upright


def _turned(image: Image.Image, orientation: int) -> Image.Image:
    """The picture as a person sees it: pixels swapped and mirrored, never changed."""
    turns = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_270,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_90,
    }
    return image.transpose(turns[orientation]) if orientation in turns else image


def _as_png(image: Image.Image) -> bytes:
    if image.mode not in ("1", "L", "LA", "P", "RGB", "RGBA"):
        raise RefusedImage(f"The image cannot be used: its colours are stored as {image.mode}; save it as 8-bit RGB.")
    plain = Image.new(image.mode, image.size)
    if image.mode == "P":
        plain.putpalette(image.getpalette("RGB") or [], "RGB")
    plain.paste(image)
    out = io.BytesIO()
    plain.save(out, "PNG", icc_profile=image.info.get("icc_profile"), transparency=image.info.get("transparency"))
    return out.getvalue()


def _check_pages(image: Image.Image) -> None:
    """One picture of 8 bits a sample. Small pages beside it (thumbnail, label, macro) are left behind."""
    tags = image.tag_v2  # type: ignore[attr-defined]  # every TIFF has them
    if any(bits > 8 for bits in tags.get(258, (1,))):
        raise RefusedImage(f"The image cannot be used: {SIXTEEN_BITS}.")
    if 330 in tags:
        raise RefusedImage("The TIFF is a pyramid of resolutions; export the one picture that is meant.")
    width, height = image.size
    frames = getattr(image, "n_frames", 1)
    for page in range(1, frames):
        image.seek(page)
        other = image.tag_v2  # type: ignore[attr-defined]
        small = image.size[0] * 4 <= width and image.size[1] * 4 <= height
        if 322 in other:
            raise RefusedImage("The TIFF is a pyramid of resolutions; export the one picture that is meant.")
        if not (small and other.get(254, 0) & _REDUCED_PAGE):
            raise RefusedImage(f"The TIFF has {frames} pages; save the one that is meant.")
    if frames > 1:
        image.seek(0)


def _write_once(path: Path, content: bytes) -> None:
    """All of the file or nothing, and never a second time."""
    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".new-")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
