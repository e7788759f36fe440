"""Measure what surrounds the training steps: validation, checkpoints, memory, several processes, as JSON.

validation   images/s of predict() over those of the bare forward pass on ready tensors, in alternating rounds
checkpoint   seconds to save the whole state of a run, and their share of an epoch of --epoch-images images
memory       peak of a training step, with and without computing activations again
processes    images/s of torchrun with 1, 2, 4, ... processes, over one: as many as there are GPUs, or on CPUs cores

python scripts/bench_engine.py
python scripts/bench_engine.py --backbone mobilenetv2_100 --size 128 --batch 16 --processes 1 2
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pandas as pd
import torch

from melanoma.checkpoint import Checkpoint, save_checkpoint
from melanoma.compute import Compute, choose_compute, choose_workers
from melanoma.config import TrainConfig, compose, resolve
from melanoma.cores import cores
from melanoma.data.loader import Loader, make_loader
from melanoma.data.table import open_data
from melanoma.distributed import Ranks
from melanoma.memory import peak_megabytes
from melanoma.models import build_model
from melanoma.models.backbone import checkpoint_activations
from melanoma.prediction import forward, predict
from melanoma.training.state import capture
from melanoma.training.step import train_step
from melanoma.training.trainee import Trainee, make_trainee


def main() -> None:
    arguments = parse_arguments()
    config = resolve(compose("train", overrides(arguments)), TrainConfig)
    compute = choose_compute(config.device, config.training.precision, config.training.channels_last)
    loader = open_loader(config, compute, arguments.batch * arguments.steps)
    trainee = build_trainee(config, compute)
    print(
        json.dumps(
            {
                "backbone": arguments.backbone,
                "image_size": arguments.size,
                "batch_size": arguments.batch,
                "device": torch.cuda.get_device_name() if compute.device.type == "cuda" else "cpu",
                "validation": validation(trainee, loader, arguments.rounds),
                "checkpoint": checkpoint(trainee, config, loader, arguments),
                "memory": memory(config, compute, loader),
                "processes": [processes(arguments, count) for count in arguments.processes],
            },
            indent=2,
        )
    )


def parse_arguments() -> argparse.Namespace:
    devices = torch.cuda.device_count() or cores()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--backbone", default="tf_efficientnet_b4", help="any timm network, random weights")
    parser.add_argument("--size", type=int, default=128, help="image side in pixels")
    parser.add_argument("--batch", type=int, default=16, help="images a step")
    parser.add_argument("--precision", default="auto", choices=("auto", "fp32", "bf16"), help="training.precision")
    parser.add_argument("--steps", type=int, default=6, help="batches a round")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--epoch-images", type=int, default=23_850, help="default: SIIM-ISIC's training split")
    parser.add_argument("--processes", type=int, nargs="*", help="numbers of them (default: 1, 2, 4, ... devices)",
                        default=[2**power for power in range(8) if 2**power <= devices])  # fmt: skip
    return parser.parse_args()


def overrides(arguments: argparse.Namespace) -> list[str]:
    return [
        *("data=demo", f"model.backbone={arguments.backbone}", "model.pretrained=false"),
        *(f"training.image_size={arguments.size}", f"training.batch_size={arguments.batch}"),
        f"training.precision={arguments.precision}",
    ]


def open_loader(config: TrainConfig, compute: Compute, images: int) -> Loader:
    table, reader = open_data(config.data, config.reader, None)
    workers, on_gpu = choose_workers(config.training.workers, compute.device), compute.device.type == "cuda"
    return make_loader(table.head(images), reader, config, learn=False, workers=workers, pin_memory=on_gpu)


def build_trainee(config: TrainConfig, compute: Compute) -> Trainee:
    torch.manual_seed(config.seed)
    model = build_model(config.model, config.training.image_size)
    if config.training.activation_checkpointing:
        checkpoint_activations(model)
    return make_trainee(compute.place(model), config, 1.0, compute, Ranks(), 1)


def validation(trainee: Trainee, loader: Loader, rounds: int) -> dict[str, Any]:
    compute = trainee.compute
    ready = [compute.move(batch) for batch in loader.epoch()]
    images = sum(len(batch["index"]) for batch in ready)

    def bare() -> None:
        trainee.model.eval()
        with torch.inference_mode():
            for batch in ready:
                logits = forward(trainee.model, batch, compute)
        logits.cpu()  # waits for the device

    bare()  # warm-up
    pairs = [
        (seconds(lambda: predict(trainee.model, loader, compute, "validation")), seconds(bare)) for _ in range(rounds)
    ]
    return {
        "images_per_second": round(images / statistics.median(loop for loop, _ in pairs), 1),
        "ratio_to_bare": round(statistics.median(alone / loop for loop, alone in pairs), 3),
    }


def checkpoint(trainee: Trainee, config: TrainConfig, loader: Loader, arguments: argparse.Namespace) -> dict[str, Any]:
    window = [next(iter(loader.epoch()))]
    train_step(trainee, window)  # makes the optimiser's state
    step = statistics.median(seconds(lambda: train_step(trainee, window)) for _ in range(arguments.rounds))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "last.pt")
        took = statistics.median(seconds(lambda: save(trainee, config, path)) for _ in range(arguments.rounds))
        size = path.stat().st_size / 1e6
    epoch = step * arguments.epoch_images / arguments.batch
    return {
        "seconds": round(took, 3),
        "megabytes": round(size, 1),
        "epoch_images": arguments.epoch_images,
        "share_of_epoch": round(took / epoch, 5),
    }


def save(trainee: Trainee, config: TrainConfig, path: Path) -> None:
    nothing = {"prior": 0.0, "effective_prior": 0.0, "pos_weight": 1.0, "threshold": None}
    whole = Checkpoint(
        model=trainee.model.state_dict(),
        config=asdict(config),
        sites=[],
        sexes=[],
        splits={},
        split_hash="",
        epoch=1,
        val_auc=None,
        versions={},
        training=capture(trainee),
        **nothing,
    )
    save_checkpoint(whole, path, path.with_name("previous.pt"))


def memory(config: TrainConfig, compute: Compute, loader: Loader) -> dict[str, float | None]:
    window = [next(iter(loader.epoch()))]
    peaks = {}
    for name, again in (("plain", False), ("activation_checkpointing", True)):
        config.training.activation_checkpointing = again
        trainee = build_trainee(config, compute)
        train_step(trainee, window)
        trainee.optimizer.zero_grad(set_to_none=True)
        step = peak_megabytes(lambda trainee=trainee: train_step(trainee, window), compute.device)
        peaks[f"{name}_megabytes"] = step and round(step, 1)
    return peaks


def processes(arguments: argparse.Namespace, count: int) -> dict[str, Any]:
    """Train an epoch on the drawn images with so many processes, each with its own share of the cores."""
    with tempfile.TemporaryDirectory() as folder:
        command = [
            *(str(Path(sys.executable).parent / "torchrun"), f"--nproc-per-node={count}", "--standalone"),
            *("-m", "melanoma.train", "experiment=demo", *overrides(arguments)[1:], "training.epochs=2"),
            *("data.leaks=ids", "training.checkpoint_minutes=null", f"hydra.run.dir={folder}/run"),
        ]
        threads = str(max(1, cores() // count))
        subprocess.run(command, check=True, capture_output=True, env=os.environ | {"OMP_NUM_THREADS": threads})
        rate = pd.read_csv(f"{folder}/run/history.csv")["train/images_per_second"].iloc[-1]
    return {"processes": count, "threads_each": int(threads), "images_per_second": round(float(rate), 1)}


def seconds(function: Any) -> float:
    started = time.perf_counter()
    function()
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
