"""Marrow-like microscope fields drawn from a seed, with exact contours as truth.

For the demo, tests, starter weights and benchmarks: plausible to the eye, no substitute for real marrow. Needs numpy,
scipy, scikit-image and Pillow; imports no torch.
"""

from models_zoo.generator.cases import SetSettings, generate_set
from models_zoo.generator.coco import write_set
from models_zoo.generator.field import generate_field
from models_zoo.generator.morphology import CLASSES
from models_zoo.generator.records import CLASS_WEIGHTS, FieldSettings, GeneratedCell, GeneratedField
from models_zoo.generator.sheet import contact_sheet
from models_zoo.generator.stains import STAINS

__all__ = [
    "CLASSES",
    "CLASS_WEIGHTS",
    "STAINS",
    "FieldSettings",
    "GeneratedCell",
    "GeneratedField",
    "SetSettings",
    "contact_sheet",
    "generate_field",
    "generate_set",
    "write_set",
]
