import numpy as np
import pytest
import torch

from melanoma.evaluation.calibration import Calibration
from melanoma.export.network import Calibrated


class Given(torch.nn.Module):
    """Gives what it takes for an image as the logits."""

    def forward(self, image, site, sex, age):
        return image


@pytest.mark.parametrize(
    "calibration",
    [
        None,
        Calibration("temperature", slope=0.4),
        Calibration("platt", slope=2.5, intercept=-1.5),
        Calibration("prior", intercept=-3.0),
        Calibration("isotonic", logits=[-3.0, -1.0, -0.999, 0.5, 2.0], probabilities=[0.0, 0.1, 0.4, 0.4, 0.9]),
        Calibration("isotonic", logits=[0.3], probabilities=[0.2]),
    ],
)
def test_it_calibrates_as_an_evaluation_does(calibration):
    logit = torch.cat([torch.linspace(-6, 6, 501), torch.tensor([-3.0, -1.0, -0.999, 0.5, 2.0, 0.3])])
    expected = (calibration or Calibration("platt")).probability(logit.double().numpy())
    assert np.abs(Calibrated(Given(), calibration)(logit, None, None, None).numpy() - expected).max() < 1e-4
