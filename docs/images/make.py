"""Makes the two pictures of the README: `python docs/images/make.py PROJECT` after the demo or the tutorial.

PROJECT is theirs (demo-1, first-study): both hold generated fields alone, and no other project is taken. The field on
which the deployed student shows most cells is drawn as it is, and with the predictions over it.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import django
from PIL import Image

FOLDER = Path(__file__).resolve().parent
COLOURS = 128
WIDTH = 720


def small(picture: Image.Image, out: Path) -> None:
    """Save `picture` with few colours, so that the repository stays light."""
    height = round(picture.height * WIDTH / picture.width)
    resized = picture.convert("RGB").resize((WIDTH, height), Image.Resampling.LANCZOS)
    resized.quantize(COLOURS, dither=Image.Dither.NONE).save(out, optimize=True)


def main(key: str) -> int:
    from annotation.models import Field, Prediction, Project
    from learning.actions.models import deployed_model
    from learning.exchange import path_of
    from learning.pictures import draw_predictions

    project = Project.objects.get(key=key)
    model = deployed_model(project)
    if model is None or not (key.startswith("demo-") or key == "first-study"):
        print(f"{key} is no project of generated fields with a deployed model: type `make demo` first", file=sys.stderr)
        return 1
    shown = Prediction.objects.filter(field__project=project, model_id=model.pk, score__gte=model.threshold)
    most = max(Field.objects.filter(project=project), key=lambda field: shown.filter(field=field).count())
    drawn = FOLDER / "predictions.png"
    draw_predictions(path_of(most), list(shown.filter(field=most).select_related("cell_class")), drawn)
    for source, out in ((path_of(most), FOLDER / "field.png"), (drawn, drawn)):
        with Image.open(source) as picture:
            small(picture, out)
        print(f"{out.name}: {out.stat().st_size / 1000:.0f} kB")
    return 0


if __name__ == "__main__":
    sys.path.insert(0, str(FOLDER.parents[1]))
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    sys.exit(main(sys.argv[1] if len(sys.argv) > 1 else "demo-1"))
