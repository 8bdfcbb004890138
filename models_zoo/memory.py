"""A card whose memory is too small: told from the error without importing torch, and raised as one kind for all."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from models_zoo.records import OutOfMemory

# torch's own class goes by this name; libraries under it raise a RuntimeError with one of these words.
CLASS = "OutOfMemoryError"
WORDS = ("cuda out of memory", "cublas_status_alloc_failed", "cuda error: out of memory")


def is_out_of_memory(error: BaseException) -> bool:
    named = any(kind.__name__ == CLASS for kind in type(error).__mro__)
    return named or (isinstance(error, RuntimeError) and any(word in str(error).lower() for word in WORDS))


@contextmanager
def told_plainly() -> Iterator[None]:
    """Raises records.OutOfMemory in place of what torch raises, and gives the card's memory back."""
    try:
        yield
    except Exception as error:
        if isinstance(error, OutOfMemory) or not is_out_of_memory(error):
            raise
        words = str(error).partition(". ")[0]
        error.__traceback__ = None  # its frames hold the tensors
        release()
        raise OutOfMemory(words) from error


def release() -> None:
    """Give back what torch keeps on the card for later, where it is loaded."""
    gc.collect()
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available():
        torch.cuda.empty_cache()
