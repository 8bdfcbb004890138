"""ultralytics' trainer with three things taken out that a loop has no use for, and a faster layout of the weights.

Only names of 8.4.190 are touched: `get_dataset`, `set_model_attributes`, `preprocess_batch`, `validate`, `final_eval`,
`train_loader`, `test_loader`. The name of the class must not hold the word that makes ultralytics attach its
integrations ("Trainer").
"""

from __future__ import annotations

from typing import Any

import torch
from ultralytics.models.yolo.detect import DetectionTrainer

from models_zoo.yolo.prepare import DatasetInfo


class CellTraining(DetectionTrainer):  # type: ignore[misc]  # ultralytics is not typed
    model: Any

    def __init__(self, overrides: dict[str, Any], info: DatasetInfo, validates: bool) -> None:
        self.info, self.validates = info, validates
        super().__init__(overrides=overrides)

    def get_dataset(self) -> dict[str, Any]:
        """The data set as we wrote it. ultralytics' own reader would also look for fonts, online."""
        pictures = self.info.yaml.parent / "images"
        names = dict(enumerate(self.info.classes))
        return {
            "path": self.info.yaml.parent,
            "yaml_file": str(self.info.yaml),
            "train": str(pictures / "train"),
            "val": str(pictures / ("val" if self.validates else "train")),
            "names": names,
            "nc": len(names),
            "channels": 3,
        }

    def set_model_attributes(self) -> None:
        """On a CPU, lay the weights out with the channels last, which its convolutions run faster.

        ultralytics does so on a GPU only; its checkpoints are written channels first anyway.
        """
        super().set_model_attributes()
        if self.device.type == "cpu":
            self.model = self.model.to(memory_format=torch.channels_last)

    def preprocess_batch(self, batch: dict[str, Any]) -> dict[str, Any]:
        ready: dict[str, Any] = super().preprocess_batch(batch)
        if self.device.type == "cpu":
            ready["img"] = ready["img"].contiguous(memory_format=torch.channels_last)
        return ready

    def validate(self) -> tuple[dict[str, float], float | None]:
        """Skip it where there is nothing to validate on: ultralytics would still do it after the last epoch."""
        if not self.validates:
            return self.metrics or {}, None
        found: tuple[dict[str, float], float | None] = super().validate()
        return found

    def final_eval(self) -> None:
        """No second validation of the best weights, which are measured by metrics of our own."""

    def close(self) -> None:
        """End the loading processes, also after an exception, where ultralytics leaves them running."""
        for name in ("train_loader", "test_loader"):
            loader = getattr(self, name, None)
            if loader is not None and hasattr(loader, "close"):
                loader.close()
