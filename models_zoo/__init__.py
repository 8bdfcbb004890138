"""The model zoo: detectors behind one front. Importing this package imports neither torch nor any family."""

from models_zoo.registry import call, names, spec

__all__ = ["call", "names", "spec"]
