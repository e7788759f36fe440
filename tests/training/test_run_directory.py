import json
import subprocess
import sys

import pandas as pd
import pytest
import torch
import yaml

from melanoma.errors import ConfigError
from melanoma.training.run_directory import RunDirectory, environment


def test_history_grows_by_a_row_an_epoch(tmp_path):
    run = RunDirectory(tmp_path)
    losses = {"train/loss": 1.0, "val/loss": 1.0}
    run.write_history([{"epoch": 1, "val/auc": None} | losses, {"epoch": 2, "val/auc": 0.1 + 0.2} | losses])
    history = pd.read_csv(tmp_path / "history.csv")
    assert history["val/auc"].isna().tolist() == [True, False]
    assert history["val/auc"][1] == 0.1 + 0.2  # to the last bit


def test_events_are_a_line_each(tmp_path):
    run = RunDirectory(tmp_path)
    for epoch in (1, 2):
        run.log_event("epoch", epoch=epoch)
    events = [json.loads(line) for line in (tmp_path / "events.jsonl").read_text().splitlines()]
    assert [event["epoch"] for event in events] == [1, 2]


def test_the_config_can_be_read_back(tmp_path):
    RunDirectory(tmp_path).write_config({"training": {"lr": 1e-4, "weights": None}})
    assert yaml.safe_load((tmp_path / "config.yaml").read_text()) == {"training": {"lr": 1e-4, "weights": None}}


@pytest.mark.parametrize("name", ["history.csv", "checkpoints/best.pt"])
def test_a_directory_with_a_run_is_refused(tmp_path, name):
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text("x")
    with pytest.raises(ConfigError, match="already holds a run; go on with it by resume=auto"):
        RunDirectory(tmp_path)
    RunDirectory(tmp_path, resume=True)


def test_two_processes_cannot_write_to_one_directory(tmp_path):
    code = f"""
from pathlib import Path
from melanoma.training.run_directory import RunDirectory
RunDirectory(Path({str(tmp_path)!r}), resume=True)
"""
    with RunDirectory(tmp_path):
        second = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
        assert "another process is writing to this run" in second.stderr
    assert subprocess.run([sys.executable, "-c", code], capture_output=True).returncode == 0


def test_a_process_that_does_not_write_leaves_nothing(tmp_path):
    run = RunDirectory(tmp_path, writes=False)
    run.write_json("a.json", {})
    run.log_event("end")
    run.write_history([{"epoch": 1}])
    assert list(tmp_path.iterdir()) == []


def test_a_directory_that_cannot_be_made_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match=r"hydra\.run\.dir=DIR"):
        RunDirectory(tmp_path / "file" / "run")


def test_a_json_file_holds_no_nan(tmp_path):
    with pytest.raises(ValueError, match="JSON"):
        RunDirectory(tmp_path).write_json("x.json", {"auc": float("nan")})


def test_the_environment_names_versions_but_no_user_or_host(monkeypatch):
    import getpass
    import socket

    described = json.dumps(environment(torch.device("cpu")))
    assert torch.__version__.split("+")[0] in described
    assert socket.gethostname() not in described
    assert f"/{getpass.getuser()}/" not in described
