"""The model zoo: detectors behind one front. Importing this package imports neither torch nor any family."""

import os

from models_zoo.registry import call, names, spec, warm

__all__ = ["call", "names", "spec", "warm"]

# onnxruntime (1.29 and later) writes a number of the machine into the cache folder and sends its use to its maker.
# It reads this once, when it is loaded; every module that loads it lies in this package.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
