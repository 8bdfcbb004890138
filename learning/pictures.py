"""Pictures of predictions over a field: for the demo, reports and documentation."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from annotation.models import Prediction

# Small fields are enlarged so that names can be read.
LEAST_SIDE = 900
LINE = 2
LABEL = 13


def draw_predictions(picture: Path, predictions: Sequence[Prediction], out: Path) -> None:
    """Write the field with each prediction's shape, class key and score on it. The picture itself is not touched."""
    with Image.open(picture) as opened:
        image = opened.convert("RGB")
    factor = max(1, -(-LEAST_SIDE // max(image.size)))
    image = image.resize((image.width * factor, image.height * factor), Image.Resampling.BICUBIC)
    draw = ImageDraw.Draw(image)
    font = ImageFont.load_default(LABEL)
    for item in predictions:
        x0, y0, x1, y1 = (value * factor for value in item.shape.bounds)
        outline = draw.ellipse if item.kind == "circle" else draw.rectangle
        # A dark rim keeps pale colours visible on a pale ground.
        outline((x0 - 1, y0 - 1, x1 + 1, y1 + 1), outline="#222222", width=LINE + 2)
        outline((x0, y0, x1, y1), outline=item.cell_class.colour, width=LINE)
        text = f"{item.cell_class.key} {item.score:.2f}"
        place = (max(0, x0), max(0, y0 - LABEL - 3))
        draw.rectangle(draw.textbbox(place, text, font=font), fill="#222222")
        draw.text(place, text, fill="white", font=font)
    out.parent.mkdir(parents=True, exist_ok=True)
    image.save(out)
