"""A classifier of single cells on a timm backbone."""

from models_zoo.spec import Parameter, Preset, Spec

SPEC = Spec(
    family="classifier",
    variants=("classifier",),
    kind="classifier",
    train="models_zoo.classifier.train:train",
    detect="models_zoo.classifier.detect:detect",
    export="models_zoo.classifier.export:export",
    build="models_zoo.classifier.model:build",
    licence="AGPL-3.0, on timm (Apache-2.0)",
    paper="Matek 2021; Gangoor & Veerasarag; backbones: timm, https://github.com/huggingface/pytorch-image-models",
    tile=224,
    tiny=Preset(
        "classifier", tile=64, epochs=6, batch=16, parameters={"backbone": "resnet10t", "learning_rate": 0.002}
    ),
    parameters=(
        Parameter("backbone", "resnet18", "any name that timm lists"),
        Parameter("dropout", 0.4, "before the last layer (0.3 to 0.5 in the document)", low=0.0, high=0.6),
        Parameter("learning_rate", 0.001, "of Adam", low=1e-4, high=1e-2, log=True),
        Parameter("weight_decay", 0.0, "of Adam", low=0.0, high=1e-2),
        Parameter(
            "balance",
            "weights",
            "against rare classes: weights in the loss, focal loss, balanced sampling, or none",
            choices=("weights", "focal", "sampling", "none"),
        ),
        Parameter("focal_gamma", 2.0, "how little the easy ones count, with focal", low=0.5, high=4.0),
        Parameter("margin", 1.25, "side of the crop in sides of the cell's box", low=1.0, high=2.0),
        Parameter("augment", True, "turning, mirroring, brightness, contrast, crop and zoom", choices=(True, False)),
    ),
)
