"""`python -m models_zoo.generator OUT --count N --seed S`: a set of fields with its truth, or a contact sheet."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from PIL import Image

from models_zoo.generator import FieldSettings, SetSettings, contact_sheet, generate_set, write_set


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m models_zoo.generator", description=__doc__)
    parser.add_argument("out", type=Path, help="folder to make: images/ and annotations.json (COCO)")
    parser.add_argument("--count", type=int, default=20, help="number of fields (default 20)")
    parser.add_argument("--seed", type=int, default=0, help="same seed, same bytes (default 0)")
    parser.add_argument("--cases", type=int, default=8, help="number of cases (default 8)")
    parser.add_argument("--width", type=int, default=640, help="pixels (default 640)")
    parser.add_argument("--height", type=int, default=480, help="pixels (default 480)")
    parser.add_argument("--um-per-px", type=float, default=0.3, help="scale (default 0.3: a 12 µm cell has 40 px)")
    parser.add_argument("--density", type=float, default=25.0, help="mean number of objects in a field (default 25)")
    parser.add_argument("--processes", type=int, default=1, help="processes that draw (default 1)")
    parser.add_argument("--sheet", action="store_true", help="also write contact-sheet.png with every class")
    options = parser.parse_args(arguments)
    field = FieldSettings(options.width, options.height, options.um_per_px, options.density)
    settings = SetSettings(field, processes=options.processes)
    try:
        truth = write_set(options.out, generate_set(options.count, options.seed, options.cases, settings))
    except (ValueError, OSError) as fault:
        print(fault, file=sys.stderr)
        return 1
    if options.sheet:
        Image.fromarray(contact_sheet(seed=options.seed)).save(options.out / "contact-sheet.png")
    print(f"{options.count} fields and their truth: {truth}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
