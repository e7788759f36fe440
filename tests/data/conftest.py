"""A small metadata file and its images, written as a test wants them."""

from copy import deepcopy
from functools import cache
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest

from melanoma.config import DataConfig, TrainConfig, compose, resolve

HEADER = "image_name,patient_id,sex,age_approx,anatom_site_general_challenge,target"


@pytest.fixture
def configure(tmp_path):
    """Resolve the training config of SIIM-ISIC's layout below tmp_path, with further overrides."""

    def make(*overrides: str) -> TrainConfig:
        config = deepcopy(_resolve(*overrides))
        if config.data.root == "ROOT":
            config.data.root = str(tmp_path)
        return config

    return make


@cache
def _resolve(*overrides: str) -> TrainConfig:
    own = ["data=siim_isic", "data.root=ROOT", "data.images.jpeg=images", "training.image_size=16"]
    return resolve(compose("train", [*own, *overrides]), TrainConfig)


@pytest.fixture
def write_csv(tmp_path, configure):
    """Write rows of text as train.csv, below SIIM-ISIC's header unless another is given; give the data config."""

    def write(*rows: str, header: str = HEADER, overrides: tuple[str, ...] = ()) -> DataConfig:
        (tmp_path / "train.csv").write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
        return configure(*overrides).data

    return write


@pytest.fixture
def folder(tmp_path) -> Path:
    """An empty folder for images, below the data set's root."""
    path = tmp_path / "images"
    path.mkdir()
    return path


@pytest.fixture
def images(folder):
    """Twelve images of 16 px in `folder`, each of one grey that its row tells, and their canonical table."""
    names = [f"im{row:02d}" for row in range(12)]
    for row, name in enumerate(names):
        cv2.imwrite(str(folder / f"{name}.png"), np.full((16, 16, 3), 20 * row, np.uint8))
    return make_table(names)


def make_table(names: list[str]) -> pd.DataFrame:
    """A canonical table of these images, with a patient and a missing value for every third."""
    rows = range(len(names))
    text = {
        "image_name": names,
        "patient_id": [f"p{row // 3}" for row in rows],
        "lesion_id": [None for _ in rows],
        "sex": [(None, "male", "female")[row % 3] for row in rows],
        "anatom_site_general_challenge": [(None, "head/neck", "oral/genital")[row % 3] for row in rows],
    }
    table = pd.DataFrame(text, dtype="str")
    table["age_approx"] = [(np.nan, 0.0, 35.0)[row % 3] for row in rows]
    table["target"] = pd.array([row % 2 for row in rows], dtype="Int64")
    table["source"] = "siim_isic"
    return table
