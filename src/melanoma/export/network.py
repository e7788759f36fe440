"""A checkpoint's network with its calibration behind it: batch -> probability."""

import numpy as np
import torch
from torch import Tensor, nn

from melanoma.evaluation.calibration import Calibration


class Calibrated(nn.Module):
    """Gives probabilities as `melanoma.evaluation.calibration` does, in operations that ONNX has, in float32."""

    def __init__(self, model: nn.Module, calibration: Calibration | None) -> None:
        super().__init__()
        self.model = model
        self.calibration = _Steps(calibration) if calibration and calibration.logits else _Line(calibration)

    def forward(self, image: Tensor, site: Tensor, sex: Tensor, age: Tensor) -> Tensor:
        """Give probabilities (B,) for a batch as every model takes it."""
        probability: Tensor = self.calibration(self.model(image, site, sex, age).float())
        return probability


class _Line(nn.Module):
    """sigmoid(slope * logit + intercept)."""

    def __init__(self, calibration: Calibration | None) -> None:
        super().__init__()
        self.slope, self.intercept = (calibration.slope, calibration.intercept) if calibration else (1.0, 0.0)

    def forward(self, logit: Tensor) -> Tensor:
        return torch.sigmoid(self.slope * logit + self.intercept)


class _Steps(nn.Module):
    """Linear between the points of an isotonic fit, and level beyond the first and the last.

    Each gap between two points adds what it rises by, as far as the logit has come in it.
    """

    def __init__(self, calibration: Calibration) -> None:
        super().__init__()
        logits, self.lowest = np.array(calibration.logits), calibration.probabilities[0]
        for name, values in {
            "starts": logits[:-1],
            "widths": np.diff(logits),
            "rises": np.diff(calibration.probabilities),
        }.items():
            self.register_buffer(name, torch.tensor(values, dtype=torch.float32))
        self.starts: Tensor
        self.widths: Tensor
        self.rises: Tensor

    def forward(self, logit: Tensor) -> Tensor:
        share = ((logit[:, None] - self.starts) / self.widths).clamp(0, 1)
        return self.lowest + (share * self.rises).sum(1)
