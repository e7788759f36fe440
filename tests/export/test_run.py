import re
import shutil
import sys
from pathlib import Path

import pytest

from melanoma.errors import ConfigError


def test_the_command_writes_and_prints_all(run, trained, tmp_path):
    code, out, err = run("export", f"checkpoint={trained}", f"hydra.run.dir={tmp_path}/out")
    assert code == 0, err
    assert err == ""
    lines = out.splitlines()
    assert lines[0].startswith("largest difference of a probability between onnxruntime and PyTorch: ")
    assert lines[1:] == [f"onnx {tmp_path}/out/model.onnx", f"bundle {tmp_path}/out"]
    assert {path.name for path in (tmp_path / "out").glob("model.*")} == {
        *("model.onnx", "model.safetensors", "model.json")
    }


@pytest.mark.parametrize("package", ["onnx", "onnxscript", "onnxruntime"])
def test_without_a_package_one_line_says_what_to_install(run, trained, tmp_path, monkeypatch, package):
    monkeypatch.delitem(sys.modules, "melanoma.export.onnx_file", raising=False)
    monkeypatch.delattr("melanoma.export.onnx_file", raising=False)
    monkeypatch.setitem(sys.modules, package, None)
    options = [f"checkpoint={trained}", f"hydra.run.dir={tmp_path}/out"]
    code, _, err = run("export", *options)
    assert code == 2
    assert "pip install onnx onnxscript onnxruntime; format=bundle needs none" in err
    code, out, err = run("export", *options, "format=bundle")
    assert (code, out) == (0, f"bundle {tmp_path}/out\n"), err


def test_a_sweep_is_several_checkpoints(exported, trained, tmp_path):
    for job in ("0", "1"):
        shutil.copytree(trained, tmp_path / f"sweep/{job}")
        (tmp_path / f"sweep/{job}/.hydra").mkdir()
    with pytest.raises(ConfigError, match="holds 2 checkpoints; name one of them"):
        exported(tmp_path / "sweep", "format=bundle")


@pytest.mark.parametrize(("option", "code"), [("checkpoint=none.pt", 4), ("tolerance=0", 2), ("format=tflite", 2)])
def test_faults_have_their_exit_codes(run, trained, tmp_path, option, code):
    found, _, err = run("export", f"checkpoint={trained}", option, f"hydra.run.dir={tmp_path}/out")
    assert found == code
    assert err.count("\n") == 1


def test_the_documentation_s_python_runs_on_what_is_exported(trained, exported, monkeypatch):
    page = Path(__file__).parents[2].joinpath("docs/predict.md").read_text()
    blocks = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    monkeypatch.chdir(exported(trained))
    names = {}
    for block in blocks:
        exec(compile(block, "docs/predict.md", "exec"), names)
    assert names["probability"].shape == (2,)
    assert names["bundle"].facts["sites"] == names["facts"]["sites"]
