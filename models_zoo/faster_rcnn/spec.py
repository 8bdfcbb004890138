"""faster_rcnn: what it is called, what can be set, and the recipe of Liu 2022 with its arms."""

from models_zoo.spec import Parameter, Preset, Recipe, Spec, Value
from models_zoo.training.recipe import common

# Liu 2022: optimiser and schedule, the five augmentations (two mirrorings, turning, shift, noise), classes of fewer
# than 100 cells left out. The document trains the baseline with plain images; each arm can be had either way.
_LIU: dict[str, Value] = {
    "optimiser": "sgd",
    "momentum": 0.9,
    "learning_rate": 0.001,
    "weight_decay": 0.0001,
    "schedule": "step",
    "step_epochs": 4,
    "step_factor": 0.3,
    "warm_up": 0.0,
    "norm": "group",  # a batch of one has no statistics; the document's network came with weights, ours is new
}
_ARMS: dict[str, dict[str, Value]] = {
    "baseline": {"loss": "cross_entropy"},
    "rank_sort": {"loss": "ranking", "ranking_lambda": 1.0},
    "ranking": {"loss": "ranking", "ranking_lambda": 0.5},
}
_AUGMENTED = {"": "none", "_augmented": "liu"}

SPEC = Spec(
    family="faster_rcnn",
    variants=("faster_rcnn-tiny", "faster_rcnn-r18", "faster_rcnn", "faster_rcnn-r101"),
    train="models_zoo.training.loop:train",
    detect="models_zoo.training.looking:detect",
    export="",
    licence="BSD-3-Clause",
    paper="Ren 2015, Faster R-CNN; Liu 2022 for bone marrow and the score-ranking loss",
    tile=320,
    tiny=Preset("faster_rcnn-tiny", tile=128, epochs=40, batch=4, parameters={"learning_rate": 0.002}),
    build="models_zoo.faster_rcnn.model:build",
    parameters=(
        *common(learning_rate=0.0005),
        Parameter("norm", "group", "between layers", choices=("batch", "group", "instance")),
        Parameter("smallest_anchor", 16.0, "side of the smallest anchor in working pixels", low=8, high=32),
        Parameter("loss", "cross_entropy", "of the classes", choices=("cross_entropy", "ranking")),
        Parameter("ranking_lambda", 0.5, "weight of sorting in loss ranking; 1 is Rank & Sort", low=0.1, high=2.0),
    ),
    recipes=tuple(
        Recipe(
            f"liu2022_{arm}{suffix}",
            "faster_rcnn-r101",
            epochs=20,
            batch=1,
            parameters={**_LIU, **settings, "augmentation": augmentation},
            min_cells=100,
            source="Liu 2022 (METHODS section 4)",
        )
        for arm, settings in _ARMS.items()
        for suffix, augmentation in _AUGMENTED.items()
    ),
)
