"""The model zoo: detectors behind one front. Importing this package imports neither torch nor any family."""

import os

from models_zoo.registry import (
    build,
    call,
    explain_cell,
    families,
    names,
    parameters,
    recipe,
    spec,
    students,
    warm,
)

__all__ = ["build", "call", "explain_cell", "families", "names", "parameters", "recipe", "spec", "students", "warm"]

# onnxruntime (1.29 and later) writes a number of the machine into the cache folder and sends its use to its maker.
# It reads this once, when it is loaded; every module that loads it lies in this package.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
# Threads that wait sleep soon instead of spinning: beside another busy process a training on all cores was ten times
# slower with the default of libgomp, which reads this when torch is imported.
os.environ.setdefault("GOMP_SPINCOUNT", "1000")
