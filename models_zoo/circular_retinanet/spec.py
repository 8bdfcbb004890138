"""circular_retinanet: what it is called, and what can be set."""

from models_zoo.spec import Parameter, Preset, Spec
from models_zoo.training.recipe import common

SPEC = Spec(
    family="circular_retinanet",
    variants=("circular_retinanet-tiny", "circular_retinanet-r18", "circular_retinanet", "circular_retinanet-r101"),
    train="models_zoo.training.loop:train",
    detect="models_zoo.training.looking:detect",
    export="",
    licence="BSD-3-Clause",
    paper="Gräbel 2021 (circular anchors 2020)",
    tile=320,
    tiny=Preset("circular_retinanet-tiny", tile=128, epochs=80, batch=4, parameters={"learning_rate": 0.003}),
    build="models_zoo.circular_retinanet.model:build",
    parameters=(
        *common(learning_rate=0.0005, augmentation="graebel"),
        Parameter("norm", "group", "between layers", choices=("batch", "group", "instance")),
        Parameter("smallest_anchor", 16.0, "diameter of the smallest anchor in working pixels", low=8, high=32),
    ),
)
