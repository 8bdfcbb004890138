"""What the documents print, quoted as printed (in %, by Gräbel 2021; as shares, by Liu 2022)."""

from __future__ import annotations

MEASURES = ("f1_box", "f1_centre", "ap_box", "ap_centre")

# Table 1: exact contours.
EXACT = {
    "unet": (93.2, 95.2, 94.2, 96.7),
    "mask_rcnn": (94.5, 94.6, 97.5, 97.8),
    "retinanet": (91.9, 92.5, 95.2, 96.6),
    "yolo": (88.8, 89.0, 96.1, 96.9),
    "circular_retinanet": (92.5, 93.4, 95.6, 97.6),
}
# Table 2: representations of weak annotations for the U-Net, by words that a representation's name may hold.
REPRESENTATIONS = {
    "contour": ("shrink + contour class", (95.2, 95.8, 96.3, 97.7)),
    "shrink": ("shrinking", (94.9, 95.7, 94.9, 96.7)),
    "distance": ("distance transform", (90.7, 95.4, 88.6, 93.6)),
    "sigmoid": ("sigmoid function", (93.1, 95.5, 92.0, 95.9)),
    "scaled": ("scaled statistical function", (84.1, 90.1, 80.0, 87.0)),
    "statistical": ("statistical function", (33.3, 49.3, 14.9, 29.9)),
    "care": ("don't care label", (33.9, 91.8, 13.2, 91.7)),
}
# Table 3: weak annotations.
WEAK = {
    "unet": (95.2, 95.8, 96.3, 97.7),
    "mask_rcnn": (93.0, 94.0, 97.3, 98.2),
    "retinanet": (93.4, 94.2, 96.3, 97.8),
    "yolo": (90.4, 90.9, 96.4, 97.1),
    "circular_retinanet": (94.0, 94.3, 96.6, 97.5),
}
# Liu 2022, tables 2 and 3, the printed means: recall, precision, F1, AP50.
LIU = {
    "baseline": (0.740, 0.393, 0.513, 0.517),
    "rank & sort": (0.680, 0.457, 0.539, 0.485),
    "our method": (0.710, 0.496, 0.575, 0.533),
}


def representation(name: str) -> tuple[str, tuple[float, ...]] | None:
    """The row of table 2 that a representation's name stands for."""
    return next((row for word, row in REPRESENTATIONS.items() if word in name), None)
