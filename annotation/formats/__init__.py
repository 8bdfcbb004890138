"""Data sets in and out. `registry` is the way in, `write_coco` and `write_voc` the ways out, `records` what they pass on."""
