"""manage.py import_dataset"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from django.core.management import CommandError, CommandParser

from annotation.actions.imports import FORMATS, MASK_KINDS, SPLIT_CHOICES, ImportOptions, import_dataset
from annotation.management.base import JsonCommand, progress, project_from

SHOWN = 20


class Command(JsonCommand):
    help = (
        "Bring images and labels into a project. Faulty objects are named one by one and the good ones kept; "
        "importing the same again adds nothing; when the command fails, nothing was imported."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("project", metavar="PROJECT", help="Key of the project.")
        parser.add_argument("path", metavar="PATH", type=Path, help="A folder, a .zip, or a .json of COCO.")
        parser.add_argument(
            "--format", choices=FORMATS, default="auto", help="What the data set is (default: auto, told by its files)."
        )
        parser.add_argument(
            "--radius-px",
            type=float,
            metavar="F",
            help="Radius of the circles that points become, in pixels (default: 7 µm where the scale is known).",
        )
        _add_splits(parser)
        parser.add_argument(
            "--exhaustive",
            choices=("yes", "no", "auto"),
            default="auto",
            help="Whether every countable cell is labelled (default: what the files say, else yes where there are "
            "labels). Detectors learn background from such fields only.",
        )
        parser.add_argument(
            "--unknown-class",
            choices=("create", "reject"),
            default="create",
            help="What to do with a label that no class, alias or map knows: create a class, or reject the object.",
        )
        parser.add_argument(
            "--class-map",
            type=Path,
            metavar="FILE.toml",
            help='Lines of "label in the files" = "class key"; an empty key rejects the label.',
        )
        parser.add_argument(
            "--mask-kind",
            choices=MASK_KINDS,
            help="What the values of mask images mean: instance (one value a cell), binary (cell or not), or "
            "nucleus_cytoplasm (one cell: nucleus white, cytoplasm grey).",
        )
        parser.add_argument(
            "--case-pattern",
            metavar="REGEX",
            help="A regular expression on file names with a group (?P<case>...), and perhaps (?P<slide>...), so that "
            "splits keep cases whole.",
        )

    def handle(self, **options: Any) -> None:
        project = project_from(options["project"])
        with progress("importing", "fields") as bar:
            report = import_dataset(
                project=project,
                path=options["path"],
                options=ImportOptions(
                    format=options["format"],
                    radius_px=options["radius_px"],
                    split=options["split"],
                    oracle=options["oracle"],
                    exhaustive={"yes": True, "no": False}.get(options["exhaustive"]),
                    create_classes=options["unknown_class"] == "create",
                    class_map=_class_map(options["class_map"]),
                    mask_kind=options["mask_kind"],
                    case_pattern=options["case_pattern"],
                    seed=options["seed"],
                ),
                report=bar,
                client="import_dataset",
            )
        self.answer(report.as_dict())

    def summary(self, result: Mapping[str, Any]) -> str:
        plain = {key: value for key, value in result.items() if key not in ("rejected", "warnings")}
        return "\n".join(
            [super().summary(plain), *_listed("rejected", result["rejected"]), *_listed("warnings", result["warnings"])]
        )


def _add_splits(parser: CommandParser) -> None:
    parser.add_argument(
        "--split",
        choices=SPLIT_CHOICES,
        default="auto",
        help="auto (default): 56 %% training, 11 %% validation, 11 %% tuning, 22 %% test, cases kept whole; source: "
        "the data set's own, refused where they overlap; pool: training fields whose labels are kept aside as "
        "oracle labels; else the one split that all fields enter.",
    )
    parser.add_argument(
        "--oracle",
        type=float,
        default=0.0,
        metavar="F",
        help="Share (0 to 1) of the training fields that enter the pool, their labels kept aside (default: 0).",
    )
    parser.add_argument("--seed", type=int, default=0, help="Of the draw of splits and oracle fields (default: 0).")


def _class_map(file: Path | None) -> dict[str, str]:
    if file is None:
        return {}
    try:
        table = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise CommandError(f"The class map {file} cannot be read: {error}") from error
    wrong = next((label for label, key in table.items() if not isinstance(key, str)), None)
    if wrong is not None:
        raise CommandError(f'{file}: write "{wrong}" = "class key", with the key in quotation marks.')
    return table


def _listed(title: str, entries: list[Mapping[str, Any]]) -> list[str]:
    lines = [
        f"  {entry['file']}{'' if entry['index'] is None else ', object ' + str(entry['index'])}: {entry['reason']}"
        for entry in entries[:SHOWN]
    ]
    more = [f"  and {len(entries) - SHOWN} more (all of them with --json)"] if len(entries) > SHOWN else []
    return [f"{title}: {len(entries)}", *lines, *more]
