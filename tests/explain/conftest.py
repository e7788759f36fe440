"""Variants in which every weight matters, and a tiny model that looks for red."""

import importlib.util
from pathlib import Path

import pytest
import torch
from torch import nn

from melanoma.compute import Compute
from melanoma.models.backbone import Backbone

spec = importlib.util.spec_from_file_location("variants", Path(__file__).parents[1] / "models" / "conftest.py")
variants = importlib.util.module_from_spec(spec)
spec.loader.exec_module(variants)

lively, model_config, batch = variants.lively, variants.model_config, variants.batch


class Colours(Backbone):
    """Four colours' amounts in cells of 8 pixels, where they are strong."""

    def __init__(self):
        nn.Module.__init__(self)
        self.net, self.name, self.frozen = nn.Conv2d(3, 4, 8, 8), "colours", False
        mix = torch.tensor([[1.0, -1, 0], [-1, 1, 0], [0, 1, -1], [-1, 0, 1]])
        self.net.weight.data = mix[:, :, None, None].expand(4, 3, 8, 8) / (255 * 64)
        self.net.bias.data = torch.full((4,), -0.3)

    def forward(self, image):
        return self.net(image.float()).relu()


class Red(nn.Module):
    """Calls an image malignant where it has more red than green."""

    def __init__(self):
        super().__init__()
        self.backbone, self.classifier = Colours(), nn.Linear(4, 1)
        self.classifier.weight.data = torch.tensor([[100.0, -1, 0, 0]])
        self.classifier.bias.data = torch.tensor([-1.0])

    def forward(self, image, site, sex, age):
        return self.classifier(self.backbone(image).mean((2, 3))).squeeze(1)


@pytest.fixture
def red():
    return Red().eval()


@pytest.fixture(scope="session")
def cpu():
    return Compute(torch.device("cpu"), torch.float32, channels_last=False)


@pytest.fixture
def spotted():
    """Images of grey noise with squares of red, green and blue in three of their corners: (batch, places of red)."""
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(90, 110, (6, 1, 32, 32), generator=generator).expand(6, 3, 32, 32).clone()
    places = []
    for row, image in enumerate(images):
        top, left = 24 * (row % 2), 24 * (row // 2 % 2)
        image[0, top : top + 8, left : left + 8] = 250
        image[1, 24 - top : 32 - top, left : left + 8] = 250
        image[2, top : top + 8, 24 - left : 32 - left] = 250
        places.append((slice(top, top + 8), slice(left, left + 8)))
    unknown = torch.zeros(6, dtype=torch.int64)
    return {
        "image": images.to(torch.uint8),
        "site": unknown,
        "sex": unknown,
        "age": torch.full((6,), torch.nan),
    }, places
