"""What is this cell? Asked by a person, answered within seconds by a worker; nothing of it stays.

An uploaded picture lies in the question's row until it is answered, and the row with its answer goes after minutes.
"""

from __future__ import annotations

import base64
import io
import logging
import subprocess
import sys
import tempfile
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
from django.conf import settings as config
from django.contrib.auth.models import User
from django.db.models.functions import Now
from numpy.typing import NDArray
from PIL import Image, ImageOps

import models_zoo
from annotation import store
from annotation.access import Permission, may_see_predictions, require
from annotation.errors import Refused
from annotation.imaging.reading import DECODE_ERRORS, RefusedImage, as_rgb, open_checked, quiet, read_rgb
from annotation.lanes import wake_after_commit
from annotation.models import Cell, Project
from annotation.shapes import Shape
from learning.actions.classifiers import newest_classifier
from learning.models import CellQuestion, QuestionState
from models_zoo.classifier.heat import circle_points, over, share_inside

# How long an answer can be read before it is gone.
ANSWER_MINUTES = 10
MOST_CLASSES = 5
# A picture of one cell is small; more than this is a field.
MOST_MEGAPIXELS = 25.0
LEAST_SIDE = 8
# SmoothGrad takes a process with torch and 50 looks: seconds, unless the machine is very busy.
SMOOTH_SECONDS = 120

_log = logging.getLogger(__name__)
Pixels = NDArray[np.uint8]


class QuestionError(Refused):
    """The question cannot be asked; the text says why."""


def ask_about_picture(*, project: Project, picture: bytes, actor: User) -> CellQuestion:
    """Ask about an uploaded picture of one cell. Raises RefusedImage for what is no picture or too large."""
    require(actor, project, Permission.VIEW)
    _need_classifier(project)
    if len(picture) > config.CELL_UPLOAD_MB * 1_000_000:
        size = len(picture) / 1_000_000
        raise RefusedImage(f"The file has {size:.1f} MB; a picture of one cell may have {config.CELL_UPLOAD_MB} MB.")
    width, height = _pixels(picture).shape[1::-1]
    if min(width, height) < LEAST_SIDE:
        raise RefusedImage(f"The picture has {width} x {height} pixels, too few to show a cell: give at least 8 x 8.")
    return _asked(CellQuestion(project=project, author=actor, picture=picture))


def ask_about_cell(*, cell: Cell, actor: User) -> CellQuestion:
    """Ask about a labelled cell of a field. Raises QuestionError where the actor reads its field blind."""
    field = cell.reading.field
    require(actor, field.project, Permission.VIEW)
    _need_classifier(field.project)
    if not may_see_predictions(actor, field):
        raise QuestionError("This field is read without predictions: ask when you have finished it.")
    shape = cell.shape
    question = CellQuestion(project=field.project, author=actor, field=field)
    question.box, question.contour = list(shape.bounds), _outline(shape).ravel().tolist()
    return _asked(question)


def ask_for_smooth_grad(*, question: CellQuestion, actor: User) -> bool:
    """Let the answer be told SmoothGrad as well. False: it is there or asked for already, or there is no answer yet."""
    require(actor, question.project, Permission.VIEW)
    answered = CellQuestion.objects.filter(pk=question.pk, author=actor, state=QuestionState.ANSWERED)
    if "smooth" in question.answer:
        return False
    asked = answered.update(state=QuestionState.WAITING, answer=question.answer | {"smooth": ""})
    wake_after_commit("learning.tasks.classify")
    return bool(asked)


def _need_classifier(project: Project) -> None:
    if newest_classifier(project) is None:
        raise QuestionError(f"{project.name} has no classifier yet: an engineer must train one.")


def _asked(question: CellQuestion) -> CellQuestion:
    question.save()
    wake_after_commit("learning.tasks.classify")
    return question


def _outline(shape: Shape) -> NDArray[np.float64]:
    """(n, 2) points round the cell."""
    if shape.kind == "circle":
        cx, cy, radius = shape.points
        return circle_points(cx, cy, radius)
    if shape.kind == "box":
        x0, y0, x1, y1 = shape.points
        return np.array([(x0, y0), (x1, y0), (x1, y1), (x0, y1)], np.float64)
    return np.array(shape.points, np.float64).reshape(-1, 2)


def _pixels(picture: bytes) -> Pixels:
    """(h, w, 3) as a person sees it, orientation applied. Raises RefusedImage."""
    with quiet():
        image = open_checked(picture, MOST_MEGAPIXELS)
        try:
            return np.asarray(as_rgb(ImageOps.exif_transpose(image)))
        except DECODE_ERRORS as error:
            raise RefusedImage("The picture is damaged or not whole: it cannot be decoded to its end.") from error


def answer_next() -> bool:
    """Answer the question that has waited longest. False: none waits. Old ones are forgotten on the way."""
    CellQuestion.objects.filter(created_at__lt=Now() - timedelta(minutes=ANSWER_MINUTES)).delete()
    waiting = CellQuestion.objects.filter(state=QuestionState.WAITING)
    question = waiting.select_related("project", "field").order_by("pk").first()
    if question is None:
        return False
    if not waiting.filter(pk=question.pk).update(state=QuestionState.ANSWERING):
        return True  # another worker was faster
    values: dict[str, Any]
    try:
        answer = _with_smooth_grad(question) if question.answer else _answer(question)
        values = {"state": QuestionState.ANSWERED, "answer": answer}
    except (Refused, ValueError, OSError) as error:
        values = {"state": QuestionState.FAILED, "error": str(error)}
    except Exception:  # whatever broke, the person must be told and the picture must go
        _log.exception("question %s could not be answered", question.uuid)
        values = {"state": QuestionState.FAILED, "error": "The classifier broke off; the log of the worker says why."}
    CellQuestion.objects.filter(pk=question.pk).update(picture=b"", **values)
    return True


def _answer(question: CellQuestion) -> dict[str, Any]:
    """`classes`: key and confidence, the surest first. `crop` and `heat`: PNG as base64. `share`: of the heat that lies
    inside the contour, None where there is no contour. `steps`: the preprocessing in words."""
    classifier = newest_classifier(question.project)
    if classifier is None:
        raise QuestionError("The classifier is gone.")
    if question.field is not None:
        image = read_rgb(store.fetch(config.IMAGES_DIR / question.field.file))
        found = models_zoo.explain_cell(classifier.onnx, image, tuple(question.box))
    else:
        found = models_zoo.explain_cell(classifier.onnx, _pixels(bytes(question.picture)))
    return {
        "classifier": classifier.label,
        "classes": [[key, round(score, 4)] for key, score in found.classes[:MOST_CLASSES]],
        "steps": list(found.steps),
        "side": len(found.crop),
        "crop": _png(found.crop),
        "heat": _png(over(found.crop, found.heat)),
        "share": _share(question, found),
    }


def _with_smooth_grad(question: CellQuestion) -> dict[str, Any]:
    """The answer with `smooth`, a PNG as base64, by a process of its own: this one must not load torch."""
    answer: dict[str, Any] = question.answer
    classifier = question.project.classifiers.get(label=answer["classifier"])
    config.SCRATCH_DIR.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=config.SCRATCH_DIR) as scratch:
        crop, out = Path(scratch) / "crop.png", Path(scratch) / "smooth.png"
        crop.write_bytes(base64.b64decode(answer["crop"]))
        command = [sys.executable, "-m", "models_zoo.classifier.smooth", str(classifier.weights), str(crop)]
        command += [answer["classes"][0][0], str(out)]
        try:
            subprocess.run(command, cwd=config.BASE_DIR, check=True, capture_output=True, timeout=SMOOTH_SECONDS)
        except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
            _log.warning("SmoothGrad of question %s: %s %r", question.uuid, error, error.stderr)
            return answer | {"smooth_error": "SmoothGrad could not be made; the log of the worker says why."}
        return answer | {"smooth": base64.b64encode(out.read_bytes()).decode("ascii")}


def _share(question: CellQuestion, found: Any) -> float | None:
    if not question.contour:
        return None
    x0, y0, x1, y1 = found.square
    points = np.array(question.contour, np.float64).reshape(-1, 2)
    share = share_inside(found.heat, (points - (x0, y0)) * len(found.crop) / np.array([x1 - x0, y1 - y0]))
    return None if share is None else round(share, 3)


def _png(pixels: Pixels) -> str:
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "PNG")
    return base64.b64encode(out.getvalue()).decode("ascii")
