"""YOLO26, YOLO11 and YOLOv3 by ultralytics."""

from models_zoo.spec import Preset, Spec

SPEC = Spec(
    family="yolo",
    variants=(*(f"{generation}{size}" for generation in ("yolo26", "yolo11") for size in "nsmlx"), "yolov3"),
    train="models_zoo.yolo.train:train",
    detect="models_zoo.yolo.detect:detect",
    export="models_zoo.yolo.convert:export",
    licence="AGPL-3.0",
    paper="Redmon 2018, YOLOv3; YOLO26 and YOLO11: software without a paper, https://docs.ultralytics.com/models/",
    tile=320,
    tiny=Preset("yolo26n", tile=128, epochs=40, batch=4),
    build="models_zoo.yolo.model:build",
)
