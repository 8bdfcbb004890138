"""A card whose memory is too small, played on the CPU: the training goes on with a smaller batch and says so."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import models_zoo
from models_zoo.records import OutOfMemory, Progress, TrainRequest
from models_zoo.yolo import checkpoints, environment
from models_zoo.yolo.train import _precision
from tests.models_zoo import discs

pytestmark = pytest.mark.training

TILE, EPOCHS = 96, 3


@pytest.fixture
def request_of(tmp_path: Path) -> TrainRequest:
    fields = discs.draw(tmp_path / "fields", 8)
    out = str(tmp_path / "out")
    return TrainRequest("yolo26n", discs.CLASSES, fields, (), out, TILE, epochs=EPOCHS, batch=8, seed=1, threads=2)


@pytest.fixture
def card(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[int, int], None]:
    """Lets a batch of more than `room` tiles fail from epoch `since` on, with the error of a real card."""
    environment.prepare(tmp_path / "environment")  # before ultralytics is imported, as in every training
    import torch

    from models_zoo.yolo.trainer import CellTraining

    whole = CellTraining.preprocess_batch

    def with_room(room: int, since: int) -> None:
        def preprocess(self: Any, batch: dict[str, Any]) -> dict[str, Any]:
            if len(batch["img"]) > room and self.epoch + 1 >= since:
                raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has a total of")
            ready: dict[str, Any] = whole(self, batch)
            return ready

        monkeypatch.setattr(CellTraining, "preprocess_batch", preprocess)

    return with_room


def test_in_the_first_epoch_the_batch_is_halved_until_it_fits(
    request_of: TrainRequest, card: Callable[[int, int], None]
) -> None:
    card(4, 1)
    heard: list[Progress] = []
    result = models_zoo.call("train", request_of, report=heard.append)
    words = "the card's memory was too small for 8 tiles in a step: it went on with 4"
    assert [item.epoch for item in heard] == [1, 2, 3]
    assert heard[0].notes == (words,)
    assert words in result.notes


def test_later_it_breaks_off_by_that_name_and_goes_on_from_its_checkpoint_with_a_smaller_batch(
    request_of: TrainRequest, card: Callable[[int, int], None], tmp_path: Path
) -> None:
    card(4, 2)
    heard: list[Progress] = []
    with pytest.raises(OutOfMemory, match="CUDA out of memory"):
        models_zoo.call("train", request_of, report=heard.append)
    kept = str(tmp_path / "out" / checkpoints.RESUME)
    smaller = replace(request_of, out=str(tmp_path / "again"), batch=4, resume_from=kept)
    result = models_zoo.call("train", smaller, report=heard.append)
    assert [item.epoch for item in heard] == [1, 2, 3]
    assert result.epochs == EPOCHS
    assert "started anew" not in " ".join(result.notes)


def test_precision_never_asks_ultralytics_to_try_half(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its try of half precision downloads a model; bfloat16 needs none."""
    import torch

    assert _precision("cpu") is False
    for there, has_bfloat, expected in ((True, True, "bf16"), (True, False, False), (False, False, False)):
        monkeypatch.setattr(torch.cuda, "is_available", lambda there=there: there)
        monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda has=has_bfloat: has)
        assert _precision("0") == expected


def test_a_checkpoint_is_kept_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The library writes its own in place; a kill in the middle of the copy leaves the one before."""
    source, target = tmp_path / "last.pt", tmp_path / checkpoints.RESUME
    source.write_bytes(b"epoch 1")
    checkpoints.keep(source, target)
    source.write_bytes(b"epoch 2")

    def half(_: Path, part: Path) -> None:
        part.write_bytes(b"epo")
        raise KeyboardInterrupt

    monkeypatch.setattr("models_zoo.yolo.checkpoints.shutil.copyfile", half)
    with pytest.raises(KeyboardInterrupt):
        checkpoints.keep(source, target)
    assert target.read_bytes() == b"epoch 1"
