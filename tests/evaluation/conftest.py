"""Checkpoints like `trained`, and evaluations of them."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from melanoma.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from melanoma.config import EvalConfig, TrainConfig, compose, resolve
from melanoma.data.demo import draw
from melanoma.data.splits import draw_splits

QUICK = ("shortcuts=false", "explain_count=0")
"""Leaves out what takes longest, for tests of other things."""


@pytest.fixture
def member(trained: Path, tmp_path: Path) -> Callable[..., str]:
    """Save a run like `trained` that gives other predictions; give its directory."""

    def make(name: str, change: Callable[[Checkpoint, TrainConfig], Any] = lambda one, config: None) -> str:
        checkpoint, config = load_checkpoint(trained / "checkpoints/best.pt", TrainConfig)
        weight = checkpoint.model["classifier.weight"]
        checkpoint.model["classifier.weight"] = weight.roll(sum(map(ord, name)), 1)
        change(checkpoint, config)
        (tmp_path / name / "checkpoints").mkdir(parents=True)
        (tmp_path / name / ".hydra").mkdir()
        save_checkpoint(checkpoint, tmp_path / name / "checkpoints/best.pt")
        return str(tmp_path / name)

    return make


@pytest.fixture
def other_validation() -> Callable[[Checkpoint, TrainConfig], None]:
    """Give a change that makes a checkpoint validated on other images, for `member`."""

    def change(checkpoint: Checkpoint, config: TrainConfig) -> None:
        swap = {"train": "val", "val": "train", "test": "test"}
        checkpoint.splits = {name: swap[split] for name, split in checkpoint.splits.items()}
        checkpoint.threshold = 0.8

    return change


@pytest.fixture
def fold(member: Callable[..., str], trained: Path, demo_root: Path) -> Callable[..., str]:
    """Save a run that tested on one of three folds."""
    table = pd.read_csv(trained / "splits.csv", dtype=str).merge(
        pd.read_csv(demo_root / "train.csv", dtype={"image_name": str})[["image_name", "target"]], on="image_name"
    )

    def make(number: int, name: str | None = None, **options: Any) -> str:
        def change(checkpoint: Checkpoint, config: TrainConfig) -> None:
            split = config.split
            for key, value in {"folds": 3, "fold": number, **options}.items():
                setattr(split, key, value)
            checkpoint.config["split"] |= vars(split)
            checkpoint.splits = dict(zip(table["image_name"], draw_splits(table, split), strict=True))
            checkpoint.threshold = 0.2 + 0.1 * number

        return member(name or f"sweep/{number}_standard", change)

    return make


@pytest.fixture(scope="session")
def other_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of images of other patients, under other names, in SIIM-ISIC's layout."""
    root = tmp_path_factory.mktemp("data") / "other"
    options = ("seed=1", "patients=12", "images_per_patient=3", "image_size=32")
    words = ["experiment=demo", *(f"data.demo.{option}" for option in options)]
    demo = resolve(compose("train", words), TrainConfig).data.demo
    assert demo is not None
    draw(root, demo)
    csv = root / "train.csv"
    csv.write_text(csv.read_text().replace("ISIC_", "X_"))
    for path in root.glob("jpeg/train/*"):
        path.rename(path.with_name(path.name.replace("ISIC_", "X_")))
    return root


@pytest.fixture
def plant(other_root: Path, demo_root: Path, trained: Path, tmp_path: Path) -> Callable[..., Path]:
    """Add images to a copy of the other ones: name -> picture, as bytes; give the folder."""

    def add(images: dict[str, bytes]) -> Path:
        root = shutil.copytree(other_root, tmp_path / "planted")
        lines = [f"{name},secret_{number},male,50,torso,0" for number, name in enumerate(images)]
        table = pd.read_csv(root / "train.csv", dtype=str)
        header = ["image_name", "patient_id", "sex", "age_approx", "anatom_site_general_challenge", "target"]
        more = pd.DataFrame([line.split(",") for line in lines], columns=header)
        pd.concat([table[header], more]).to_csv(root / "train.csv", index=False)
        for name, picture in images.items():
            (root / f"jpeg/train/{name}.jpg").write_bytes(picture)
        return root

    return add


@pytest.fixture
def own_pictures(demo_root: Path, trained: Path) -> Callable[..., dict[str, bytes]]:
    """Give the first pictures of one of the splits of `trained`, by name."""

    def read(split: str, count: int) -> dict[str, bytes]:
        splits = pd.read_csv(trained / "splits.csv", dtype=str)
        names = splits.loc[splits["split"] == split, "image_name"].head(count)
        return {name: (demo_root / f"jpeg/train/{name}.jpg").read_bytes() for name in names}

    return read


@pytest.fixture
def evidence(tmp_path: Path) -> Callable[[], dict[str, Any]]:
    """Read evidence.json of the last evaluation that `scored` ran."""
    return lambda: dict(json.loads((tmp_path / "eval/evidence.json").read_text()))


@pytest.fixture
def scored(tmp_path: Path) -> Callable[..., tuple[dict[str, Any], pd.DataFrame, str]]:
    """Evaluate checkpoints, without gallery and altered images; give metrics, predictions and the page."""
    from melanoma.evaluation.run import evaluate

    def run(*paths: str, options: tuple[str, ...] = ()) -> tuple[dict[str, Any], pd.DataFrame, str]:
        words = [f"checkpoint=[{','.join(paths)}]", "device=cpu", "bootstrap_draws=100", *QUICK, *options]
        folder = tmp_path / "eval"
        evaluate(resolve(compose("eval", words), EvalConfig), folder)
        predictions = pd.read_csv(folder / "predictions.csv", dtype={"image_name": str, "patient_id": str})
        return json.loads((folder / "metrics.json").read_text()), predictions, (folder / "report.html").read_text()

    return run
