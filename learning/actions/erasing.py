"""Erasing a case everywhere, with a record that names no patient: the rows and files of annotation, and the loop's own.

Trained weights cannot forget. The models that learned from the case are named in the record, so that people can decide.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

from django.db import transaction

from annotation import store
from annotation.access import Actor
from annotation.actions.erasing import ERASED, Remains, check_case, erase_rows, names, remove_files
from annotation.alone import alone
from annotation.errors import Refused
from annotation.models import Case, Erasure, Event, Project
from learning.found.tables import Found
from learning.found.without import without_fields
from learning.models import ModelVersion, Run
from learning.states import WORKING, RunState

LISTS = ("training", "validation", "tuning", "test", "fields")


def erase_case(*, case: Case, confirm: str, actor: Actor, client: str = "") -> Erasure:
    """Erase `case` with all that was drawn, predicted, frozen and found on it. It cannot be taken back.

    Raises Refused unless `confirm` is its code, while a round, an import, an export or a backup of the installation is
    at work, and where somebody saves in the case at that moment; then nothing was erased.
    """
    check_case(case=case, confirm=confirm, actor=actor)
    project = case.project
    with alone("an erasure"):
        with transaction.atomic():
            Project.objects.select_for_update(no_key=True).get(pk=project.pk)
            _check_rest(project)
            fields = list(case.fields.values_list("pk", flat=True))
            learned_by = _learned_by(project, fields)
            remains = erase_rows(case)
            erasure = Erasure.objects.create(
                project=project,
                author_id=None if actor is None else actor.pk,
                learned_by=learned_by,
                counts=dict(remains.counts),
            )
            Event.objects.create(
                project=project,
                actor_id=None if actor is None else actor.pk,
                verb="case erased",
                after={"erasure": erasure.pk},
                client=client,
            )
        remove_files(remains)
        _erase_findings(project, remains)
        _erase_attempts(project, remains)
        Erasure.objects.filter(pk=erasure.pk).update(counts=dict(remains.counts))
        erasure.refresh_from_db()
    return erasure


def _check_rest(project: Project) -> None:
    busy = project.rounds.filter(state__in=WORKING).first()
    if busy is not None:
        raise Refused(f"Nothing was erased: round {busy.number} is at work. Wait for its end, or cancel it.")
    if project.runs.filter(state__in=[RunState.QUEUED, RunState.RUNNING]).exists():
        raise Refused("Nothing was erased: a worker looks at fields of this project just now. Try again in a minute.")


def _learned_by(project: Project, fields: Collection[int]) -> list[str]:
    """Labels of the models that saw one of `fields` in training, by themselves or by their teacher."""
    models = list(project.models.order_by("pk"))
    seen = {model.pk for model in models if _saw(model, fields)}
    seen |= set(project.models.filter(snapshot__readings__field__in=fields).values_list("pk", flat=True))
    while more := {model.pk for model in models if model.teacher_id in seen} - seen:
        seen |= more
    return [model.label for model in models if model.pk in seen]


def _saw(model: ModelVersion, fields: Collection[int]) -> bool:
    """Also what it learned from without labels: its request names the fields that its teacher labelled for it."""
    keys = {str(field) for field in fields}
    return any(record.get("key") in keys for content in _requests(model.path) for record in _records(content))


def _requests(folder: Path) -> Iterator[dict[str, Any]]:
    for file in folder.glob("request*.json"):
        yield json.loads(file.read_bytes())


def _records(content: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for name in LISTS:
        yield from (record for record in content.get(name) or [] if isinstance(record, dict))


def _erase_findings(project: Project, remains: Remains) -> None:
    """What models found on the fields, and the fields' lines in what they were trained with."""
    keys = {str(field) for field in remains.fields}
    for model in project.models.all():
        for file in model.path.glob("request*.json"):
            content = json.loads(file.read_bytes())
            for name in LISTS:
                if name in content:
                    content[name] = [record for record in content[name] or [] if record.get("key") not in keys]
            _rewrite(file, json.dumps(content).encode())
        found = Found.open(model.path)
        if found is not None and any(found.row_of(field) is not None for field in remains.fields):
            without_fields(found, remains.fields).save(model.path)
            store.share_folder(model.path / "found")
            remains.counts["findings_of_models"] += 1


def _rewrite(file: Path, content: bytes) -> None:
    handle, name = tempfile.mkstemp(dir=file.parent, prefix=".new-")
    with os.fdopen(handle, "wb") as stream:
        stream.write(content)
    Path(name).replace(file)
    store.share(file)


def _clean_log(log: Path, words: Collection[str]) -> None:
    """Lines that name the case go from the log of a run."""
    if log.exists():
        lines = log.read_text(errors="replace").splitlines()
        kept = [ERASED if names(line, words) else line for line in lines]
        if kept != lines:
            _rewrite(log, "".join(f"{line}\n" for line in kept).encode())


def _erase_attempts(project: Project, remains: Remains) -> None:
    """What trainings worked with holds tiles of its pictures: of all ended runs of the project it goes now."""
    for run in Run.objects.filter(project=project):
        _clean_log(run.log, remains.words)
        for folder in run.folder.glob("attempt*"):
            store.forget(folder)
            shutil.rmtree(folder, ignore_errors=True)
            remains.counts["folders_of_attempts"] += 1
