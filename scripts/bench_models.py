"""Compare the variants' training steps with the standard variant's, in one process, as JSON.

A step is forward, loss, backward and optimiser step on a batch that is ready. In each round every variant takes its
steps, so that a machine that slows down slows all; a ratio is the median over rounds of the variant's time over the
standard variant's in the same round. Memory is what a step has alive at its peak: weights, optimiser state, and all
that forward and backward make. The goals are for the default network and size.

    python scripts/bench_models.py
    python scripts/bench_models.py --backbone mobilenetv2_100 --size 512 --batch 4 --rounds 7
"""

import argparse
import json
import statistics
import time
from typing import Any

import torch

from melanoma.compute import Compute, choose_compute
from melanoma.config import TrainConfig, compose, resolve
from melanoma.distributed import Ranks
from melanoma.memory import peak_megabytes
from melanoma.models import build_model
from melanoma.training.step import train_step
from melanoma.training.trainee import Trainee, make_trainee
from melanoma.vocabulary import SEXES, SITES

ROWS = {
    "standard": ["model=standard"],
    "multi_scale": ["model=multi_scale"],
    "multi_scale_separate": ["model=multi_scale", "model.shared_weights=false"],
    "site_specific": ["model=site_specific"],
    "self_attention": ["model=self_attention"],
    "cross_attention": ["model=cross_attention"],
}
GOALS = {"multi_scale": 1.30, "site_specific": 1.02, "self_attention": 1.10, "cross_attention": 1.10}
"""At most so many times the standard variant's step."""

Batch = dict[str, torch.Tensor]


def main() -> None:
    arguments = parse_arguments()
    configs = {row: read_config(arguments, overrides) for row, overrides in ROWS.items()}
    config = configs["standard"]
    compute = choose_compute(config.device, config.training.precision, config.training.channels_last)
    batch = make_batch(config, compute)
    trainees = {row: build_trainee(own, compute) for row, own in configs.items()}
    for trainee in trainees.values():
        seconds(trainee, batch, 2)  # warm-up
    peaks = {row: step_megabytes(trainee, batch) for row, trainee in trainees.items()}
    rounds = [
        {row: seconds(trainee, batch, arguments.steps) / arguments.steps for row, trainee in trainees.items()}
        for _ in range(arguments.rounds)
    ]
    rows = {row: figures(row, trainees, rounds, peaks) for row in ROWS}
    print(json.dumps(setting(arguments, config, compute) | {"variants": rows, "goals": goals(rows)}, indent=2))


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--backbone", default="tf_efficientnet_b4", help="any timm network, random weights")
    parser.add_argument("--size", type=int, default=1024, help="image side in pixels")
    parser.add_argument("--batch", type=int, default=8 if torch.cuda.is_available() else 2, help="images a step")
    parser.add_argument("--rounds", type=int, default=5, help="rounds over all variants")
    parser.add_argument("--steps", type=int, default=2, help="steps of each variant a round")
    parser.add_argument("--precision", default="auto", choices=("auto", "fp32", "bf16", "fp16"),
                        help="training.precision")  # fmt: skip
    parser.add_argument("--channels-last", action=argparse.BooleanOptionalAction, default=True,
                        help="training.channels_last")  # fmt: skip
    return parser.parse_args()


def read_config(arguments: argparse.Namespace, variant: list[str]) -> TrainConfig:
    overrides = [
        *variant,
        f"model.backbone={arguments.backbone}",
        "model.pretrained=false",
        f"training.image_size={arguments.size}",
        f"training.batch_size={arguments.batch}",
        f"training.precision={arguments.precision}",
        f"training.channels_last={arguments.channels_last}",
    ]
    return resolve(compose("train", overrides), TrainConfig)


def make_batch(config: TrainConfig, compute: Compute) -> Batch:
    """Draw one, with the image laid out as the loader does it: channels last."""
    random = torch.Generator().manual_seed(config.seed)
    count, side = config.training.batch_size, config.training.image_size
    image = torch.randint(0, 256, (count, side, side, 3), dtype=torch.uint8, generator=random)
    return compute.move(
        {
            "image": image.permute(0, 3, 1, 2),
            "site": torch.randint(0, len(SITES) + 1, (count,), generator=random),
            "sex": torch.randint(0, len(SEXES) + 1, (count,), generator=random),
            "age": torch.rand(count, generator=random) * 90,
            "target": torch.arange(count).remainder(2).float(),
            "index": torch.arange(count),
        }
    )


def build_trainee(config: TrainConfig, compute: Compute) -> Trainee:
    torch.manual_seed(config.seed)
    model = compute.place(build_model(config.model, config.training.image_size)).train()
    return make_trainee(model, config, 1.0, compute, Ranks(), 1)


def seconds(trainee: Trainee, batch: Batch, steps: int) -> float:
    started = time.perf_counter()
    for _ in range(steps):
        train_step(trainee, [batch])
    if trainee.compute.device.type == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter() - started


def step_megabytes(trainee: Trainee, batch: Batch) -> float | None:
    """Give the peak of a step, with the weights and the optimiser's state."""
    trainee.optimizer.zero_grad(set_to_none=True)  # else the last step's gradients count beside this one's
    states = [entry for state in trainee.optimizer.state.values() for entry in state.values()]
    before = size_of([*trainee.model.parameters(), *trainee.model.buffers(), *states])
    added = peak_megabytes(lambda: train_step(trainee, [batch]), trainee.compute.device)
    return None if added is None else before + added


def size_of(tensors: list[torch.Tensor]) -> float:
    return sum(tensor.nbytes for tensor in tensors) / 1e6


def figures(
    row: str,
    trainees: dict[str, Trainee],
    rounds: list[dict[str, float]],
    peaks: dict[str, float | None],
) -> dict[str, Any]:
    ratios = [taken[row] / taken["standard"] for taken in rounds]
    peak, standard, model = peaks[row], peaks["standard"], trainees[row].model
    return {
        "step_ms": round(1000 * statistics.median(taken[row] for taken in rounds), 1),
        "step_ratio": round(statistics.median(ratios), 3),
        "step_ratio_range": [round(min(ratios), 3), round(max(ratios), 3)],
        "peak_megabytes": peak and round(peak, 1),
        "peak_ratio": peak and standard and round(peak / standard, 3),
        "parameters": sum(parameter.numel() for parameter in model.parameters()),
        "model_megabytes": round(size_of([*model.parameters(), *model.buffers()]), 1),
    }


def setting(arguments: argparse.Namespace, config: TrainConfig, compute: Compute) -> dict[str, Any]:
    return {
        "backbone": arguments.backbone,
        "image_size": config.training.image_size,
        "batch_size": config.training.batch_size,
        "rounds": arguments.rounds,
        "steps": arguments.steps,
        "device": torch.cuda.get_device_name() if compute.device.type == "cuda" else "cpu",
        "threads": torch.get_num_threads(),
        "precision": str(compute.dtype).removeprefix("torch."),
        "channels_last": compute.channels_last,
    }


def goals(rows: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {
        row: {"at_most": limit, "step_ratio": rows[row]["step_ratio"], "met": rows[row]["step_ratio"] <= limit}
        for row, limit in GOALS.items()
    }


if __name__ == "__main__":
    main()
