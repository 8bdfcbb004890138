"""YOLO26 and YOLO11 by ultralytics."""

from models_zoo.spec import Preset, Spec

SPEC = Spec(
    family="yolo",
    variants=tuple(f"{generation}{size}" for generation in ("yolo26", "yolo11") for size in "nsmlx"),
    train="models_zoo.yolo.train:train",
    detect="models_zoo.yolo.detect:detect",
    export="models_zoo.yolo.convert:export",
    licence="AGPL-3.0",
    paper="Ultralytics YOLO26 and YOLO11: software without a paper by its makers, https://docs.ultralytics.com/models/",
    tile=320,
    tiny=Preset("yolo26n", tile=160, epochs=2, batch=4),
)
