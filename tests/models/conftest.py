"""What the tests of every variant share: configs on tiny networks, models in which every weight matters, batches."""

import copy
from collections.abc import Callable
from dataclasses import fields, replace
from functools import cache

import pytest
import torch
from torch import Tensor, nn

from melanoma.config import ModelConfig, TrainConfig, TrainingConfig, compose, resolve
from melanoma.models import build_model

Batch = tuple[Tensor, Tensor, Tensor, Tensor]

SMALL = {
    "drop_rate": 0.0,
    "metadata_dropout": 0.0,
    "site_dropout": 0.0,
    "branch_width": 8,
    "width": 16,
    "heads": 2,
    "depth": 1,
}
"""Options that make a model small and repeatable, of the variants that have them."""


@cache
def _shipped(name: str) -> TrainConfig:
    return resolve(compose("train", [f"model={name}"]), TrainConfig)


@pytest.fixture(scope="session")
def model_config() -> Callable[..., ModelConfig]:
    """Take the shipped config of a variant, small and repeatable, with further changes."""

    def make(name: str, backbone: str = "test_resnet", **changes: object) -> ModelConfig:
        config = _shipped(name).model
        small = {field.name: SMALL[field.name] for field in fields(config) if field.name in SMALL}
        return replace(config, **{"backbone": backbone, "pretrained": False, **small, **changes})

    return make


@pytest.fixture(scope="session")
def training_config() -> Callable[..., TrainingConfig]:
    """Take the shipped training config, with changes."""
    return lambda **changes: replace(_shipped("standard").training, **changes)


@pytest.fixture(scope="session")
def lively(model_config: Callable[..., ModelConfig]) -> Callable[..., nn.Module]:
    """Build a variant in which every weight matters; as built, the classifier and whole branches are zero."""

    @cache
    def built(name: str, backbone: str, size: int, changes: tuple[tuple[str, object], ...]) -> nn.Module:
        torch.manual_seed(0)
        return enlivened(build_model(model_config(name, backbone, **dict(changes)), size), example(8, size))

    def make(name: str, backbone: str = "test_resnet", size: int = 64, **changes: object) -> nn.Module:
        frozen = {key: tuple(value) if isinstance(value, list) else value for key, value in changes.items()}
        return copy.deepcopy(built(name, backbone, size, tuple(frozen.items())))

    return make


def enlivened(model: nn.Module, example: Batch) -> nn.Module:
    """Draw all weights so that signals keep their size from layer to layer, and differ from image to image."""
    for parameter in model.parameters():
        if parameter.ndim > 1:
            nn.init.normal_(parameter, 0.0, parameter[0].numel() ** -0.5)
        else:
            nn.init.normal_(parameter, parameter.mean().item(), 0.2)
    # The statistics that a batch norm starts with do not fit these weights, and would all but hide the image.
    norms = [module for module in model.modules() if isinstance(module, nn.BatchNorm2d)]
    for norm in norms:
        norm.momentum = 1.0
    model.train()(*example)
    for norm in norms:
        norm.momentum = 0.1
    return model


def example(count: int = 8, size: int = 64) -> Batch:
    """Draw images of coloured squares, with every site, both sexes, young and old, and each of them unknown."""
    generator = torch.Generator().manual_seed(1)
    squares = torch.randint(0, 256, (count, 3, 4, 4), dtype=torch.uint8, generator=generator)
    image = nn.functional.interpolate(squares, size=(size, size))
    site = torch.tensor([1, 2, 3, 4, 5, 6, 0, 4])[:count]
    sex = torch.tensor([1, 2, 1, 0, 2, 1, 2, 0])[:count]
    age = torch.tensor([20.0, 45, 90, 60, torch.nan, 5, 70, torch.nan])[:count]
    return image, site, sex, age


@pytest.fixture(scope="session")
def batch() -> Callable[..., Batch]:
    """Draw a batch of up to 8 images."""
    return example
