"""Images at the door: checked, stripped of what can name a patient, stored by the hash of their bytes, and read.

Knows no database. `ingest` takes a file in, `read_rgb` gives its pixels.
"""

from annotation.imaging.reading import RefusedImage, read_rgb
from annotation.imaging.store import StoredImage, ingest

__all__ = ["RefusedImage", "StoredImage", "ingest", "read_rgb"]
