"""The curves of a training, epoch by epoch, with the epoch marked whose weights were kept."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from learning.figures.lines import Axis, LineChart, Marker, Series, line_chart
from learning.models import Epoch, ModelVersion, Run
from learning.states import RunState, Step
from learning.views.words import loss_words

TITLES = {Step.TRAIN: "Teacher", Step.DISTIL: "Student"}


@dataclass(frozen=True, slots=True)
class Losses:
    """The curves of one training. `best` is the epoch whose weights were kept; None while it is not known."""

    title: str
    step: str
    epochs: int
    best: int | None
    charts: tuple[LineChart, ...]


def losses_of(runs: Mapping[Step, Run], models: Sequence[ModelVersion | None] = ()) -> list[Losses]:
    """The trainings among `runs`; `models` may have come of them: the best epoch is on their cards."""
    trainings = [(step, runs[step]) for step in TITLES if step in runs]
    rows: dict[int, list[tuple[int, dict[str, Any]]]] = {run.pk: [] for _, run in trainings}
    for pk, number, losses in Epoch.objects.filter(run__in=rows).values_list("run", "number", "losses"):
        rows[pk].append((number, losses if isinstance(losses, dict) else {}))
    made = []
    for step, run in trainings:
        epochs = rows[run.pk]
        best = _best(run, models, [number for number, _ in epochs])
        if epochs:
            made.append(Losses(TITLES[step], step, len(epochs), best, tuple(_charts(epochs, best))))
    return made


def losses_behind(model: ModelVersion) -> Losses | None:
    """The curves of the training that `model` came of; None where no run of this project made it."""
    runs = Run.objects.filter(project=model.project_id, step__in=list(TITLES), state=RunState.SUCCEEDED)
    run = runs.filter(result__model=model.label).order_by("pk").last()
    return next(iter(losses_of({Step(run.step): run}, [model])), None) if run is not None else None


def _best(run: Run, models: Sequence[ModelVersion | None], there: Sequence[int]) -> int | None:
    """From the card of the model that the run has made; what lies outside the epochs there are is not believed."""
    label = run.result.get("model") if isinstance(run.result, dict) else None
    cards = [model.card for model in models if model is not None and model.label == label]
    best = cards[0].get("best_epoch") if cards else None
    return best if best in there else None


def _charts(epochs: Sequence[tuple[int, dict[str, Any]]], best: int | None) -> Iterator[LineChart]:
    names = dict.fromkeys(name.removeprefix("val_") for _, losses in epochs for name in losses)
    marker = Marker(best, f"best epoch: {best}") if best is not None else None
    for name in names:
        both = (
            Series("training", _points(epochs, name), 1),
            Series("validation", _points(epochs, f"val_{name}"), 2),
        )
        # A loss that validation does not know is stored as zeros.
        series = [one for one in both if any(value for _, value in one.points)]
        x, y = Axis("epoch", whole=True), Axis("loss", low=0.0)
        yield line_chart(loss_words(name), series, x=x, y=y, marker=marker, width=380, height=210)


def _points(epochs: Sequence[tuple[int, dict[str, Any]]], key: str) -> list[tuple[float, float | None]]:
    return [(number, float(v) if isinstance(v := losses.get(key), int | float) else None) for number, losses in epochs]
