"""Data sets in and out: `registry` is the way in, `write_coco` and `write_voc` the ways out.

`records` holds what they pass on, `check` what only the true image can tell.
"""
