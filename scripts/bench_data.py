"""Compare the loader with the common recipe for reading and augmenting pictures, on the same JPEG files, as JSON.

The common recipe decodes with Pillow, augments and normalises to float32 with albumentations, and stacks with
PyTorch's default_collate. Both make the same kinds of change from the same config. Rounds alternate, so that a machine
that slows down slows both; the ratio is the median over rounds. Everything runs on one core a process.

    python scripts/bench_data.py
    python scripts/bench_data.py --root /data/ham10000/images --images 64 --workers 2
"""

import argparse
import json
import statistics
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pandas as pd
import torch
from PIL import Image
from torch.utils.data import DataLoader, Dataset

from melanoma.config import AugmentConfig, TrainConfig, compose, resolve
from melanoma.data.augment import A, Augmentation
from melanoma.data.dataset import collate
from melanoma.data.loader import Loader, make_loader
from melanoma.data.readers.folder import Folder
from melanoma.data.readers.jpeg import JpegReader
from melanoma.data.transforms import fit_square

SUFFIXES = [".jpg", ".jpeg"]


class CommonRecipe(Dataset[tuple[torch.Tensor, int]]):
    """What most training scripts for such pictures do."""

    def __init__(self, paths: list[Path], size: int, augment: AugmentConfig) -> None:
        self._paths = paths
        self._change = A.Compose(
            [
                A.Resize(size, size),
                A.D4(p=1.0),
                A.Affine(
                    rotate=(-augment.rotate_degrees, augment.rotate_degrees),
                    scale=(1 - augment.scale, 1 + augment.scale),
                    border_mode=cv2.BORDER_REFLECT_101,
                    p=augment.probability,
                ),
                A.ColorJitter(
                    brightness=augment.brightness,
                    contrast=augment.contrast,
                    saturation=augment.saturation,
                    hue=augment.hue,
                    p=augment.probability,
                ),
                A.Normalize(),
            ]
        )

    def __len__(self) -> int:
        return len(self._paths)

    def __getitem__(self, row: int) -> tuple[torch.Tensor, int]:
        image = np.array(Image.open(self._paths[row]).convert("RGB"))
        return torch.from_numpy(self._change(image=image)["image"].transpose(2, 0, 1)), row % 2


def main() -> None:
    arguments = parse_arguments()
    cv2.setNumThreads(0)
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as temporary:
        root = Path(arguments.root or temporary)
        if not arguments.root:
            draw_pictures(root, arguments.images, arguments.size)
        print(json.dumps(compare(arguments, root), indent=2))


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", help="a folder of JPEGs (default: drawn ones of --size, in a temporary folder)")
    parser.add_argument("--images", type=int, default=24, help="how many, evenly chosen from --root")
    parser.add_argument("--size", type=int, default=1024, help="image side in pixels")
    parser.add_argument("--batch", type=int, default=8, help="images a batch")
    parser.add_argument("--rounds", type=int, default=7, help="rounds of each")
    parser.add_argument("--workers", type=int, default=0, help="loader processes of each (default: this one)")
    return parser.parse_args()


def draw_pictures(folder: Path, count: int, size: int) -> None:
    """Write smooth colours with fine texture, as JPEGs of quality 95 with halved colour (4:2:0)."""
    random = np.random.default_rng(0)
    for number in range(count):
        smooth = cv2.resize(random.normal(170, 25, (12, 12, 3)), (size, size), interpolation=cv2.INTER_CUBIC)
        texture = cv2.GaussianBlur(random.normal(0, 40, (size, size, 3)), (0, 0), 2)
        picture = smooth + texture + random.normal(0, 6, (size, size, 1))
        image = Image.fromarray(np.clip(picture, 0, 255).astype(np.uint8))
        image.save(folder / f"drawn{number:03d}.jpg", quality=95, subsampling="4:2:0")


def compare(arguments: argparse.Namespace, root: Path) -> dict[str, object]:
    reader = JpegReader(Folder(root, root, SUFFIXES, "--root"))
    names = evenly(reader.names(), arguments.images)
    overrides = [f"training.image_size={arguments.size}", f"training.batch_size={arguments.batch}"]
    config = resolve(compose("train", overrides), TrainConfig)
    ours = make_loader(make_table(names), reader, config, learn=True, workers=arguments.workers, pin_memory=False)
    files = {path.stem: path for path in sorted(root.iterdir()) if path.suffix.lower() in SUFFIXES}
    common = DataLoader(
        CommonRecipe([files[name] for name in names], arguments.size, config.augment),
        arguments.batch,
        shuffle=True,
        num_workers=arguments.workers,
        drop_last=len(names) >= arguments.batch,
        persistent_workers=arguments.workers > 0,
    )
    run_round(ours, common, 0)  # warm-up
    rounds = [run_round(ours, common, number) for number in range(1, arguments.rounds + 1)]
    return summary(arguments, len(names), rounds) | {"ours_ms": stages(names, reader, config)}


def evenly(names: list[str], count: int) -> list[str]:
    return [names[place] for place in np.linspace(0, len(names) - 1, min(count, len(names))).astype(int)]


def make_table(names: list[str]) -> pd.DataFrame:
    words = {"image_name": names, "sex": "male", "anatom_site_general_challenge": "torso"}
    table = pd.DataFrame(words, dtype="str").assign(age_approx=50.0, target=0)
    return table.astype({"target": "Int64"})


def run_round(ours: Loader, common: "DataLoader[tuple[torch.Tensor, int]]", number: int) -> tuple[float, float]:
    return rate(batch["image"] for batch in ours.epoch(number)), rate(images for images, _ in common)


def rate(batches: Iterable[torch.Tensor]) -> float:
    """Give images a second."""
    started = time.perf_counter()
    images = sum(len(batch) for batch in batches)
    return images / (time.perf_counter() - started)


def summary(arguments: argparse.Namespace, images: int, rounds: list[tuple[float, float]]) -> dict[str, object]:
    ratios = sorted(ours / common for ours, common in rounds)
    processes = max(arguments.workers, 1)
    return {
        "images": images,
        "drawn": arguments.root is None,
        "image_size": arguments.size,
        "batch_size": arguments.batch,
        "workers": arguments.workers,
        "ours_images_per_second_per_core": round(statistics.median(ours for ours, _ in rounds) / processes, 1),
        "common_images_per_second_per_core": round(statistics.median(common for _, common in rounds) / processes, 1),
        "ratio": round(statistics.median(ratios), 3),
        "ratio_range": [round(ratios[0], 3), round(ratios[-1], 3)],
    }


def stages(names: list[str], reader: JpegReader, config: TrainConfig) -> dict[str, float]:
    """Give the mean milliseconds an image in each stage of ours."""
    size, fit = config.training.image_size, config.training.fit
    augment = Augmentation(config.augment)
    spent: dict[str, list[float]] = defaultdict(list)
    samples = []
    for number, name in enumerate(names):
        decoded = timed(spent["decode"], lambda name=name: reader.read(name, least=size))
        square = timed(spent["fit"], lambda image=decoded: fit_square(image, size, fit))
        changed = timed(spent["augment"], lambda image=square, seed=number: augment(image, seed))
        samples.append({"image": changed, "site": 0, "sex": 0, "age": 0.0, "target": 0.0, "index": number})
    for start in range(0, len(samples), config.training.batch_size):
        batch = samples[start : start + config.training.batch_size]
        timed(spent["collate"], lambda batch=batch: collate(batch))
    return {name: round(sum(times) / len(names) * 1000, 2) for name, times in spent.items()}


def timed(times: list[float], call: Callable[[], Any]) -> Any:
    started = time.perf_counter()
    result = call()
    times.append(time.perf_counter() - started)
    return result


if __name__ == "__main__":
    main()
