"""A perceptual hash: near copies of an image differ in few bits."""

from __future__ import annotations

import numpy as np
from PIL import Image

from annotation.imaging.reading import as_rgb


def difference_hash(image: Image.Image) -> int:
    """64 bits: whether each of 8 x 8 cells is darker than its right neighbour, in grey, row by row, first bit highest.

    `image` as a person sees it (orientation applied). Two images are compared by the number of bits that differ
    (`(a ^ b).bit_count()`); twins have 0 to about 6. Source: N. Krawetz, "Kind of like that" (2013).
    """
    small = as_rgb(image).convert("L").resize((9, 8), Image.Resampling.BOX)
    grey = np.asarray(small, dtype=np.int16)
    return int.from_bytes(np.packbits(grey[:, :-1] < grey[:, 1:]).tobytes(), "big")
