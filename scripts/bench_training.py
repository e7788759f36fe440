"""Compare the training loop with a bare forward, backward and optimiser step, in one process, as JSON.

The bare step takes its batches from tensors made beforehand; the loop reads, augments, moves and logs. Both train
the same network. Rounds alternate, so that a machine that slows down slows both; the ratio is the median over
rounds.

    python scripts/bench_training.py
    python scripts/bench_training.py --data ham10000 --root /data/ham10000 --backbone mobilenetv2_100 --steps 40
"""

import argparse
import json
import statistics
import time

import torch

from melanoma.compute import Compute, choose_compute, choose_workers
from melanoma.config import TrainConfig, compose, resolve
from melanoma.data.loader import Loader, make_loader
from melanoma.data.table import choose_splits, open_data
from melanoma.distributed import Ranks
from melanoma.models import build_model
from melanoma.training.loop import train_one_epoch
from melanoma.training.progress import Progress
from melanoma.training.trainee import Trainee, make_trainee


def main() -> None:
    arguments = parse_arguments()
    config = read_config(arguments)
    compute = choose_compute(config.device, config.training.precision, config.training.channels_last)
    table, reader = open_data(config.data, config.reader, None)
    table, split = choose_splits(table, config.data, config.split)
    rows = table[split == "train"].head(arguments.steps * config.training.batch_size)
    workers = choose_workers(config.training.workers, compute.device)
    loader = make_loader(
        rows,
        reader,
        config,
        learn=True,
        workers=workers,
        pin_memory=compute.device.type == "cuda",
    )
    trainee = build_trainee(config, compute, loader)
    ready = [compute.move(batch) for batch in loader.epoch(0)]
    bare_rate(trainee, ready[:3])  # warm-up
    rounds = [
        (loop_rate(trainee, loader, number), bare_rate(trainee, ready)) for number in range(1, arguments.rounds + 1)
    ]
    print(json.dumps(summary(arguments, config, compute, workers, rounds), indent=2))


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default="demo", help="a data config (default: demo, drawn if need be)")
    parser.add_argument("--root", help="its folder (default: the config's)")
    parser.add_argument("--backbone", default="tf_efficientnet_b4", help="any timm network, random weights")
    parser.add_argument("--size", type=int, default=128, help="image side in pixels")
    parser.add_argument("--batch", type=int, default=16, help="images a step")
    parser.add_argument("--steps", type=int, default=10, help="steps a round")
    parser.add_argument("--rounds", type=int, default=5, help="rounds of each")
    parser.add_argument("--workers", type=int, help="loader processes (default: the program's choice)")
    return parser.parse_args()


def read_config(arguments: argparse.Namespace) -> TrainConfig:
    overrides = [
        f"data={arguments.data}",
        f"model.backbone={arguments.backbone}",
        "model.pretrained=false",
        f"training.image_size={arguments.size}",
        f"training.batch_size={arguments.batch}",
        *([f"data.root={arguments.root}"] if arguments.root else []),
        *([f"training.workers={arguments.workers}"] if arguments.workers is not None else []),
    ]
    return resolve(compose("train", overrides), TrainConfig)


def build_trainee(config: TrainConfig, compute: Compute, loader: Loader) -> Trainee:
    torch.manual_seed(config.seed)
    model = compute.place(build_model(config.model, config.training.image_size))
    return make_trainee(model, config, 1.0, compute, Ranks(), len(loader))


def loop_rate(trainee: Trainee, loader: Loader, epoch: int) -> float:
    trainee.progress = Progress(epoch)
    train_one_epoch(trainee, loader, epoch)
    return trainee.progress.images / trainee.progress.training_seconds


def bare_rate(trainee: Trainee, batches: list[dict[str, torch.Tensor]]) -> float:
    model, compute = trainee.model.train(), trainee.compute
    started = time.perf_counter()
    for batch in batches:
        with compute.autocast():
            logits = model(batch["image"], batch["site"], batch["sex"], batch["age"])
            loss = trainee.loss(logits, batch["target"])
        trainee.optimizer.zero_grad(set_to_none=True)
        trainee.scaler.scale(loss).backward()
        trainee.scaler.step(trainee.optimizer)
        trainee.scaler.update()
    float(loss.detach())  # waits for the device
    return sum(len(batch["index"]) for batch in batches) / (time.perf_counter() - started)


def summary(
    arguments: argparse.Namespace,
    config: TrainConfig,
    compute: Compute,
    workers: int,
    rounds: list[tuple[float, float]],
) -> dict[str, object]:
    ratios = sorted(loop / bare for loop, bare in rounds)
    return {
        "backbone": arguments.backbone,
        "data": arguments.data,
        "image_size": config.training.image_size,
        "batch_size": config.training.batch_size,
        "workers": workers,
        "device": compute.device.type,
        "threads": torch.get_num_threads(),
        "loop_images_per_second": round(statistics.median(loop for loop, _ in rounds), 1),
        "bare_images_per_second": round(statistics.median(bare for _, bare in rounds), 1),
        "ratio": round(statistics.median(ratios), 3),
        "ratio_range": [round(ratios[0], 3), round(ratios[-1], 3)],
    }


if __name__ == "__main__":
    main()
