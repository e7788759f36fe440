"""Two processes are one run."""

import os
import re
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
from melanoma.training.run import train

pytestmark = pytest.mark.slow

OPTIONS = [
    *("model.backbone=test_vit", "model.drop_rate=0"),
    *("training.epochs=3", "training.workers=0", "training.ema_decay=0.9"),
]
TORCHRUN = [Path(sys.executable).parent / "torchrun", "--nproc-per-node=2", "--standalone", "-m", "melanoma.train"]
CLOCKS = ["train/images_per_second", "epoch_seconds"]


def start(overrides):
    return subprocess.Popen(
        [*TORCHRUN, *overrides],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )


def results(run):
    return pd.read_csv(run / "history.csv").drop(columns=CLOCKS), pd.read_csv(run / "predictions_val.csv")


def test_two_processes_give_what_one_with_twice_the_batch_does(tiny, train_config, tmp_path):
    process = start([*tiny, *OPTIONS, "training.batch_size=4", f"hydra.run.dir={tmp_path}/two"])
    out, err = process.communicate(timeout=300)
    assert process.returncode == 0, err
    assert out.count("best validation AUC") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["two"]
    train(train_config(*OPTIONS, "training.batch_size=8"), tmp_path / "one")
    (history, predictions), (expected, by_one) = results(tmp_path / "two"), results(tmp_path / "one")
    pd.testing.assert_frame_equal(history, expected, rtol=1e-4)
    assert predictions["image_name"].tolist() == by_one["image_name"].tolist()
    pd.testing.assert_series_equal(predictions["logit"], by_one["logit"], rtol=1e-3, atol=1e-4)


def test_a_signal_to_one_process_ends_both_and_the_run_goes_on_as_if_it_had_not_come(tiny, tmp_path):
    # With batch norms and dropout, whose state differs between processes.
    options = [*tiny, "training.epochs=30", "training.early_stopping_patience=30", "training.batch_size=4"]
    process = start([*options, f"hydra.run.dir={tmp_path}/cut"])
    last = tmp_path / "cut/checkpoints/last.pt"
    deadline = time.monotonic() + 120
    while not last.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    children = subprocess.run(["pgrep", "-P", str(process.pid)], capture_output=True, text=True).stdout.split()
    assert len(children) == 2
    os.kill(int(children[1]), signal.SIGTERM)
    _, err = process.communicate(timeout=60)
    assert err.count("SIGTERM came, and what was learnt is saved") == 2, err
    assert set(re.findall(r"exitcode *: (\d+)", err)) == {"75"}
    epoch = load_checkpoint(last, TrainConfig)[0].training["progress"]["epoch"]
    assert epoch < 30
    for name, resume in (("cut", "auto"), ("whole", "null")):
        done = start([*options, f"resume={resume}", f"hydra.run.dir={tmp_path}/{name}"])
        done.communicate(timeout=300)
        assert done.returncode == 0
    cut, whole = results(tmp_path / "cut"), results(tmp_path / "whole")
    pd.testing.assert_frame_equal(cut[0], whole[0], check_exact=True)
    models = [
        load_checkpoint(tmp_path / name / "checkpoints/last.pt", TrainConfig)[0].model for name in ("cut", "whole")
    ]
    assert all(torch.equal(models[0][key], models[1][key]) for key in models[0])


def test_another_number_of_processes_is_refused(tiny, trained):
    process = start([*tiny, "training.epochs=5", "resume=auto", f"hydra.run.dir={trained}"])
    _, err = process.communicate(timeout=120)
    assert "the run had 1 processes, and now has 2" in err


def test_an_error_of_the_first_process_is_told_once(tiny, tmp_path):
    process = start([*tiny, "data.csv=absent.csv", f"hydra.run.dir={tmp_path}/run"])
    _, err = process.communicate(timeout=120)
    assert err.count("absent.csv") == 1
    # The other process meets the end of the first one or torchrun's SIGTERM, whichever is quicker.
    others = re.findall(r"process 1\): (.*)", err)
    assert all(line.startswith(("another process of the run has ended", "SIGTERM came")) for line in others), err
    assert "internal error" not in err
