import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).parents[2] / "scripts"
VARIANTS = ["standard", "multi_scale", "site_specific", "self_attention", "cross_attention"]


def test_a_table_has_a_row_for_each_plain_value(tmp_path):
    spec = importlib.util.spec_from_file_location("bench_table", SCRIPTS / "bench_table.py")
    bench_table = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(bench_table)
    (tmp_path / "engine.json").write_text(json.dumps({"a": {"b": [1, 2]}, "c": [{"d": None}, {"d": True}]}))
    rows = bench_table.table([tmp_path / "engine.json"]).splitlines()[2:]
    assert rows == ["| engine | a b | 1, 2 |", "| engine | c 0 d | None |", "| engine | c 1 d | True |"]


@pytest.mark.slow
def test_the_gpu_benchmark_runs_its_whole_path_without_one(tmp_path):
    table = tmp_path / "gpu.md"
    small = ["--backbone", "test_resnet", "--size", "32", "--batches", "4", "--steps", "2", "--rounds", "1"]
    small += ["--settings", "contiguous", "channels_last"]
    done = subprocess.run(
        [sys.executable, SCRIPTS / "bench_gpu.py", *small, "--table", table],
        capture_output=True,
        text=True,
        env=os.environ | {"CUDA_VISIBLE_DEVICES": ""},
    )
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["device"] == "cpu"
    assert all(variant in table.read_text() for variant in VARIANTS)
