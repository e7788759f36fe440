"""A run that ends at any moment, and is gone on with, ends as one that never did."""

import json
import logging
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest
import torch

from melanoma.checkpoint import load_checkpoint
from melanoma.config import TrainConfig
from melanoma.errors import CheckpointError, PreemptedError
from melanoma.training import saver
from melanoma.training.run import train

CLOCKS = ["train/images_per_second", "epoch_seconds"]
ALL_THAT_CHANGES = [
    *("model.drop_rate=0.3", "training.ema_decay=0.9", "training.accumulate=2", "training.batch_size=8"),
    *("training.checkpoint_minutes=1e-9", "training.epochs=3"),
]
BIN = Path(sys.executable).parent


class Killed(BaseException):
    """What no code on the way catches, as it would not a kill."""


def same(one, other):
    histories = [pd.read_csv(run / "history.csv").drop(columns=CLOCKS) for run in (one, other)]
    pd.testing.assert_frame_equal(*histories, check_exact=True)
    for name in ("best.pt", "last.pt"):
        ours, theirs = (load_checkpoint(run / "checkpoints" / name, TrainConfig)[0] for run in (one, other))
        assert ours.epoch == theirs.epoch
        assert all(torch.equal(ours.digests[key], theirs.digests[key]) for key in ("files", "pictures"))
        assert ours.model.keys() == theirs.model.keys()
        assert all(torch.equal(ours.model[key], theirs.model[key]) for key in ours.model), name
    assert (one / "predictions_val.csv").read_bytes() == (other / "predictions_val.csv").read_bytes()
    return True


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """Train without an end, under these options, once."""
    made = {}

    def run(config, *key):
        if key not in made:
            made[key] = tmp_path_factory.mktemp("whole") / "run"
            train(config, made[key])
        return made[key]

    return run


@pytest.mark.parametrize(
    "options", [(), ("model=multi_scale", "training.schedule=cosine", "training.warmup_epochs=0.5")]
)
def test_a_run_killed_at_every_seventh_boundary_ends_as_one_that_was_not(
    train_config, whole, tmp_path, monkeypatch, options
):
    options = (*ALL_THAT_CHANGES, *options)
    boundary, calls = saver.Saver.boundary, iter(range(1000))

    def then_killed(self):
        boundary(self)
        if next(calls) % 7 == 6:
            raise Killed

    ends = 0
    with monkeypatch.context() as patch:
        patch.setattr(saver.Saver, "boundary", then_killed)
        for _ in range(20):
            try:
                train(train_config(*options, "resume=auto"), tmp_path / "run")
                break
            except Killed:
                ends += 1
    assert ends >= 4
    assert same(tmp_path / "run", whole(train_config(*options), *options))


@pytest.mark.parametrize("name", ["best.pt", "last.pt"])
@pytest.mark.parametrize("written", [False, True])
@pytest.mark.parametrize("epoch", [1, 2])
def test_a_kill_around_a_save_at_an_epoch_s_end_loses_nothing(
    train_config, whole, tmp_path, monkeypatch, name, written, epoch
):
    options = ("training.epochs=3", "training.checkpoint_minutes=null", "seed=1")  # the first two epochs are better
    save = saver.save_checkpoint

    def killed(checkpoint, path, **more):
        mine = (checkpoint.epoch, path.name) == (epoch, name)
        if written or not mine:
            save(checkpoint, path, **more)
        if mine:
            raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(saver, "save_checkpoint", killed)
        with pytest.raises(Killed):
            train(train_config(*options), tmp_path / "run")
    train(train_config(*options, "resume=auto"), tmp_path / "run")
    assert same(tmp_path / "run", whole(train_config(*options), *options))


@pytest.mark.parametrize("where", ["step", "validation"])
def test_a_signal_saves_and_a_resumed_run_ends_as_if_it_had_not_come(train_config, whole, tmp_path, monkeypatch, where):
    options = ("training.epochs=2", "training.checkpoint_minutes=null", "training.batch_size=8")
    boundary = saver.Saver.boundary
    at = iter({"step": [3], "validation": [9]}[where])
    calls, wanted = iter(range(1000)), next(at)

    def signalled(self):
        if next(calls) == wanted:
            os.kill(os.getpid(), signal.SIGTERM)
        boundary(self)

    with monkeypatch.context() as patch:
        patch.setattr(saver.Saver, "boundary", signalled)
        with pytest.raises(PreemptedError, match="SIGTERM came, and what was learnt is saved"):
            train(train_config(*options), tmp_path / "run")
    progress = load_checkpoint(tmp_path / "run/checkpoints/last.pt", TrainConfig)[0].training["progress"]
    assert progress["epoch"] == 1
    assert (progress["steps"] == 4) == (where == "step")
    train(train_config(*options, "resume=auto"), tmp_path / "run")
    assert same(tmp_path / "run", whole(train_config(*options), *options))


def test_a_damaged_newest_checkpoint_gives_way_to_the_one_before(train_config, whole, tmp_path, caplog):
    options = ("training.epochs=3",)
    run = shutil.copytree(whole(train_config(*options), *options), tmp_path / "run")
    last = run / "checkpoints/last.pt"
    last.write_bytes(last.read_bytes()[:-100])
    with caplog.at_level(logging.WARNING):
        train(train_config(*options, "resume=auto"), run)
    assert "last.pt does not match its .sha256: it is damaged" in caplog.text
    assert "previous.pt is used instead" in caplog.text
    assert same(run, whole(train_config(*options), *options))


def test_without_a_good_checkpoint_nothing_is_overwritten(train_config, trained, tmp_path):
    run = shutil.copytree(trained, tmp_path / "run")
    for name in ("last.pt", "previous.pt"):
        (run / "checkpoints" / name).write_bytes(b"")
    before = (run / "history.csv").read_bytes()
    with pytest.raises(CheckpointError, match="begin again in another"):
        train(train_config("training.epochs=3", "resume=auto"), run)
    assert (run / "history.csv").read_bytes() == before


def test_a_finished_run_is_not_trained_again(train_config, trained, tmp_path, capsys):
    run = shutil.copytree(trained, tmp_path / "run")
    auc = train(train_config("training.epochs=2", "resume=auto"), run)
    assert auc == json.loads((run / "summary.json").read_text())["best_val_auc"]
    assert same(run, trained)


def test_more_epochs_are_learnt_on_top(train_config, trained, tmp_path):
    run = shutil.copytree(trained, tmp_path / "run")
    train(train_config("training.epochs=3", "resume=auto"), run)
    history = pd.read_csv(run / "history.csv")
    assert history["epoch"].tolist() == [1, 2, 3]
    assert history["val/auc"][:2].equals(pd.read_csv(trained / "history.csv")["val/auc"])


def test_without_a_checkpoint_auto_begins(train_config, tmp_path):
    train(train_config("resume=auto"), tmp_path / "run")
    assert len(pd.read_csv(tmp_path / "run/history.csv")) == 1


@pytest.mark.parametrize("path", ["", "checkpoints/last.pt"])
def test_a_run_goes_on_in_another_directory(train_config, trained, tmp_path, path):
    train(train_config("training.epochs=2", f"resume={trained / path}"), tmp_path / "run")
    assert same(tmp_path / "run", trained)


def test_a_run_does_not_go_on_in_a_third_one_s_directory(run, tiny, trained, tmp_path):
    third = shutil.copytree(trained, tmp_path / "third")
    code, _, err = run("train", *tiny, f"resume={trained}", f"hydra.run.dir={third}")
    assert code == 2
    assert "already holds a run" in err


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("model=multi_scale", "model.name was standard and is now multi_scale"),
        ("model.backbone=test_efficientnet", "model.backbone was test_resnet and is now test_efficientnet"),
        (
            "split.seed=1",
            r"split.seed was 0 and is now 1; the splits differ in \d+ images, such as \w+ from \w+ to \w+",
        ),
        ("training.lr=0.5", "training.lr was 0.001 and is now 0.5"),
        ("training.schedule=cosine", "training.epochs was 2 and is now 3"),
    ],
)
def test_a_change_of_model_split_or_options_is_4(run, tiny, trained, change, message):
    code, _, err = run("train", *tiny, "training.epochs=3", change, "resume=auto", f"hydra.run.dir={trained}")
    assert code == 4
    line = next(line for line in err.splitlines() if line.startswith("melanoma: "))
    assert pd.Series([line]).str.contains(message).all(), line


@pytest.mark.parametrize(
    ("resume", "message"),
    [("none", "neither a checkpoint nor"), ("checkpoints/best.pt", "no state of training; a run is gone on with from")],
)
def test_a_path_without_a_state_is_4(run, tiny, trained, tmp_path, resume, message):
    code, _, err = run("train", *tiny, f"resume={trained / resume}", f"hydra.run.dir={tmp_path}/run")
    assert code == 4
    assert message in err


def test_a_missing_best_checkpoint_is_4(run, tiny, trained, tmp_path):
    alone = shutil.copytree(trained, tmp_path / "alone", ignore=shutil.ignore_patterns("best.pt*"))
    code, _, err = run("train", *tiny, "training.epochs=2", f"resume={alone}", f"hydra.run.dir={tmp_path}/run")
    assert code == 4
    assert "best.pt of the best epoch is missing" in err


def start(overrides, run_dir, **more):
    command = [BIN / "melanoma-train", *overrides, "resume=auto", f"hydra.run.dir={run_dir}"]
    # One thread, as in this process: sums in another order differ in their last bits.
    env = os.environ | {"OMP_NUM_THREADS": "1"}
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env=env, **more)


def wait_for(condition, process):
    deadline = time.monotonic() + 120
    while not condition() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.05)
    assert condition(), process.stderr.read()


@pytest.mark.parametrize(
    "number", [signal.SIGTERM, *(pytest.param(one, marks=pytest.mark.slow) for one in (signal.SIGUSR1, signal.SIGUSR2))]
)
def test_a_signal_to_the_whole_job_is_75_and_leaves_a_good_checkpoint(tiny, tmp_path, number):
    options = [*tiny, "training.epochs=1000", "training.early_stopping_patience=1000", "training.workers=1"]
    process = start(options, tmp_path / "run", start_new_session=True)
    wait_for((tmp_path / "run/checkpoints/previous.pt").exists, process)
    os.killpg(process.pid, number)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 75, err
    assert f"{number.name} came, and what was learnt is saved; start it again with resume=auto" in err
    assert load_checkpoint(tmp_path / "run/checkpoints/last.pt", TrainConfig)[0].training


@pytest.mark.slow
@pytest.mark.parametrize("workers", [0, 2])
def test_a_run_killed_at_random_moments_ends_as_one_that_was_not(tiny, train_config, whole, tmp_path, workers):
    options = ["training.epochs=25", "training.early_stopping_patience=25", f"training.workers={workers}"]
    moments, last = random.Random(workers), tmp_path / "run/checkpoints/last.pt"
    for _ in range(3):
        before = last.stat().st_mtime_ns if last.exists() else 0
        process = start([*tiny, *options, "training.checkpoint_minutes=0.005"], tmp_path / "run")
        wait_for(lambda before=before: last.exists() and last.stat().st_mtime_ns != before, process)
        time.sleep(moments.uniform(0, 0.5))
        process.kill()
        process.communicate()
        assert process.returncode == -signal.SIGKILL
    process = start([*tiny, *options], tmp_path / "run")
    _, err = process.communicate(timeout=300)
    assert "going on from" in err
    assert same(tmp_path / "run", whole(train_config(*options), *options))
