import hashlib
import os
import pickle
import resource
import subprocess
import sys

import pytest
import torch

from melanoma.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from melanoma.config import TrainConfig
from melanoma.errors import CheckpointError


@pytest.fixture
def checkpoint(train_config):
    from dataclasses import asdict

    return Checkpoint(
        model={"weight": torch.randn(64, 64), "count": torch.tensor(3)},
        config=asdict(train_config()),
        sites=["torso"],
        sexes=["male"],
        prior=0.1,
        effective_prior=0.5,
        pos_weight=9.0,
        threshold=0.4,
        splits={"a": "train"},
        split_hash="00",
        epoch=2,
        val_auc=0.9,
        versions={"torch": "2"},
    )


@pytest.fixture
def path(checkpoint, tmp_path):
    save_checkpoint(checkpoint, tmp_path / "best.pt")
    return tmp_path / "best.pt"


def refused(path):
    with pytest.raises(CheckpointError) as caught:
        load_checkpoint(path, TrainConfig)
    assert str(path) in str(caught.value)
    return str(caught.value)


def test_what_is_saved_is_loaded(checkpoint, path, train_config):
    loaded, config = load_checkpoint(path, TrainConfig)
    assert config == train_config()
    assert torch.equal(loaded.model.pop("weight"), checkpoint.model.pop("weight"))
    assert loaded == checkpoint


def test_the_digest_is_the_file_s(path):
    line = path.with_name("best.pt.sha256").read_text()
    assert line == f"{hashlib.sha256(path.read_bytes()).hexdigest()}  best.pt\n"


def test_a_missing_checkpoint_says_where_runs_keep_theirs(tmp_path):
    assert "checkpoints/best.pt" in refused(tmp_path / "none.pt")


@pytest.mark.parametrize("keep", [0, 10, 0.5, 0.99])
def test_a_truncated_checkpoint_is_refused(path, keep):
    data = path.read_bytes()
    path.write_bytes(data[: int(keep * len(data)) if keep < 1 else int(keep)])
    assert "damaged" in refused(path)


@pytest.mark.parametrize("with_digest", [True, False])
def test_a_flipped_bit_in_the_weights_is_refused(checkpoint, path, with_digest):
    data = bytearray(path.read_bytes())
    place = data.index(checkpoint.model["weight"].numpy().tobytes()[:16])
    data[place + 5] ^= 1
    path.write_bytes(data)
    if not with_digest:
        path.with_name("best.pt.sha256").unlink()
    assert "damaged" in refused(path)


class Malicious:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


@pytest.mark.parametrize("save", [torch.save, lambda thing, path: path.write_bytes(pickle.dumps(thing))])
def test_a_malicious_pickle_is_refused_and_nothing_is_executed(tmp_path, save):
    save({"model": Malicious(tmp_path / "executed")}, tmp_path / "evil.pt")
    refused(tmp_path / "evil.pt")
    assert not (tmp_path / "executed").exists()


def test_a_foreign_checkpoint_is_refused(tmp_path):
    torch.save({"state_dict": {}}, tmp_path / "other.pt")
    assert "not a checkpoint of melanoma-train" in refused(tmp_path / "other.pt")


def test_a_newer_format_is_refused(checkpoint, tmp_path):
    checkpoint.format += 1
    save_checkpoint(checkpoint, tmp_path / "new.pt")
    assert "newer melanoma" in refused(tmp_path / "new.pt")


def test_a_config_of_another_version_is_refused(checkpoint, tmp_path):
    checkpoint.config["training"]["lr"] = "abc"
    save_checkpoint(checkpoint, tmp_path / "odd.pt")
    assert "training.lr" in refused(tmp_path / "odd.pt")


def test_a_full_disk_leaves_the_old_checkpoint_intact(checkpoint, path):
    old = path.read_bytes()
    checkpoint.model["weight"] = torch.randn(512, 512)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, limits[1]))  # any write beyond this fails
    try:
        with pytest.raises(CheckpointError, match="intact"):
            save_checkpoint(checkpoint, path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert path.read_bytes() == old
    assert load_checkpoint(path, TrainConfig)[0].epoch == 2
    assert list(path.parent.glob("*.tmp")) == []


def test_a_field_that_came_later_may_be_missing(checkpoint, tmp_path):
    content = {name: value for name, value in vars(checkpoint).items() if name != "training"}
    torch.save(content, tmp_path / "old.pt")
    assert load_checkpoint(tmp_path / "old.pt", TrainConfig)[0].training is None


def test_numbers_are_plain_so_that_the_strict_loader_takes_them(path):
    code = f"import torch; print(torch.load({str(path)!r}, weights_only=True)['val_auc'])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "0.9"
