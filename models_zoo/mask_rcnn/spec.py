"""mask_rcnn: what it is called, and what can be set."""

from models_zoo.spec import Parameter, Preset, Spec
from models_zoo.training.recipe import common

SPEC = Spec(
    family="mask_rcnn",
    variants=(
        "mask_rcnn-tiny",
        "mask_rcnn-r18",
        "mask_rcnn",
        "mask_rcnn-r101",
        "mask_rcnn-circular-tiny",
        "mask_rcnn-circular-r18",
        "mask_rcnn-circular",
    ),
    train="models_zoo.training.loop:train",
    detect="models_zoo.training.looking:detect",
    export="",
    licence="BSD-3-Clause",
    paper="He 2017, Mask R-CNN; Gräbel 2021 for cells, mask branch off for circles",
    tile=320,
    tiny=Preset("mask_rcnn-tiny", tile=128, epochs=40, batch=4, parameters={"learning_rate": 0.002}),
    build="models_zoo.mask_rcnn.model:build",
    parameters=(
        *common(learning_rate=0.0005),
        Parameter("norm", "group", "between layers", choices=("batch", "group", "instance")),
        Parameter("smallest_anchor", 16.0, "side of the smallest anchor in working pixels", low=8, high=32),
        Parameter(
            "mask_branch", "auto", "learn masks; auto: where most cells are contours", choices=("auto", "on", "off")
        ),
    ),
)
