"""The families of the zoo, by name. Listing them imports no library; a family is imported when it is first called."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from difflib import get_close_matches
from importlib import import_module
from pathlib import Path
from typing import Any, Literal, get_args

from models_zoo import memory
from models_zoo.records import DetectRequest
from models_zoo.spec import Recipe, Spec, Value

Verb = Literal["train", "detect", "export"]

# One line a family. Its spec module must import nothing heavy.
FAMILIES = {
    "yolo": "models_zoo.yolo.spec:SPEC",
    "unet": "models_zoo.unet.spec:SPEC",
    "mask_rcnn": "models_zoo.mask_rcnn.spec:SPEC",
    "faster_rcnn": "models_zoo.faster_rcnn.spec:SPEC",
    "retinanet": "models_zoo.retinanet.spec:SPEC",
    "circular_retinanet": "models_zoo.circular_retinanet.spec:SPEC",
    "classifier": "models_zoo.classifier.spec:SPEC",
}
# The family that runs a .pt file of which nobody says where it comes from.
DEFAULT_FAMILY = "yolo"
_RUNTIME = "models_zoo.runtime:detect_fields"
_WARM = "models_zoo.runtime:warm"
_PARAMETERS = "models_zoo.cost:parameters_in"
_EXPLAIN = "models_zoo.classifier.runtime:explain_cell"


def names() -> list[str]:
    """All detectors that can be trained, family by family: any of them can be a project's teacher."""
    return [variant for spec in families() for variant in spec.variants]


def students() -> list[str]:
    """The detectors that can be deployed: those that have an ONNX form."""
    return [variant for spec in families() if spec.export for variant in spec.variants]


def families(kind: Literal["detector", "classifier"] = "detector") -> list[Spec]:
    return [one for one in _specs() if one.kind == kind]


def spec(variant: str) -> Spec:
    """The family of `variant`; raises ValueError, with the names that come near, where there is none."""
    known: list[str] = []
    for one in _specs():
        if variant in one.variants:
            return one
        known += one.variants
    near = get_close_matches(variant, known, n=3) or known
    raise ValueError(f"there is no model {variant!r} in the zoo; did you mean {' or '.join(near)}?")


def recipe(name: str) -> Recipe:
    """The named configuration `name`; raises ValueError, with the names there are, where there is none."""
    known = {one.name: one for spec in _specs() for one in spec.recipes}
    if name in known:
        return known[name]
    raise ValueError(f"there is no recipe {name!r} in the zoo; there are {', '.join(known) or 'none'}")


def build(variant: str, classes: int, parameters: Mapping[str, Value] | None = None) -> Any:
    """The bare network of `variant` for so many classes, with new weights: a torch module, see Spec.

    Raises ValueError for a parameter that the family does not have, or where there is no such network.
    """
    one = spec(variant)
    if not one.build:
        raise ValueError(f"the family {one.family} offers no bare network")
    return _resolve(one.build)(variant, classes, one.settle(parameters or {}))


def call(verb: Literal["train", "detect"], request: Any, **callbacks: Any) -> Any:
    """Do `verb` with `request` (its `variant` names the family) and hand `callbacks` on: see Spec for both.

    An .onnx file is run by models_zoo.runtime, without the library of the family that made it. Raises
    records.OutOfMemory where a card's memory is too small.
    """
    with memory.told_plainly():
        return _done(verb, request, **callbacks)


def _done(verb: Literal["train", "detect"], request: Any, **callbacks: Any) -> Any:
    if isinstance(request, DetectRequest) and Path(request.model).suffix.lower() == ".onnx":
        return _resolve(_RUNTIME)(request, **callbacks)
    return entry(verb, _variant_of(request))(request, **callbacks)


def warm(onnx: Path) -> None:
    """Load an .onnx model, so that the next `call` with it answers at once."""
    _resolve(_WARM)(onnx)


def parameters(folder: Path) -> int | None:
    """How many parameters the model in `folder` has (weights.onnx, else weights.pt); None where it cannot be told."""
    count: int | None = _resolve(_PARAMETERS)(folder)
    return count


def explain_cell(model: Path, image: Any, box: tuple[float, float, float, float] | None = None) -> Any:
    """Class, confidence and Grad-CAM of one cell by a classifier's .onnx file: see classifier.runtime.explain_cell."""
    return _resolve(_EXPLAIN)(model, image, box)


def entry(verb: Verb, variant: str) -> Callable[..., Any]:
    """The function with which the family of `variant` does `verb`, imported."""
    if verb not in get_args(Verb):
        raise ValueError(f"the zoo can {', '.join(get_args(Verb))}, not {verb!r}")
    function: Callable[..., Any] = _resolve(getattr(spec(variant), verb))
    return function


def _variant_of(request: Any) -> str:
    if isinstance(request, DetectRequest) and not request.variant:
        return _resolve_spec(FAMILIES[DEFAULT_FAMILY]).variants[0]
    return str(request.variant)


def _specs() -> list[Spec]:
    return [_resolve_spec(path) for path in FAMILIES.values()]


def _resolve_spec(path: str) -> Spec:
    found = _resolve(path)
    if isinstance(found, Spec):
        return found
    raise TypeError(f"{path} is not a Spec")


def _resolve(path: str) -> Any:
    """The object at "package.module:name"."""
    module, _, name = path.partition(":")
    return getattr(import_module(module), name)
