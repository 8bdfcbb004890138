"""unet: what it is called, and what can be set."""

from models_zoo.spec import Parameter, Preset, Spec
from models_zoo.training.recipe import common

SPEC = Spec(
    family="unet",
    variants=("unet-tiny", "unet-r18", "unet", "unet-r50"),
    train="models_zoo.training.loop:train",
    detect="models_zoo.training.looking:detect",
    export="",
    licence="MIT",
    paper="Ronneberger 2015, U-Net; Gräbel 2021 for cells from weak annotations",
    tile=320,
    tiny=Preset(
        "unet-tiny", tile=128, epochs=40, batch=4, parameters={"depth": 3, "learning_rate": 0.003, "norm": "group"}
    ),
    build="models_zoo.unet.model:build",
    parameters=(
        *common(),
        Parameter(
            "representation",
            "contour",
            "how a cell is shown to the network",
            choices=("shrinking", "contour", "dont_care", "distance", "sigmoid", "statistical", "scaled"),
        ),
        Parameter("depth", 4, "halvings of the encoder", low=3, high=5),
        Parameter("norm", "batch", "between layers", choices=("batch", "group", "instance")),
        Parameter("loss", "cross_entropy", "of the foreground", choices=("cross_entropy", "dice", "squared")),
        Parameter("contour_width", 0.1, "what is eroded, as a share of the median cell's side", low=0.04, high=0.2),
        Parameter("contour_weight", 1.0, "of the contour class in the loss", low=0.2, high=5.0, log=True),
        Parameter("floor", 0.1, "no foreground threshold lies below it", when="looking"),
        Parameter("opening", 1, "radius in working pixels of what is opened away", low=0, high=3, when="looking"),
        Parameter("distance", 0.6, "markers: share of the greatest distance", low=0.2, high=0.9, when="looking"),
        Parameter("min_size", 0.3, "least side, as a share of the median cell's", low=0.0, high=0.6, when="looking"),
    ),
)
