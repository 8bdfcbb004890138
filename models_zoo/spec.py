"""What a family of models tells the zoo about itself, without importing the library it is built on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Literal

Value = bool | int | float | str


@dataclass(frozen=True, slots=True)
class Preset:
    """Settings of a training: `tile` in working pixels, `parameters` as in TrainRequest."""

    variant: str
    tile: int
    epochs: int
    batch: int
    parameters: Mapping[str, Value] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Parameter:
    """One setting of a family that a request may name, and a search may vary.

    A search draws from `choices`, or from `low` to `high` (whole numbers where the default is one; on a logarithmic
    scale with `log`); a parameter with neither is not searched. `when`: "training" ones stand in
    TrainRequest.parameters and are kept with the weights; "looking" ones may be named there too, as what the model
    looks with from then on, or in DetectRequest.extra for one look, without training again.
    """

    name: str
    default: Value
    help: str
    low: float | None = None
    high: float | None = None
    log: bool = False
    choices: tuple[Value, ...] = ()
    when: Literal["training", "looking"] = "training"

    @property
    def searched(self) -> bool:
        return bool(self.choices) or self.low is not None

    def fault(self, value: Value) -> str:
        """Why `value` will not do, in words; "" where it will."""
        number, wanted = isinstance(value, int | float), isinstance(self.default, int | float)
        if isinstance(value, bool) != isinstance(self.default, bool) or number != wanted:
            return f"is {value!r}, which is not of the kind of its default {self.default!r}"
        if self.choices and value not in self.choices:
            return f"is {value!r}; it can be {', '.join(str(choice) for choice in self.choices)}"
        if isinstance(self.default, int) and value != int(value):
            return f"is {value!r}; it must be a whole number"
        return ""


@dataclass(frozen=True, slots=True)
class Recipe:
    """A named configuration, as a document has it: everything but data, tile and seed.

    `min_cells`: classes with fewer training cells are left out (their labels are kept). `source` says where it stands.
    """

    name: str
    variant: str
    epochs: int
    batch: int
    parameters: Mapping[str, Value]
    min_cells: int
    source: str


@dataclass(frozen=True, slots=True)
class Spec:
    """One family of models.

    The entry points are "package.module:function", imported when first called:

    - `train(request: TrainRequest, report: Callable[[Progress], None] | None) -> TrainResult`
    - `detect(request: DetectRequest, report: Callable[[int, int], None] | None) -> dict[str, Detections]`
    - `export(weights: Path, onnx_file: Path, card: dict[str, object]) -> None`: see models_zoo/runtime.py; "" where a
      family has no ONNX form. Its models are then looked with by torch, and cannot be students.
    - `build(variant: str, classes: int, parameters: Mapping[str, Value]) -> CellNetwork`: the bare network with new
      weights (models_zoo/training/network.py), `parameters` being settled ones

    `variants` go from small to large within one generation. `tile` is the side that suits cells of 40 working
    pixels. `tiny` trains within seconds on a CPU: for demonstrations, tests and small benchmarks. `kind` is
    "detector" for families that find cells on fields, "classifier" for those that name a single one.
    """

    family: str
    variants: tuple[str, ...]
    train: str
    detect: str
    export: str
    licence: str
    paper: str
    tile: int
    tiny: Preset
    build: str = ""
    parameters: tuple[Parameter, ...] = ()
    recipes: tuple[Recipe, ...] = ()
    kind: Literal["detector", "classifier"] = "detector"

    def settle(self, given: Mapping[str, Value]) -> dict[str, Value]:
        """Every parameter of the family with its value: the given one, else its default.

        Raises ValueError for a name that the family does not have, and for a value that will not do.
        """
        known = {one.name: one for one in self.parameters}
        for name, value in given.items():
            if name not in known:
                near = get_close_matches(name, known, n=3) or list(known) or ["none"]
                raise ValueError(f"{self.family} has no parameter {name!r}; it has {', '.join(near)}")
            fault = known[name].fault(value)
            if fault:
                raise ValueError(f"the parameter {name} of {self.family} {fault}")
        return {name: given.get(name, one.default) for name, one in known.items()}
