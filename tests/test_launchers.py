"""Sweeps whose jobs are started by joblib, or by submitit, which puts jobs back that were pre-empted or timed out."""

import os
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

pytest.importorskip("hydra_plugins.hydra_submitit_launcher")
pytest.importorskip("hydra_plugins.hydra_joblib_launcher")
CLOCKS = ["train/images_per_second", "epoch_seconds"]
EPOCHS = ["training.epochs=15", "training.early_stopping_patience=15"]


def start(overrides, sweep_dir, launcher):
    code = "from melanoma.cli import train; train()"
    command = [
        sys.executable,
        "-c",
        code,
        "-m",
        *overrides,
        f"hydra/launcher={launcher}",
        f"hydra.sweep.dir={sweep_dir}",
    ]
    # As many threads as these tests have: sums of more are rounded otherwise.
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment)


def job_of(launcher):
    """Find submitit's task: the child of its controller, which is the child of the launcher."""
    parents = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            parents[int(stat.parent.name)] = int(stat.read_text().rsplit(")", 1)[1].split()[1])
        except (FileNotFoundError, ProcessLookupError):  # it has ended since
            continue
    controllers = {pid for pid, parent in parents.items() if parent == launcher}
    [job] = [pid for pid, parent in parents.items() if parent in controllers]
    return job


def wait_for(path, process):
    deadline = time.monotonic() + 200
    while not path.exists() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.05)
    assert path.exists(), process.communicate()[0]


@pytest.mark.slow
@pytest.mark.parametrize(
    "numbers", [[signal.SIGUSR2], [signal.SIGTERM, signal.SIGUSR2]], ids=["time-out", "pre-empted"]
)
def test_a_job_that_submitit_ends_is_put_back_and_ends_as_one_that_was_not(tiny, train_config, tmp_path, numbers):
    options = [*EPOCHS, "training.workers=1", "training.checkpoint_minutes=null"]
    process = start([*tiny, *options, "resume=auto"], tmp_path / "sweep", "submitit_local")
    run = tmp_path / "sweep/0_standard"
    wait_for(run / "checkpoints/previous.pt", process)
    for number in numbers:
        os.kill(job_of(process.pid), number)
    out, _ = process.communicate(timeout=300)
    assert process.returncode == 0, out
    events = (run / "events.jsonl").read_text()
    assert events.count('"event": "resume"') == 1

    train(train_config(*options), tmp_path / "whole")
    one, other = (pd.read_csv(path / "history.csv").drop(columns=CLOCKS) for path in (run, tmp_path / "whole"))
    pd.testing.assert_frame_equal(one, other, check_exact=True)
    for name in ("best.pt", "last.pt"):
        ours, theirs = (
            load_checkpoint(path / "checkpoints" / name, TrainConfig)[0].model for path in (run, tmp_path / "whole")
        )
        assert all(torch.equal(ours[key], theirs[key]) for key in theirs)


@pytest.mark.slow
def test_joblib_runs_two_jobs_with_workers_of_their_own(tiny, tmp_path):
    process = start([*tiny, "seed=0,1", "training.workers=1"], tmp_path / "sweep", "joblib")
    out, _ = process.communicate(timeout=300)
    assert process.returncode == 0, out
    assert {path.parents[1].name for path in tmp_path.glob("sweep/*/checkpoints/best.pt")} == {
        "0_standard",
        "1_standard",
    }


@pytest.mark.slow
def test_a_failed_job_of_a_launcher_is_told_with_its_code(tiny, tmp_path):
    process = start([*tiny, "model.backbone=resnet5O,test_resnet"], tmp_path / "sweep", "joblib")
    out, _ = process.communicate(timeout=300)
    assert process.returncode == 2, out
    assert "job 0 failed: model.backbone=resnet5O" in out or "did you mean resnet50" in out
    assert (tmp_path / "sweep/1_standard/checkpoints/best.pt").exists()
