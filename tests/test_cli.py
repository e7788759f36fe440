import errno
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest

BIN = Path(sys.executable).parent


def one_line(err):
    lines = [line for line in err.splitlines() if line.startswith("melanoma: ")]
    assert len(lines) == 1
    assert "Traceback" not in err
    return lines[0]


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("training.lr=nan", "training.lr: expected a finite number"),
        ("training.lr=abc", "training.lr: expected a number, found 'abc'"),
        ("training.batch_size=0", "training.batch_size: must be at least 1"),
        ("training.lrr=1", "did you mean training.lr"),
        ("model=standrd", "did you mean standard?"),
        ("experiment=study/standrd", "experiment=study/standrd: no such choice; did you mean study/standard?"),
        ("+sweep=studdy", "did you mean study?"),
        ("+sweep=study", "a sweep over experiment is several jobs; add -m"),
        ("device=cud", "did you mean cuda?"),
        ("data=ham1000", "did you mean ham10000?"),
        ("+model.width=2", "model.width is not an option"),
        ("data.root=photos (1)", """'data.root="photos (1)"'"""),
        ("data.root=a,b", """'data.root="a,b"'"""),
        ("data.labels={malignant: 1}", "add it with +data.labels.malignant=VALUE"),
        ("training.lr", "missing EQUAL"),
        ("data.csv=???", "data.csv is missing"),
    ],
)
def test_a_wrong_option_is_one_line_and_2(run, tmp_path, override, message):
    code, _, err = run("train", override, f"hydra.run.dir={tmp_path}")
    assert code == 2
    assert message in one_line(err)


def test_all_wrong_options_are_told_at_once(run, tmp_path):
    wrong = ["training.lrr=1", "modle.dropout=1", "model=standrd", "training.lr=abc", "seed=-1"]
    code, _, err = run("train", *wrong, f"hydra.run.dir={tmp_path}")
    line = one_line(err)
    assert code == 2
    assert all(word in line for word in ("training.lrr", "modle", "standrd", "'abc'", "seed"))


@pytest.mark.parametrize(
    ("override", "code", "message"),
    [
        ("model.backbone=resnet5O", 2, "did you mean resnet50"),
        ("data.csv=absent.csv", 3, "experiment=demo"),
        ("data.images.jpeg=absent", 3, "data.images.jpeg=FOLDER"),
        ("data.columns.target=Target", 3, "did you mean target?"),
        ("data.splits=absent.csv", 3, "absent.csv"),
        ("split.val_fraction=0.001", 3, "0.05 to 0.95"),
        ("training.precision=fp16", 2, "needs a CUDA device"),
        ("model.weights=absent.pth", 2, "model.pretrained=false"),
    ],
)
def test_faults_have_their_exit_codes(run, tiny, tmp_path, override, code, message):
    found, _, err = run("train", *tiny, override, f"hydra.run.dir={tmp_path}/run")
    assert found == code, err
    assert message in one_line(err)


@pytest.mark.skipif("__import__('torch').cuda.is_available()", reason="CUDA is there")
def test_cuda_without_cuda(run, tiny, tmp_path):
    code, _, err = run("train", *tiny, "device=cuda", f"hydra.run.dir={tmp_path}")
    assert code == 2
    assert "device=auto" in one_line(err)


def test_train_then_eval_agree_to_the_last_bit(run, tiny, tmp_path):
    code, out, err = run("train", *tiny, "training.epochs=2", f"hydra.run.dir={tmp_path}/run")
    assert code == 0, err
    assert "best validation AUC" in out
    history = pd.read_csv(tmp_path / "run/history.csv")
    code, out, err = run(
        "eval", f"checkpoint={tmp_path}/run/checkpoints/best.pt", "split=val", f"hydra.run.dir={tmp_path}/eval"
    )
    assert code == 0, err
    metrics = json.loads((tmp_path / "eval/metrics.json").read_text())
    assert metrics["auc"] == history["val/auc"].max()
    for name in ("image_name", "logit", "probability"):
        trained = pd.read_csv(tmp_path / "run/predictions_val.csv")[name]
        assert trained.equals(pd.read_csv(tmp_path / "eval/predictions.csv")[name])


def test_no_data_says_where_it_looked_and_what_else_to_try(run, tmp_path):
    code, _, err = run("train", f"data.root={tmp_path}/none", "model.pretrained=false", f"hydra.run.dir={tmp_path}")
    line = one_line(err)
    assert code == 3
    assert all(word in line for word in (f"{tmp_path}/none/train.csv", "kaggle", "experiment=demo", "data.root=DIR"))


def test_a_run_directory_below_a_file_is_not_writable(run, tiny, tmp_path):
    (tmp_path / "file").write_text("")
    code, _, err = run("train", *tiny, f"hydra.run.dir={tmp_path}/file/run")
    assert code == 2
    assert f"{tmp_path}/file" in one_line(err)


def test_a_log_that_cannot_be_written_is_told(run, tiny, tmp_path):
    (tmp_path / "train.log").mkdir()  # as root may write to any folder, also a read-only one
    code, _, err = run("train", *tiny, f"hydra.run.dir={tmp_path}")
    assert code == 2
    assert f"{tmp_path}/train.log" in one_line(err)


def test_a_second_run_does_not_overwrite_the_first(run, tiny, trained):
    code, _, err = run("train", *tiny, f"hydra.run.dir={trained}")
    assert code == 2
    assert "already holds a run" in one_line(err)


def test_a_diverged_run_is_5(run, tiny, tmp_path):
    code, _, err = run("train", *tiny, "training.lr=1e30", "training.epochs=3", f"hydra.run.dir={tmp_path}")
    assert code == 5
    assert "lower training.lr" in one_line(err)


def test_a_failed_job_does_not_stop_a_sweep(run, tiny, tmp_path):
    code, _, err = run("train", "-m", *tiny, "model.backbone=resnet5O,test_resnet", f"hydra.sweep.dir={tmp_path}/sweep")
    assert code == 2
    assert "job 0 failed" in err
    assert (tmp_path / "sweep/1_standard/checkpoints/best.pt").is_file()
    assert not (tmp_path / "sweep/0_standard/checkpoints/best.pt").exists()


def test_a_named_sweep_has_a_folder_for_each_job(run, tiny, tmp_path):
    options = [word for word in tiny if word != "experiment=demo"] + ["data=demo", "training.workers=0"]
    network = ["model.backbone=test_resnet", "model.pretrained=false"]
    code, out, err = run("train", "-m", "+sweep=study", *options, *network, f"hydra.sweep.dir={tmp_path}/sweep")
    assert code == 0, err
    jobs = {path.parents[1].name for path in tmp_path.glob("sweep/*/checkpoints/best.pt")}
    assert jobs == {"0_standard", "1_multi_scale", "2_site_specific"}
    assert out.count("best validation AUC") == 3


def test_a_wrong_name_of_a_sweep_is_one_line_and_2(run, tmp_path):
    code, _, err = run("train", "-m", "+sweep=studdy", f"hydra.sweep.dir={tmp_path}/sweep")
    assert (code, one_line(err)) == (2, "melanoma: sweep=studdy: no such choice; did you mean study?")


def test_an_internal_error_is_one_line_and_1(run, tiny, tmp_path, monkeypatch):
    import melanoma.training.run as module

    monkeypatch.setattr(module, "fit", lambda *_: 1 / 0)
    code, _, err = run("train", *tiny, f"hydra.run.dir={tmp_path}")
    assert code == 1
    assert "ZeroDivisionError" in one_line(err)
    assert "HYDRA_FULL_ERROR=1" in err


def test_a_full_disk_is_one_line_and_2(run, tiny, tmp_path, monkeypatch):
    import melanoma.training.run as module

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(module, "fit", full)
    code, _, err = run("train", *tiny, f"hydra.run.dir={tmp_path}")
    assert code == 2
    assert "No space left on device" in one_line(err)


def test_ctrl_c_is_130(run, tiny, tmp_path, monkeypatch):
    import melanoma.training.run as module

    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(module, "fit", interrupted)
    code, _, err = run("train", *tiny, f"hydra.run.dir={tmp_path}")
    assert code == 130
    assert "interrupted" in one_line(err)


def test_the_version_is_ours(run):
    assert run("train", "--version")[:2] == (0, "melanoma 0.1.0\n")


def test_sigint_from_outside_ends_a_running_process(tiny, tmp_path):
    command = [BIN / "melanoma-train", *tiny, "training.epochs=1000", "training.early_stopping_patience=1000"]
    process = subprocess.Popen(
        [*command, "training.workers=1", f"hydra.run.dir={tmp_path}/run"], stderr=subprocess.PIPE, text=True
    )
    best = tmp_path / "run/checkpoints/best.pt"
    deadline = time.monotonic() + 120
    while not best.exists() and time.monotonic() < deadline and process.poll() is None:
        time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "interrupted" in one_line(err)
    assert best.exists()


@pytest.mark.parametrize("arguments", [["--help"], ["training.lrr=2"], ["training.lr=abc"]])
def test_torch_is_not_imported_before_the_config_is_right(arguments, tmp_path):
    # The speed of --help and of a mistyped option rests on this.
    code = (
        "import sys; from melanoma import cli\n"
        "try: cli.train()\n"
        "finally: print([name for name in ('torch', 'pandas', 'timm', 'albumentations') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, cwd=tmp_path)
    assert done.stdout.splitlines()[-1] == "[]", done.stderr


def test_results_alone_are_on_stdout(tiny, tmp_path):
    done = subprocess.run(
        [BIN / "melanoma-train", *tiny, f"hydra.run.dir={tmp_path}/run"],
        capture_output=True,
        text=True,
        env=os.environ | {"HYDRA_FULL_ERROR": "0"},
    )
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == 2
    assert done.stdout.splitlines()[1] == f"checkpoint {tmp_path}/run/checkpoints/best.pt"


def test_several_data_sets_are_put_below_one_another(run):
    code, out, _ = run("train", "data=[siim_isic,isic_2019,ham10000]", "--cfg", "job", "--package", "data.extra")
    assert code == 0
    assert [line[:-1] for line in out.splitlines() if line.endswith(":") and line[:2].strip()] == [
        "isic_2019",
        "ham10000",
    ]


def test_output_that_nobody_reads_to_its_end_is_no_error():
    # The first line is read and the pipe closed before the rest is written.
    command = f"{BIN / 'melanoma-train'} --help | head -n 1"
    done = subprocess.run(["bash", "-o", "pipefail", "-c", command], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("melanoma-train")
