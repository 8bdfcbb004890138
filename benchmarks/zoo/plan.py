"""What is trained, in which order: the jobs of the benchmark. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

from models_zoo.spec import Spec, Value

What = Literal["detector", "policy", "classifier", "stages"]
SHRINK = 0.9
ANMS = 0.8
# Kinds of a detector's training: data set, whether its shapes are weak circles, and the shrink factor.
KINDS: dict[str, tuple[str, bool, float]] = {
    "contour": ("generated", False, 1.0),
    "circle": ("generated", True, SHRINK),
    "contour_shrunk": ("generated", False, SHRINK),
    "circle_whole": ("generated", True, 1.0),
    "graz": ("graz", False, 1.0),
    "txl": ("txl", False, 1.0),
}
HEADLINE = ("contour", "circle")
# The five of Gräbel 2021, those that take longest first, so that none of them runs alone at the end; then Liu's.
STUDIED = ("yolo", "mask_rcnn", "unet", "retinanet", "circular_retinanet")
FAMILIES = (*STUDIED, "faster_rcnn")
# Of several variants of a family the first of these that there is, for a GPU; a CPU takes the family's tiny preset.
FULL_VARIANTS = ("yolo26s", "unet-r18", "mask_rcnn-r18", "retinanet-r18", "circular_retinanet-r18", "faster_rcnn-r18")
CLASSIFIED = ("wbc", "pbc")


@dataclass(frozen=True, slots=True)
class Setting:
    """`fields` of the generated set and their side in pixels; `graz` and `txl`: training, validation, tuning and test
    pictures; `tile`, `epochs` and `batch` 0: those of the tiny preset. `cell_px` is the
    size of a 12 µm cell."""

    fields: int
    cases: int
    side: int
    cell_px: float
    graz: tuple[int, int, int, int]
    graz_side: int
    txl: tuple[int, int, int, int]
    txl_side: int
    tile: int
    epochs: int
    batch: int
    cells: int
    cell_epochs: int
    seeds: tuple[int, ...]
    tiny: bool


SETTINGS = {
    "small": Setting(40, 10, 256, 20.0, (16, 6, 6, 16), 128, (20, 6, 6, 16), 128, 0, 16, 0, 120, 6, (0,), tiny=True),
    "full": Setting(
        200, 25, 320, 24.0, (36, 8, 8, 36), 192, (160, 40, 40, 120), 192, 192, 40, 16, 2000, 20, (0, 1, 2), tiny=False
    ),
}


@dataclass(frozen=True, slots=True)
class Job:
    """One training and its measuring; `name` is also the name of its result file. `group` is its place in a figure's
    key or a table, `kind` one of KINDS or CLASSIFIED. An empty `variant` stands for a family that is not in the zoo."""

    name: str
    what: What
    group: str
    kind: str
    seed: int
    variant: str = ""
    parameters: dict[str, Value] = field(default_factory=dict)
    epochs: int = 0
    batch: int = 8
    tile: int = 320
    policy: str = "background"
    classes: Literal["cell", "lineage", "own"] = "cell"

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def plan(specs: Sequence[Spec], setting: Setting) -> list[Job]:
    """All jobs, the most important first: the two main tables with all their seeds, then all else seed by seed.

    Families that `specs` does not hold are left out here, and null in the figures.
    """
    known = {one.family: one for one in specs}
    jobs = [
        _detector(known[name], kind, seed, setting)
        for seed in setting.seeds
        for name in STUDIED
        for kind in HEADLINE
        if name in known
    ]
    for seed in setting.seeds:
        jobs += _policies(known, seed, setting) + _representations(known, seed, setting)
        jobs += _classifiers(known, seed, setting) + _arms(known, seed, setting)
        rest = [(name, kind) for kind in ("graz", "txl", "circle_whole", "contour_shrunk") for name in FAMILIES]
        rest += [("faster_rcnn", kind) for kind in HEADLINE]
        jobs += [_detector(known[name], kind, seed, setting) for name, kind in rest if name in known]
    return jobs


def _detector(spec: Spec, kind: str, seed: int, setting: Setting) -> Job:
    base = _base(spec, setting)
    classes: Literal["cell", "own"] = "own" if kind == "txl" else "cell"
    return replace(base, name=f"{spec.family}-{kind}-{seed}", kind=kind, seed=seed, classes=classes)


def _base(spec: Spec, setting: Setting) -> Job:
    tiny = spec.tiny
    wanted = next((name for name in FULL_VARIANTS if name in spec.variants), spec.variants[0])
    return Job(
        name="",
        what="detector",
        group=spec.family,
        kind="",
        seed=0,
        variant=tiny.variant if setting.tiny else wanted,
        parameters=dict(tiny.parameters) if setting.tiny else {},
        epochs=setting.epochs or tiny.epochs,
        batch=setting.batch or tiny.batch,
        tile=setting.tile or tiny.tile,
    )


def _choices(spec: Spec | None, parameter: str) -> tuple[Value, ...]:
    return next((one.choices for one in spec.parameters if one.name == parameter), ()) if spec else ()


def _default(spec: Spec, parameter: str) -> Value | None:
    return next((one.default for one in spec.parameters if one.name == parameter), None)


def _representations(known: dict[str, Spec], seed: int, setting: Setting) -> list[Job]:
    """The U-Net's target representations on weak circles, Gräbel's second table; the default is in the main table."""
    spec = known.get("unet")
    if spec is None:
        return []
    base = _base(spec, setting)
    default = base.parameters.get("representation", _default(spec, "representation"))
    return [
        replace(
            base,
            name=f"unet-{_plain(value)}-circle-{seed}",
            group=f"unet_{_plain(value)}",
            kind="circle",
            seed=seed,
            parameters=base.parameters | {"representation": value},
        )
        for value in _choices(spec, "representation")
        if value != default
    ]


def _plain(value: Value) -> str:
    return str(value).replace(" ", "_").replace("-", "_").replace("+", "and")


def _policies(known: dict[str, Spec], seed: int, setting: Setting) -> list[Job]:
    """Three ways with artefacts, on the U-Net as in the study (on YOLO where there is none)."""
    spec = known.get("unet") or known.get("yolo")
    if spec is None:
        return []
    base = replace(_base(spec, setting), what="policy", kind="circle", seed=seed)
    names = ("background", "cell", "own")
    return [replace(base, name=f"policy-{name}-{seed}", group=f"policy_{name}", policy=name) for name in names]


def _arms(known: dict[str, Spec], seed: int, setting: Setting) -> list[Job]:
    """Faster R-CNN with the arms of Liu 2022 on classes with a long tail: every recipe of the family."""
    spec = known.get("faster_rcnn")
    if spec is None:
        return []
    base = replace(_base(spec, setting), kind="contour", seed=seed, classes="lineage")
    plain = [replace(base, name=f"liu-plain-{seed}", group="liu_plain")] if not spec.recipes else []
    names = {one.name for one in spec.parameters}
    arms = [
        replace(
            base,
            name=f"liu-{_plain(recipe.name)}-{seed}",
            group=f"liu_{_plain(recipe.name)}",
            parameters=base.parameters
            | {key: value for key, value in recipe.parameters.items() if key in names and key in ARM_PARAMETERS},
        )
        for recipe in spec.recipes
    ]
    return plain + arms


# Of a recipe what makes its arm; its schedule for 20 epochs of full fields is not that of a short training.
ARM_PARAMETERS = ("ranking", "loss", "ranking_lambda", "lambda", "score_ranking", "augmentation")


def _classifiers(known: dict[str, Spec], seed: int, setting: Setting) -> list[Job]:
    spec = known.get("classifier")
    if spec is None:
        return []
    tiny = spec.tiny
    base = replace(
        _base(spec, setting),
        what="classifier",
        seed=seed,
        tile=tiny.tile if setting.tiny else 128,
        batch=tiny.batch if setting.tiny else 32,
        epochs=setting.cell_epochs,
        variant=tiny.variant,
    )
    jobs = [replace(base, name=f"classifier-{kind}-{seed}", kind=kind) for kind in CLASSIFIED]
    if "yolo" in known:
        one = replace(_base(known["yolo"], setting), what="stages", group="stages", kind="contour", seed=seed)
        jobs.append(replace(one, name=f"stages-{seed}", classes="lineage"))
    return jobs


def figure_keys() -> list[str]:
    """Every key FAMILY_KIND_MEASURE that the last line has, whether measured or null."""
    measures = ("f1_box", "f1_centre", "ap_box", "ap_centre", "fields_per_s")
    return [f"{family}_{kind}_{measure}" for family in FAMILIES for kind in KINDS for measure in measures]
