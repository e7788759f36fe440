"""Measure training and inference of all variants on a GPU, against a plain recipe, as JSON and a table.

For every variant, batch size and setting: images/s of training steps and of inference on ready tensors, and the peak
memory that a step adds to weights and optimiser. For the standard variant also the whole loop, from the drawn JPEGs
on: its share of the bare step, the GPU's busy share (nvidia-smi's, sampled), and how many times as fast it is as the
plain recipe: fp16 autocast, contiguous, not compiled, one Adam kernel a weight, Pillow and albumentations to float32.
Without a GPU the same path runs on the CPU.

    python scripts/bench_gpu.py --table gpu.md
    python scripts/bench_gpu.py --backbone test_resnet --size 64 --batches 4 --steps 2 --settings channels_last
"""

import argparse
import contextlib
import itertools
import json
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch

from bench_data import SUFFIXES, draw_pictures, make_table
from bench_models import Batch, make_batch
from melanoma.compute import Compute, choose_compute, choose_workers
from melanoma.config import TrainConfig, compose, resolve
from melanoma.data.loader import Loader, make_loader
from melanoma.data.readers.folder import Folder
from melanoma.data.readers.jpeg import JpegReader
from melanoma.distributed import Ranks
from melanoma.memory import peak_megabytes
from melanoma.models import MODELS, build_model
from melanoma.models.backbone import checkpoint_activations
from melanoma.prediction import forward
from melanoma.training.loop import train_one_epoch
from melanoma.training.progress import Progress
from melanoma.training.step import train_step
from melanoma.training.trainee import Trainee, make_trainee
from plain_recipe import PlainRecipe

SETTINGS = {
    "contiguous": ["training.channels_last=false"],
    "channels_last": [],
    "fp16": ["training.precision=fp16"],
    "checkpointed": ["training.activation_checkpointing=true"],
    "compiled": ["training.compile=true"],
}
"""The options of each; all but the first are channels_last, all but fp16 in the GPU's own half precision."""
LOOP = ("batch", "setting", "images_per_second", "of_bare_step", "of_plain_recipe", "gpu_busy")


def main() -> None:
    arguments = parse_arguments()
    report: dict[str, Any] = {
        "device": torch.cuda.get_device_name() if torch.cuda.is_available() else "cpu",
        "torch": str(torch.__version__),
        "backbone": arguments.backbone,
        "image_size": arguments.size,
        "models": [
            measure(arguments, variant, batch, setting)
            for variant, batch, setting in itertools.product(arguments.models, arguments.batches, arguments.settings)
        ],
    }
    with tempfile.TemporaryDirectory() as folder:
        report["loop"] = loop(arguments, Path(folder), arguments.settings[-1]) if arguments.rounds else []
    print(json.dumps(report, indent=2))
    if arguments.table:
        arguments.table.write_text(table(report))


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--backbone", default="tf_efficientnet_b4", help="any timm network, random weights")
    parser.add_argument("--size", type=int, default=1024, help="image side in pixels")
    parser.add_argument("--models", nargs="*", default=list(MODELS), choices=list(MODELS), help="variants, if any")
    parser.add_argument("--batches", type=int, nargs="+", default=[8, 16, 32], help="images a step")
    parser.add_argument("--steps", type=int, default=20, help="steps measured, after 3 that are not")
    parser.add_argument("--rounds", type=int, default=3, help="of loop, bare step and plain recipe; or 0")
    parser.add_argument(
        "--settings", nargs="+", default=list(SETTINGS), choices=list(SETTINGS), help="the last one loops"
    )
    parser.add_argument("--table", type=Path, help="also write a Markdown table here")
    return parser.parse_args()


def read_config(arguments: argparse.Namespace, variant: str, batch: int, setting: str) -> TrainConfig:
    overrides = [
        *(f"model={variant}", f"model.backbone={arguments.backbone}", "model.pretrained=false"),
        *(f"training.image_size={arguments.size}", f"training.batch_size={batch}"),
        *SETTINGS[setting],
    ]
    return resolve(compose("train", overrides), TrainConfig)


def build(config: TrainConfig) -> Trainee:
    training = config.training
    compute = choose_compute(config.device, training.precision, training.channels_last, training.tf32)
    torch.manual_seed(config.seed)
    model = build_model(config.model, training.image_size)
    if training.activation_checkpointing:
        checkpoint_activations(model)
    return make_trainee(compute.place(model).train(), config, 1.0, compute, Ranks(), 1)


def measure(arguments: argparse.Namespace, variant: str, batch: int, setting: str) -> dict[str, Any]:
    """Measure one model; a setting that finds no memory is null."""
    row: dict[str, Any] = {"model": variant, "batch": batch, "setting": setting}
    config = read_config(arguments, variant, batch, setting)
    try:
        trainee = build(config)
        ready = make_batch(config, trainee.compute)
        train = rate(lambda: train_step(trainee, [ready]), batch, arguments.steps, trainee.compute)
        peak = peak_megabytes(lambda: train_step(trainee, [ready]), trainee.compute.device)
        infer = rate(lambda: inference(trainee, ready), batch, arguments.steps, trainee.compute)
    except torch.OutOfMemoryError:
        torch.cuda.empty_cache()
        return told(
            row | {"train_images_per_second": None, "inference_images_per_second": None, "peak_megabytes": None}
        )
    return told(
        row
        | {
            "train_images_per_second": round(train, 1),
            "inference_images_per_second": round(infer, 1),
            "peak_megabytes": peak and round(peak, 1),
        }
    )


def told(row: dict[str, Any]) -> dict[str, Any]:
    """Print a row to stderr as soon as it is known, since the whole table takes minutes."""
    print(json.dumps(row), file=sys.stderr, flush=True)
    return row


def inference(trainee: Trainee, batch: Batch) -> None:
    trainee.model.eval()
    with torch.inference_mode():
        forward(trainee.model, batch, trainee.compute)
    trainee.model.train()


def rate(call: Callable[[], Any], images: int, count: int, compute: Compute) -> float:
    """Give images a second of so many calls, after three that warm up and compile."""
    for _ in range(3):
        call()
    wait(compute)
    started = time.perf_counter()
    for _ in range(count):
        call()
    wait(compute)
    return images * count / (time.perf_counter() - started)


def wait(compute: Compute) -> None:
    if compute.device.type == "cuda":
        torch.cuda.synchronize()


def loop(arguments: argparse.Namespace, folder: Path, setting: str) -> list[dict[str, Any]]:
    """Compare the standard variant's loop with its bare step and with the plain recipe; without memory for it, null."""
    draw_pictures(folder, 4 * arguments.batches[-1], arguments.size)
    rows = []
    for batch in arguments.batches:
        try:
            rows.append(loop_at(arguments, folder, batch, setting))
        except torch.OutOfMemoryError:
            torch.cuda.empty_cache()
            rows.append(dict.fromkeys(LOOP) | {"batch": batch, "setting": setting})
    return rows


def loop_at(arguments: argparse.Namespace, folder: Path, batch: int, setting: str) -> dict[str, Any]:
    config = read_config(arguments, "standard", batch, setting)
    trainee = build(config)
    ready = make_batch(config, trainee.compute)
    loader = open_loader(config, folder, trainee.compute, arguments.steps * batch)
    plain_config = read_config(arguments, "standard", batch, "contiguous")
    plain = PlainRecipe(plain_config, folder, arguments.steps, trainee.compute.device)
    loop_rate(trainee, loader, 0)  # warm-up
    rounds = []
    with busy_share() as shares:
        for number in range(1, arguments.rounds + 1):
            shares.clear()
            looped = loop_rate(trainee, loader, number)
            busy = statistics.mean(shares) if shares else None
            bare = rate(lambda: train_step(trainee, [ready]), batch, arguments.steps, trainee.compute)
            rounds.append((looped, bare, plain.rate(arguments.steps), busy))
            told({"loop": looped, "bare step": bare, "plain recipe": rounds[-1][2], "busy": busy})
    busy_shares = [busy for *_, busy in rounds if busy is not None]
    figures = {
        "batch": batch,
        "setting": setting,
        "images_per_second": round(statistics.median(looped for looped, *_ in rounds), 1),
        "of_bare_step": round(statistics.median(looped / bare for looped, bare, *_ in rounds), 3),
        "of_plain_recipe": round(statistics.median(looped / plain for looped, _, plain, _ in rounds), 3),
        "gpu_busy": round(statistics.median(busy_shares), 3) if busy_shares else None,
    }
    return told(figures)


def open_loader(config: TrainConfig, folder: Path, compute: Compute, images: int) -> Loader:
    reader = JpegReader(Folder(folder, folder, SUFFIXES, "the drawn pictures"))
    names = list(itertools.islice(itertools.cycle(reader.names()), images))
    workers, on_gpu = choose_workers(None, compute.device), compute.device.type == "cuda"
    return make_loader(make_table(names), reader, config, learn=True, workers=workers, pin_memory=on_gpu)


def loop_rate(trainee: Trainee, loader: Loader, epoch: int) -> float:
    trainee.progress = Progress(epoch)
    train_one_epoch(trainee, loader, epoch)
    return trainee.progress.images / trainee.progress.training_seconds


@contextlib.contextmanager
def busy_share() -> Iterator[list[float]]:
    """Collect the GPU's busy share, five times a second; nothing without nvidia-smi."""
    shares: list[float] = []
    if not torch.cuda.is_available():
        yield shares
        return
    command = ["nvidia-smi", "--query-gpu=utilization.gpu", "--format=csv,noheader,nounits", "-lms", "200"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    lines = process.stdout

    def collect() -> None:
        for line in lines:
            shares.append(int(line) / 100)

    threading.Thread(target=collect, daemon=True).start()
    try:
        yield shares
    finally:
        process.terminate()
        process.wait()


def table(report: dict[str, Any]) -> str:
    """Write the figures as Markdown."""
    lines = [
        f"{report['device']}, torch {report['torch']}, {report['backbone']} at {report['image_size']} px",
        "",
        "| `model=` | batch | setting | training images/s | inference images/s | peak MB |",
        "|---|---|---|---|---|---|",
    ]
    names = ("model", "batch", "setting", "train_images_per_second", "inference_images_per_second", "peak_megabytes")
    lines += ["| " + " | ".join(str(row[name]) for name in names) + " |" for row in report["models"]]
    lines += [
        "",
        "| batch | setting | loop images/s | of the bare step | of the plain recipe | GPU busy |",
        "|---|---|---|---|---|---|",
    ]
    lines += ["| " + " | ".join(str(row[name]) for name in LOOP) + " |" for row in report["loop"]]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
