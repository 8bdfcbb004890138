import hashlib
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from models_zoo import records, runtime
from models_zoo.detections import Detections
from models_zoo.records import DetectRequest, FieldRecord, Progress, TrainRequest, TrainResult
from models_zoo.shapes import as_circle
from models_zoo.yolo import checkpoints, settings
from models_zoo.yolo.detect import detect
from models_zoo.yolo.train import Report, train
from tests.models_zoo import discs

pytestmark = pytest.mark.training

TILE = 96
SHRINK = 0.9
ROOT = Path(__file__).parents[2]


@dataclass
class Trained:
    request: TrainRequest
    result: TrainResult
    progress: list[Progress]


@pytest.fixture(scope="module")
def fields(tmp_path_factory: pytest.TempPathFactory) -> tuple[FieldRecord, ...]:
    return discs.draw(tmp_path_factory.mktemp("fields"), 16)


@pytest.fixture(scope="module")
def request_of(fields: tuple[FieldRecord, ...]) -> TrainRequest:
    """A training of three epochs on a few tiles: seconds."""
    return TrainRequest(
        "yolo26n", discs.CLASSES, fields[:8], (), "", TILE, epochs=3, batch=8, seed=1, threads=2, shrink=SHRINK
    )


@pytest.fixture(scope="module")
def trained(
    request_of: TrainRequest, fields: tuple[FieldRecord, ...], tmp_path_factory: pytest.TempPathFactory
) -> Trained:
    """A training long enough to know its own sixteen tiles by heart."""
    out = tmp_path_factory.mktemp("trained")
    request = replace(request_of, training=fields, validation=fields[:4], epochs=EPOCHS, batch=4, out=str(out))
    progress: list[Progress] = []
    return Trained(request, train(request, progress.append), progress)


EPOCHS = 24


def weights_hash(path: str | Path) -> str:
    state = checkpoints._read(Path(path))
    model = state["ema"] or state["model"]
    digest = hashlib.sha256()
    for value in model.state_dict().values():
        digest.update(value.numpy().tobytes())
    return digest.hexdigest()


def stop_after(epoch: int, heard: list[Progress]) -> Report:
    def report(progress: Progress) -> None:
        heard.append(progress)
        if progress.epoch == epoch:
            raise records.Cancelled

    return report


def detections_match(found: dict[str, Detections], fields: tuple[FieldRecord, ...]) -> tuple[float, list[float]]:
    """Recall of the right class within a third of the radius, score at least 0.25; found radius over true radius."""
    hits, ratios, total = 0, [], 0
    for field in fields:
        item = found[field.key][found[field.key].top > 0.25]
        circles = np.array([as_circle(box) for box in item.boxes]).reshape(-1, 3)
        for target in field.targets:
            total += 1
            x, y, radius = target.points
            near = np.hypot(circles[:, 0] - x, circles[:, 1] - y) < radius / 3
            near &= item.labels == target.label
            if near.any():
                hits += 1
                ratios.append(circles[near][0, 2] / radius)
    return hits / total, ratios


def test_it_learns_and_reports_every_epoch_once(trained: Trained) -> None:
    assert [item.epoch for item in trained.progress] == list(range(1, EPOCHS + 1))
    assert {item.epochs for item in trained.progress} == {EPOCHS}
    first, last = trained.progress[0], trained.progress[-1]
    for name in ("box_loss", "cls_loss", "val_box_loss", "val_cls_loss"):
        assert last.losses[name] < 0.8 * first.losses[name]
    assert last.seconds_left == 0
    assert first.seconds_left > 0
    result = trained.result
    assert (result.epochs, result.tiles, result.threads, result.weights_from) == (EPOCHS, 16, 2, "scratch")
    assert 1 <= result.best_epoch <= EPOCHS
    left = {path.name for path in Path(trained.request.out).iterdir()}
    left.discard("environment")  # only the first training of a process has to make one
    assert left == {"run", "train.log", "epochs.jsonl", "weights.pt", "weights.onnx"}


def test_onnx_finds_the_discs_in_their_drawn_size_and_torch_agrees(
    trained: Trained, fields: tuple[FieldRecord, ...], tmp_path: Path
) -> None:
    request = DetectRequest(
        trained.result.onnx, fields, str(tmp_path / "onnx.npz"), TILE, shrink=SHRINK, threads=2, features=True
    )
    found = runtime.detect_fields(request)
    recall, ratios = detections_match(found, fields)
    assert recall > 0.8
    assert np.mean(ratios) == pytest.approx(1, abs=0.05)
    by_torch = detect(replace(request, model=trained.result.weights, out=str(tmp_path / "torch.npz")))
    for key, item in found.items():
        sure, other = item[item.top > 0.25], by_torch[key][by_torch[key].top > 0.25]
        np.testing.assert_allclose(sure.boxes, other.boxes, atol=1e-2)
        np.testing.assert_allclose(sure.scores, other.scores, atol=1e-4)
        np.testing.assert_allclose(sure.features, other.features, atol=1e-3)


def test_the_weights_load_in_stock_ultralytics_and_carry_no_path(trained: Trained) -> None:
    code = (
        "import sys; from ultralytics import YOLO; model = YOLO(sys.argv[1]);"
        "assert not [m for m in sys.modules if m.startswith('models_zoo')];"
        "print(model.names, model.ckpt['train_args']['imgsz'], model.ckpt['epoch'])"
    )
    environment = {**os.environ, "PYTHONPATH": "", "YOLO_OFFLINE": "true"}
    done = subprocess.run(
        [sys.executable, "-c", code, trained.result.weights],
        capture_output=True, text=True, env=environment, cwd=trained.request.out, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "{0: 'dark', 1: 'pale'} 96 -1"
    assert str(Path(trained.request.out)).encode() not in Path(trained.result.weights).read_bytes()


def test_cancelled_trainings_can_be_resumed_and_finished_or_broken_ones_start_anew(
    request_of: TrainRequest, trained: Trained, tmp_path: Path
) -> None:
    heard: list[Progress] = []
    first = replace(request_of, out=str(tmp_path / "first"))
    with pytest.raises(records.Cancelled):
        train(first, stop_after(2, heard))
    kept = tmp_path / "first" / checkpoints.RESUME
    again = replace(request_of, out=str(tmp_path / "again"), resume_from=str(kept))
    assert checkpoints.find_start(again) == checkpoints.Start(kept, 2)

    broken = tmp_path / "broken.pt"
    broken.write_bytes(kept.read_bytes()[: kept.stat().st_size // 2])
    for other, words in (
        (replace(again, resume_from=str(broken)), "cannot be read"),
        (replace(again, resume_from=str(tmp_path / "nowhere.pt")), "cannot be read"),
        (replace(again, resume_from=trained.result.weights), "finished"),
        (replace(again, epochs=5), "another epochs"),
        (replace(again, classes=("dark", "other")), "another classes"),
        (replace(again, variant="yolo26s"), "another variant"),
        (replace(again, teacher=trained.result.weights), "another teacher"),
    ):
        start = checkpoints.find_start(other)
        assert start.checkpoint is None
        assert words in start.note

    result = train(again, heard.append)
    assert [item.epoch for item in heard] == [1, 2, 3]
    assert (result.epochs, result.best_epoch) == (3, 3)
    assert "last epoch" in result.notes[0]


def test_a_break_after_the_last_epoch_costs_no_epoch(request_of: TrainRequest, tmp_path: Path) -> None:
    heard: list[Progress] = []
    request = replace(request_of, out=str(tmp_path), epochs=1)
    with pytest.raises(records.Cancelled):
        train(request, stop_after(1, heard))
    result = train(replace(request, resume_from=str(tmp_path / checkpoints.RESUME)), heard.append)
    assert [item.epoch for item in heard] == [1]
    assert (result.epochs, result.best_epoch) == (1, 1)
    assert Path(result.onnx).is_file()


def test_the_same_seed_gives_the_same_weights(request_of: TrainRequest, tmp_path: Path) -> None:
    hashes = []
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        request = replace(request_of, out=str(tmp_path / name), seed=seed, training=request_of.training[:4], epochs=1)
        hashes.append(weights_hash(train(request).weights))
    assert hashes[0] == hashes[1] != hashes[2]


def test_a_teacher_is_imitated_also_after_a_break(request_of: TrainRequest, trained: Trained, tmp_path: Path) -> None:
    heard: list[Progress] = []
    request = replace(request_of, out=str(tmp_path / "first"), teacher=trained.result.weights)
    with pytest.raises(records.Cancelled):
        train(request, stop_after(2, heard))
    kept = str(tmp_path / "first" / checkpoints.RESUME)
    # The teacher may lie elsewhere by then.
    moved = str(shutil.copy(trained.result.weights, tmp_path / "teacher.pt"))
    result = train(replace(request, out=str(tmp_path / "again"), teacher=moved, resume_from=kept), heard.append)
    assert [item.epoch for item in heard] == [1, 2, 3]
    # A few steps are too noisy to ask for a fall; without the teacher there would be no such loss.
    assert all(item.losses["dis_loss"] > 0 for item in heard)
    assert runtime.OnnxDetector(result.onnx).classes == discs.CLASSES


def test_starting_weights_are_used_and_what_they_lack_is_said(
    request_of: TrainRequest, trained: Trained, tmp_path: Path
) -> None:
    mine = replace(request_of, weights=trained.result.weights, weights_from="round 1", epochs=1)
    request = replace(mine, out=str(tmp_path / "same"), classes=("pale", "giant"))
    heard: list[Progress] = []
    result = train(request, heard.append)
    assert result.weights_from == "round 1"
    assert "class rows trained anew: giant" in result.notes
    assert heard[0].losses["box_loss"] < 0.8 * trained.progress[0].losses["box_loss"]
    other = checkpoints.look_at(Path(trained.result.weights), replace(request, variant="yolo26s"))
    assert not other.same
    assert "almost nothing" in other.notes[0]


WITHOUT_NETWORK = """
import runpy, socket, sys
def refuse(*_, **__):
    print("reached for the network", file=sys.stderr, flush=True)
    raise OSError("no network")
socket.socket.connect = socket.getaddrinfo = refuse
sys.argv = ["models_zoo", "train", sys.argv[1]]
runpy.run_module("models_zoo", run_name="__main__")
"""


def start(request: TrainRequest, home: Path) -> subprocess.Popen[str]:
    file = Path(request.out).with_suffix(".json")
    file.write_bytes(records.to_json(request))
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("YOLO_", "MPL", "XDG_"))}
    return subprocess.Popen(
        [sys.executable, "-c", WITHOUT_NETWORK, str(file)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT, env={**kept, "HOME": str(home)},
    )  # fmt: skip


def test_a_killed_process_is_resumed_to_the_asked_epochs_without_home_or_network(
    request_of: TrainRequest, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    killed = replace(request_of, out=str(tmp_path / "first"), epochs=4)
    with start(killed, home) as process:
        assert process.stderr is not None
        lines = []
        for line in process.stderr:
            lines.append(line)
            if line.startswith("epoch 2"):
                process.kill()
                break
    assert process.returncode == -9, lines
    resumed = replace(killed, out=str(tmp_path / "again"), resume_from=str(tmp_path / "first" / checkpoints.RESUME))
    with start(resumed, home) as process:
        answer, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors
    lines += errors.splitlines()
    assert [line.split()[1] for line in lines if line.startswith("epoch")] == ["1", "2", "3", "4"]
    assert "network" not in "".join(lines)
    (line,) = answer.splitlines()
    assert '"epochs":4' in line
    assert not list(home.iterdir())


@pytest.mark.parametrize(("epochs", "warm", "closed"), [(1, 0.1, 0), (3, 0.3, 1), (20, 2.0, 3), (100, 3.0, 15)])
def test_the_schedule_leaves_most_epochs_for_learning(epochs: int, warm: float, closed: int) -> None:
    plan = settings.schedule(epochs)
    assert plan["warmup_epochs"] == pytest.approx(warm)
    assert plan["close_mosaic"] == closed
