import hashlib
import json
import logging
import shutil
from pathlib import Path

import pandas as pd
import pytest
import yaml

from melanoma.checkpoint import load_checkpoint
from melanoma.config import TrainConfig
from melanoma.errors import DataError, SplitError
from melanoma.schema import build
from melanoma.training.run import train


def test_a_run_leaves_what_it_promises(trained):
    names = {path.relative_to(trained).as_posix() for path in trained.rglob("*") if path.is_file()}
    assert names >= {
        *("config.yaml", "splits.csv", "history.csv", "events.jsonl", "predictions_val.csv", "summary.json"),
        *("environment.json", "plots/history.png", "checkpoints/best.pt", "checkpoints/best.pt.sha256"),
        *("checkpoints/last.pt", "checkpoints/last.pt.sha256"),
    }
    assert not [name for name in names if name.endswith(".tmp")]


def test_the_written_config_is_the_one_that_ran(trained):
    written = build(yaml.safe_load((trained / "config.yaml").read_text()), TrainConfig)
    assert written == load_checkpoint(trained / "checkpoints/best.pt", TrainConfig)[1]


def test_splits_share_no_patient_and_cover_the_table(trained):
    splits = pd.read_csv(trained / "splits.csv", dtype=str)
    assert list(splits.columns) == ["image_name", "patient_id", "split"]
    assert splits.groupby("patient_id")["split"].nunique().max() == 1
    assert set(splits["split"]) == {"train", "val", "test"}


def test_best_is_the_epoch_with_the_highest_auc(trained):
    history = pd.read_csv(trained / "history.csv")
    best, _ = load_checkpoint(trained / "checkpoints/best.pt", TrainConfig)
    summary = json.loads((trained / "summary.json").read_text())
    assert best.val_auc == history["val/auc"].max() == summary["best_val_auc"]
    assert best.epoch == history["epoch"][history["val/auc"].idxmax()] == summary["best_epoch"]
    assert load_checkpoint(trained / "checkpoints/last.pt", TrainConfig)[0].epoch == 2


def test_checkpoints_keep_hashes_of_all_images_where_images_are_compared(trained, train_config, tmp_path):
    for name in ("best.pt", "last.pt"):
        checkpoint, _ = load_checkpoint(trained / "checkpoints" / name, TrainConfig)
        assert checkpoint.digests is not None
        assert {key: tuple(rows.shape) for key, rows in checkpoint.digests.items()} == {
            "files": (len(checkpoint.splits), 16),
            "pictures": (len(checkpoint.splits), 32),
        }
    first = next(iter(checkpoint.splits))
    file = Path(checkpoint.config["data"]["root"], f"jpeg/train/{first}.jpg")
    assert checkpoint.digests["files"][0].numpy().tobytes() == hashlib.sha256(file.read_bytes()).digest()[:16]
    train(train_config("data.leaks=ids"), tmp_path / "ids")
    assert load_checkpoint(tmp_path / "ids/checkpoints/best.pt", TrainConfig)[0].digests is None


def test_the_loss_weight_comes_from_the_training_split(trained, train_config):
    splits = pd.read_csv(trained / "splits.csv")
    best, config = load_checkpoint(trained / "checkpoints/best.pt", TrainConfig)
    table = pd.read_csv(f"{config.data.root}/train.csv").merge(splits, on="image_name")
    target = table.loc[table["split"] == "train", "target"]
    assert best.prior == pytest.approx(target.mean())
    assert best.pos_weight == pytest.approx((1 - target).sum() / target.sum(), rel=1e-6)


def test_the_same_seed_gives_the_same_run_for_any_number_of_workers(train_config, tmp_path):
    digests = set()
    for name, workers in (("a", 0), ("b", 2)):
        train(train_config(f"training.workers={workers}"), tmp_path / name)
        weights = load_checkpoint(tmp_path / name / "checkpoints/last.pt", TrainConfig)[0].model
        digests.add(hashlib.sha256(b"".join(tensor.numpy().tobytes() for tensor in weights.values())).hexdigest())
    assert len(digests) == 1


def test_splits_are_used_again(trained, train_config, tmp_path):
    train(train_config(f"data.splits={trained}/splits.csv", "split.seed=7"), tmp_path)
    assert (tmp_path / "splits.csv").read_text() == (trained / "splits.csv").read_text()


def test_a_split_that_shares_a_patient_is_refused(trained, train_config, tmp_path):
    splits = pd.read_csv(trained / "splits.csv")
    several = splits["patient_id"].duplicated(keep=False) & (splits["split"] == "train")
    splits.loc[several.idxmax(), "split"] = "test"
    splits.to_csv(tmp_path / "leaky.csv", index=False)
    with pytest.raises(SplitError, match="1 patients are in more than one split"):
        train(train_config(f"data.splits={tmp_path}/leaky.csv"), tmp_path / "run")


def test_one_class_in_training_is_refused(train_config, tmp_path):
    with pytest.raises(DataError, match="both are needed"):
        train(train_config("data.labels.1=0"), tmp_path)


def test_no_positive_in_validation_trains_on_the_loss(trained, train_config, tmp_path, caplog):
    splits = pd.read_csv(trained / "splits.csv", dtype=str)
    table = pd.read_csv(f"{train_config().data.root}/train.csv", dtype=str).set_index("image_name")
    malignant = table["target"][splits["image_name"]].to_numpy() == "1"
    patients = set(splits["patient_id"][malignant])
    benign = ~splits["patient_id"].isin(patients)
    splits["split"] = benign.map({True: "val", False: "train"})
    splits.to_csv(tmp_path / "splits.csv", index=False)
    with caplog.at_level(logging.WARNING):
        assert train(train_config(f"data.splits={tmp_path}/splits.csv"), tmp_path / "run") is None
    assert "val holds one class only" in caplog.text
    assert load_checkpoint(tmp_path / "run/checkpoints/best.pt", TrainConfig)[0].threshold is None
    assert json.loads((tmp_path / "run/summary.json").read_text())["best_val_auc"] is None


def test_unreadable_images_are_skipped_counted_and_listed(trained, train_config, demo_root, tmp_path):
    root = tmp_path / "copy"
    shutil.copytree(demo_root, root)
    bad = sorted((root / "jpeg/train").iterdir())[5]
    bad.write_bytes(b"garbage")
    overrides = ["data.demo=null", f"data.root={root}"]
    splits = pd.read_csv(trained / "splits.csv")
    splits.loc[splits["split"] == "test", "split"] = "train"  # so that the image is read
    splits.to_csv(root / "splits.csv", index=False)
    overrides.append(f"data.splits={root}/splits.csv")
    with pytest.raises(DataError, match=rf"{bad.stem}.*data\.on_error=skip"):
        train(train_config(*overrides), tmp_path / "fail")
    skip = [*overrides, "data.on_error=skip"]
    with pytest.raises(DataError, match=r"more than data\.max_bad_fraction"):
        train(train_config(*skip, "data.max_bad_fraction=0.001"), tmp_path / "few")
    train(train_config(*skip, "data.max_bad_fraction=0.1"), tmp_path / "skip")
    summary = json.loads((tmp_path / "skip/summary.json").read_text())
    assert list(summary["skipped_images"]) == [bad.stem]
