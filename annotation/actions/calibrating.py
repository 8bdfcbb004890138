"""The scale of a field, measured by a person on a known length: a stage micrometre, a scale bar, red cells."""

from __future__ import annotations

import math

from django.db import transaction

from annotation.access import Actor, Permission, require
from annotation.errors import Refused
from annotation.models import Event, Field

CALIBRATED = "calibrated"
# From an electron microscope's to a hand lens' pixel; what is beyond is a slip of the pen.
LEAST, MOST = 0.005, 20.0


@transaction.atomic
def calibrate_field(
    *, field: Field, pixels: float, um: float, whole_slide: bool, actor: Actor, client: str = ""
) -> list[Field]:
    """Set µm per pixel of `field`, or of all fields of its slide, from a length of `pixels` that is `um` long.

    Returns the fields that were set. The scale before stays on record. Raises Refused for a length that cannot be.
    """
    require(actor, field.project, Permission.REVIEW)
    if not (math.isfinite(pixels) and math.isfinite(um)) or pixels < 10 or um <= 0:
        raise Refused("Measure a length of at least 10 pixels, and say how many µm it is long.")
    scale = float(f"{um / pixels:.6g}")
    if not LEAST <= scale <= MOST:
        raise Refused(f"{scale:g} µm per pixel cannot be: check the length; {LEAST:g} to {MOST:g} is possible.")
    if whole_slide and field.slide_id is None:
        raise Refused("This field belongs to no slide: set its own scale.")
    fields = field.project.fields
    rows = fields.filter(slide=field.slide) if whole_slide else fields.filter(pk=field.pk)
    held = list(rows.select_for_update(of=("self",), no_key=True).order_by("pk"))
    changed = [row for row in held if (row.um_per_px, row.um_source) != (scale, CALIBRATED)]
    for row in changed:
        before = {"um_per_px": row.um_per_px, "um_source": row.um_source}
        row.um_per_px, row.um_source = scale, CALIBRATED
        Event.objects.create(
            project_id=row.project_id,
            actor=actor,
            verb="scale calibrated",
            before={"field": row.code, **before},
            after={"field": row.code, "um_per_px": scale, "um_source": CALIBRATED, "pixels": pixels, "um": um},
            client=client,
        )
    Field.objects.bulk_update(changed, ["um_per_px", "um_source"])
    field.um_per_px, field.um_source = scale, CALIBRATED
    return held
