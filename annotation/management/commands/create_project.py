"""manage.py create_project"""

from __future__ import annotations

from typing import Any

from django.core.management import CommandParser

from annotation.actions.projects import create_project
from annotation.management.base import JsonCommand
from annotation.models import WeakShape
from annotation.ontology import built_in


class Command(JsonCommand):
    help = "Make a project: a study with its classes of cells, its fields and its people."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", metavar="NAME", help="What people call the study; its key is made of it.")
        parser.add_argument(
            "--ontology",
            default="bone_marrow",
            metavar="NAME|FILE.toml",
            help=f"The classes: {' or '.join(built_in())}, or a TOML file of your own (default: bone_marrow).",
        )
        parser.add_argument(
            "--um-per-px",
            type=float,
            metavar="F",
            help="Width of a pixel in µm, for fields that bring no scale of their own, for example 0.086.",
        )
        parser.add_argument("--key", help="The short name used by commands and addresses (default: made of NAME).")
        parser.add_argument(
            "--weak-shape",
            choices=WeakShape.values,
            default=WeakShape.CIRCLE,
            help="How cells are marked and predictions shown where no contour is drawn (default: circle).",
        )
        parser.add_argument(
            "--public", action="store_true", help="Original file names may leave the project, for example in exports."
        )

    def handle(self, **options: Any) -> None:
        project = create_project(
            name=options["name"],
            ontology=options["ontology"],
            um_per_px=options["um_per_px"],
            key=options["key"],
            weak_shape=options["weak_shape"],
            public=options["public"],
            client="create_project",
        )
        self.answer(
            {
                "project": project.key,
                "name": project.name,
                "ontology": project.ontology,
                "classes": project.classes.count(),
                "um_per_px": project.um_per_px,
            }
        )
