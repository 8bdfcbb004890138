"""What can be varied: the family's own parameters, and those that every family has. Pure.

METHODS section 3 lists: U-Net depth, optimiser, loss, patch and batch size, width and weight of the contour class,
confidence threshold, distance-transform threshold, NMS, ANMS and WBC thresholds, normalisation, mask branch on or off.
Depth, loss, contour, normalisation and branch are parameters of their families. The confidence threshold is not drawn:
for every trial the best one on tuning is reckoned, which a search could only come near to. The WBC threshold matters
where views are combined, which `views` switches on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from models_zoo.records import DetectRequest, TrainRequest
from models_zoo.spec import Parameter, Spec, Value

GENERAL = (
    Parameter("tile", 320, "side of the patch", choices=(128, 192, 256, 320, 416)),
    Parameter("batch", 8, "patches a step", choices=(2, 4, 8, 16)),
    Parameter("shrink", 0.9, "of a circle's box", low=0.7, high=1.0),
    Parameter("nms_iou", 0.6, "overlap from which one box gives way", low=0.2, high=0.8),
    Parameter("anms", 0.0, "share within a larger box; 0 is off", choices=(0.0, 0.6, 0.7, 0.8, 0.9), when="looking"),
    Parameter("views", False, "four mirrored views, combined", choices=(False, True), when="looking"),
    Parameter("wbc_iou", 0.5, "overlap from which views are one cluster", low=0.2, high=0.8, when="looking"),
)
_OF_TRAINING = ("tile", "batch", "shrink")
_OF_LOOKING = ("nms_iou", "anms")


def space(spec: Spec, vary: Sequence[str]) -> tuple[Parameter, ...]:
    """The parameters that a search draws. Raises ValueError for a name that is none, or that cannot be searched."""
    known = {one.name: one for one in (*GENERAL, *spec.parameters)}
    searched = tuple(name for name, one in known.items() if one.searched)
    for name in vary:
        if name not in searched:
            raise ValueError(f"{spec.family} has no parameter {name!r} to search; it has {', '.join(searched)}")
    return tuple(known[name] for name in (vary or searched))


def drawn(parameters: Sequence[Parameter], trial: Any) -> dict[str, Value]:
    """One draw of every parameter from an optuna trial."""
    return {one.name: _one(one, trial) for one in parameters}


def _one(one: Parameter, trial: Any) -> Value:
    if one.choices:
        value: Value = trial.suggest_categorical(one.name, list(one.choices))
        return value
    suggest: Callable[..., Value] = trial.suggest_int if isinstance(one.default, int) else trial.suggest_float
    return suggest(one.name, one.low, one.high, log=one.log)


def defaults(parameters: Sequence[Parameter], request: TrainRequest) -> dict[str, Value]:
    """What the request itself says of the parameters: the first trial, which the others are compared with.

    Where the request's own value is none of a parameter's choices, its default stands in, if that is one.
    """
    own: dict[str, Value] = {"tile": request.tile, "batch": request.batch, "shrink": request.shrink}
    own |= {"anms": request.anms} | dict(request.parameters)
    said = {one.name: own.get(one.name, one.default) for one in parameters}
    return {one.name: _within(one, said[one.name]) for one in parameters}


def _within(one: Parameter, value: Value) -> Value:
    if one.choices:
        return value if value in one.choices else (one.default if one.default in one.choices else one.choices[0])
    low, high = one.low or 0.0, one.high if one.high is not None else float(value)
    inside = min(max(float(value), low), high)
    return int(inside) if isinstance(one.default, int) and not isinstance(one.default, bool) else inside


def to_train(request: TrainRequest, settings: Mapping[str, Value], spec: Spec) -> TrainRequest:
    """`request` with these settings; those of looking that belong to the family are kept with the weights."""
    own = {one.name for one in spec.parameters}
    general: dict[str, Any] = {name: settings[name] for name in _OF_TRAINING if name in settings}
    if "anms" in settings:
        general["anms"] = settings["anms"]
    parameters = request.parameters | {name: value for name, value in settings.items() if name in own}
    return replace(request, parameters=parameters, **general)


def to_detect(request: DetectRequest, settings: Mapping[str, Value]) -> DetectRequest:
    looking: dict[str, Any] = {name: settings[name] for name in _OF_LOOKING if name in settings}
    return replace(request, **looking)
