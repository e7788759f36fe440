"""What only a GPU can show: every test is skipped where there is none."""

import os
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
import torch.distributed as dist

from melanoma.checkpoint import load_checkpoint
from melanoma.config import TrainConfig
from melanoma.data.table import open_data
from melanoma.distributed import Ranks
from melanoma.memory import peak_megabytes
from melanoma.models import MODELS, build_model
from melanoma.models.backbone import share_batch_statistics
from melanoma.prediction import open_loader, predict
from melanoma.trained import compute_like, place
from melanoma.training.run import train

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device")

TOLERANCES = {"fp32": 1e-3, "bf16": 5e-2, "fp16": 1e-2}
"""Of a logit, between a GPU and a CPU that computes in fp32."""


@pytest.fixture
def train_on_gpu(train_config, tmp_path):
    """Train on the GPU under further options; give the run's directory."""

    def call(*options, name="run"):
        train(train_config("device=cuda", "training.workers=2", "training.tf32=false", *options), tmp_path / name)
        return tmp_path / name

    return call


@pytest.fixture
def a_gigabyte():
    """Leave this process no more of the GPU's memory."""
    torch.cuda.empty_cache()
    torch.cuda.set_per_process_memory_fraction(1e9 / torch.cuda.get_device_properties(0).total_memory)
    yield
    torch.cuda.set_per_process_memory_fraction(1.0)
    torch.cuda.empty_cache()


def score_on_cpu(run):
    checkpoint, config = load_checkpoint(run / "checkpoints/best.pt", TrainConfig)
    compute = replace(compute_like(config, "cpu"), dtype=torch.float32)
    table, reader = open_data(config.data, config.reader, None)
    table = table.set_index("image_name", drop=False).loc[pd.read_csv(run / "predictions_val.csv")["image_name"]]
    model = place(checkpoint, config, "best.pt", compute)
    return predict(model, open_loader(table.reset_index(drop=True), reader, config, compute, 0), compute, "")


@pytest.mark.parametrize("precision", TOLERANCES)
@pytest.mark.parametrize("variant", MODELS)
def test_a_network_learnt_on_the_gpu_scores_alike_on_a_cpu(train_on_gpu, variant, precision):
    run = train_on_gpu(f"model={variant}", "model.backbone=test_resnet", f"training.precision={precision}")
    on_gpu, on_cpu = pd.read_csv(run / "predictions_val.csv"), score_on_cpu(run)
    assert on_gpu["logit"].std() > 0
    np.testing.assert_allclose(on_gpu["logit"], on_cpu["logit"], atol=TOLERANCES[precision], rtol=TOLERANCES[precision])
    assert pd.read_csv(run / "history.csv")["train/skipped_steps"].sum() <= (1 if precision == "fp16" else 0)


def test_a_run_goes_on_where_it_stood(train_on_gpu):
    train_on_gpu("training.epochs=1", "model.drop_rate=0.2", name="cut")
    cut = train_on_gpu("training.epochs=3", "model.drop_rate=0.2", "resume=auto", name="cut")
    whole = train_on_gpu("training.epochs=3", "model.drop_rate=0.2", name="whole")
    columns = ["epoch", "train/loss", "val/loss", "lr"]
    tables = [pd.read_csv(run / "history.csv")[columns] for run in (cut, whole)]
    pd.testing.assert_frame_equal(*tables, rtol=1e-2)


def test_compiled_and_averaged_weights_learn(train_on_gpu):
    run = train_on_gpu("training.compile=true", "training.ema_decay=0.9", "training.precision=auto")
    assert np.isfinite(pd.read_csv(run / "history.csv")["val/auc"]).all()


def test_activations_computed_again_take_less_memory(train_config):
    from melanoma.training.batch_size import _batch
    from melanoma.training.step import train_step
    from melanoma.training.trainee import make_trainee

    peaks = []
    for again in (False, True):
        config = train_config("device=cuda", "model.backbone=resnet18", f"training.activation_checkpointing={again}")
        compute, model = compute_like(config, "cuda"), build_model(config.model, 224)
        if again:
            model.backbone.checkpoint_activations()
        trainee = make_trainee(compute.place(model).train(), config, 1.0, compute, Ranks(), 1)
        trainee.image_size = 224
        for _ in range(2):
            trainee.optimizer.zero_grad(set_to_none=True)
            peak = peak_megabytes(lambda: train_step(trainee, [_batch(trainee, 16)]), compute.device)  # noqa: B023
        peaks.append(peak)
    assert peaks[1] < 0.8 * peaks[0]


def test_the_batch_that_fits_is_found(train_on_gpu, a_gigabyte):
    options = ["training.image_size=1024", "training.precision=fp32", "training.workers=0"]
    run = train_on_gpu("training.batch_size=auto", *options)
    size = load_checkpoint(run / "checkpoints/last.pt", TrainConfig)[1].training.batch_size
    assert 2 <= size < 64


def test_a_want_of_memory_names_the_batch_that_would_fit(run, tiny, tmp_path, a_gigabyte):
    options = [*tiny, "device=cuda", "training.image_size=1024", "training.batch_size=64", "training.precision=fp32"]
    code, _, err = run("train", *options, f"hydra.run.dir={tmp_path}/run")
    assert code == 2
    assert 2 <= int(err.split("; training.batch_size=")[1].split()[0]) < 64


@pytest.mark.parametrize(
    ("command", "options"),
    [
        ("eval", ["checkpoint={run}", "explain=grad_cam", "tta=flip"]),
        ("predict", ["checkpoint={run}", "images={data}/train", "explain=grad_cam"]),
        ("export", ["checkpoint={run}"]),
        ("compare", ["runs=[{run},{other}]"]),
    ],
)
def test_every_command_takes_what_the_gpu_has_learnt(run, train_on_gpu, trained, demo_root, tmp_path, command, options):
    here = {"run": train_on_gpu(), "other": trained, "data": demo_root}
    options = [option.format_map(here) for option in options] + [f"hydra.run.dir={tmp_path / command}"]
    code, _, err = run(command, *options)
    assert code == 0, err


def test_more_processes_than_gpus_are_refused(tiny, tmp_path):
    count = torch.cuda.device_count() + 1
    torchrun = [sys.executable, "-m", "torch.distributed.run", f"--nproc-per-node={count}", "--standalone"]
    command = [*torchrun, "-m", "melanoma.train", *tiny, "device=cuda", f"hydra.run.dir={tmp_path}/run"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, env=os.environ)
    assert f"use --nproc-per-node={count - 1}" in done.stderr


def test_collectives_go_by_nccl_and_gloo(monkeypatch, train_config):
    for name, value in {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "29533", "RANK": "0", "WORLD_SIZE": "1"}.items():
        monkeypatch.setenv(name, value)
    dist.init_process_group("cpu:gloo,cuda:nccl")
    try:
        ranks = Ranks(0, 2)  # of two, the other of which is missed by nobody: a sum over the group is one's own share
        assert ranks.share({"a": 1}) == {"a": 1}
        assert ranks.most(3) == 3
        for device in ("cpu", "cuda"):
            assert ranks.sum(torch.tensor(2.0, device=device)).item() == 2
        model = share_batch_statistics(build_model(train_config("model.backbone=test_resnet").model, 32)).cuda()
        network = ranks.wrap(model)
        ranks.share_buffers(model)
        image = torch.randint(0, 256, (4, 3, 32, 32), dtype=torch.uint8, device="cuda")
        words = torch.zeros(4, dtype=torch.int64, device="cuda")
        network(image, words, words, torch.full((4,), 50.0, device="cuda")).sum().backward()
        assert all(torch.isfinite(weight.grad).all() for weight in model.parameters() if weight.grad is not None)
    finally:
        dist.destroy_process_group()
