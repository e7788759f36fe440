"""Measure how fast images are fingerprinted, and what the rule for near-duplicates finds, as JSON.

The speed is that of one thread, against bare decoding of the same images; rounds alternate, so that a machine that
slows down slows both, and the ratio is the median over rounds. With --rule, every image is changed in several ways
and compared with its original, and all images are compared with each other: what is alike there is a false alarm, or
a duplicate that nobody knew of, so look at the pairs; likewise by the digests that a checkpoint keeps.

    python scripts/bench_fingerprints.py
    python scripts/bench_fingerprints.py --root /data/jpegs --rule --groups /data/metadata.csv image_id lesion_id
"""

import argparse
import csv
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from melanoma.config import TrainConfig, compose, resolve
from melanoma.data.demo import draw
from melanoma.data.digests import find_picture, make_digests
from melanoma.data.fingerprints import Fingerprints, fingerprint_images
from melanoma.data.near_duplicates import find_near_duplicates
from melanoma.data.readers.folder import Folder
from melanoma.data.readers.jpeg import JpegReader

Image = NDArray[np.uint8]


def main() -> None:
    arguments = parse_arguments()
    cv2.setNumThreads(1)
    with tempfile.TemporaryDirectory() as scratch:
        root = arguments.root or draw_images(Path(scratch, "demo"), arguments.size, arguments.images)
        reader = JpegReader(Folder(root, root, [".jpg", ".jpeg", ".png"], "--root"))
        names = reader.names()[: arguments.images]
        result = {"images": len(names)} | speed(reader, names, arguments.rounds, Path(scratch, "cache"))
        if arguments.rule:
            groups = read_groups(*arguments.groups) if arguments.groups else {}
            result |= rule(reader, names, groups, Path(scratch))
    print(json.dumps(result, indent=2))


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", type=Path, help="a folder of JPEGs (default: pictures are drawn)")
    parser.add_argument("--size", type=int, default=200, help="side of drawn pictures in pixels")
    parser.add_argument("--images", type=int, default=200, help="most images to take")
    parser.add_argument("--rounds", type=int, default=5, help="rounds of each")
    parser.add_argument("--rule", action="store_true", help="count what the rule for near-duplicates finds")
    parser.add_argument("--groups", nargs=3, metavar=("CSV", "IMAGE", "GROUP"),
                        help="with --rule: a CSV and its columns; images of one group may be alike")  # fmt: skip
    return parser.parse_args()


def draw_images(root: Path, size: int, images: int) -> Path:
    overrides = ["experiment=demo", f"data.demo.image_size={size}", f"data.demo.patients={max(20, images // 4)}"]
    demo = resolve(compose("train", overrides), TrainConfig).data.demo
    assert demo is not None
    draw(root, demo)
    return root / "jpeg" / "train"


def speed(reader: JpegReader, names: list[str], rounds: int, cache: Path) -> dict[str, Any]:
    for name in names:
        reader.coded(name)  # so that no round waits for the disk
    works: dict[str, Callable[[], object]] = {
        "decode": lambda: [reader.read(name) for name in names],
        "fingerprint": lambda: fingerprint_images(reader, names, None, "", threads=1),
    }
    taken = {what: [0.0] * rounds for what in works}
    for number in range(rounds):
        for what, work in works.items():
            taken[what][number] = seconds(work)
    fingerprint_images(reader, names, cache, "")
    known = seconds(lambda: fingerprint_images(reader, names, cache, "", threads=1))
    ratios = [bare / own for bare, own in zip(taken["decode"], taken["fingerprint"], strict=True)]
    return {
        "decoded_per_second_per_core": round(len(names) / statistics.median(taken["decode"]), 1),
        "fingerprinted_per_second_per_core": round(len(names) / statistics.median(taken["fingerprint"]), 1),
        "ratio": round(statistics.median(ratios), 2),
        "ratio_range": [round(min(ratios), 2), round(max(ratios), 2)],
        "known_per_second_per_core": round(len(names) / known, 1),
    }


def seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def rule(reader: JpegReader, names: list[str], groups: dict[str, str], scratch: Path) -> dict[str, Any]:
    originals = fingerprint_images(reader, names, None, "")
    rows = np.arange(len(names))
    pairs = find_near_duplicates(originals, rows, rows)
    group = np.array([groups.get(name, name) for name in originals.image_names])
    strangers = [(one, other) for one, other, _ in pairs if one < other and group[one] != group[other]]
    of_one_group = sum(count * (count - 1) // 2 for count in np.unique(group, return_counts=True)[1])
    compared = int(len(names) * (len(names) - 1) // 2 - of_one_group)
    return {
        "found": {what: found(reader, originals, change, scratch / what) for what, change in changes().items()},
        "digests": digests(originals, group, scratch),
        "compared_pairs": compared,
        "alarms_per_million_pairs": round(1e6 * len(strangers) / compared, 4),
        "alarms": [[originals.image_names[one], originals.image_names[other]] for one, other in strangers[:20]],
    }


def digests(originals: Fingerprints, group: NDArray[Any], scratch: Path) -> dict[str, Any]:
    """Count the same of what a checkpoint keeps; its alarms are images whose nearest stranger is taken for them."""
    names = originals.image_names
    known = make_digests(originals, names)
    shares = {}
    for what in changes():
        copies = fingerprint_images(jpegs(scratch / what), names, None, "")
        shares[what] = round(float((find_picture(copies, known) >= 0).mean()), 4)
    alarms = []
    for row, name in enumerate(names):
        strangers = np.flatnonzero(group != group[row])
        one = Fingerprints([name], *(part[[row]] for part in (originals.digests, originals.hashes,
                                                             originals.thumbnails)), {})  # fmt: skip
        if (nearest := find_picture(one, known.of(strangers))[0]) >= 0:
            alarms.append([name, names[strangers[nearest]]])
    return {"found": shares, "alarms": alarms[:20], "images_with_alarm": len(alarms)}


def jpegs(folder: Path) -> JpegReader:
    return JpegReader(Folder(folder, folder, [".jpg"], ""))


def changes() -> dict[str, Callable[[Image], bytes]]:
    """Ways to make a near-duplicate, as JPEGs; cuts fall on a random edge."""
    random = np.random.default_rng(0)

    def cut(image: Image, share: float) -> Image:
        height, width = image.shape[:2]
        high, wide = round(height * (1 - share)), round(width * (1 - share))
        top, left = random.integers(0, height - high + 1), random.integers(0, width - wide + 1)
        return image[top : top + high, left : left + wide]

    def lit(image: Image, factor: float) -> Image:
        return np.clip(image * np.float32(factor), 0, 255).astype(np.uint8)

    def half(image: Image) -> Image:
        return np.asarray(cv2.resize(image, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA), np.uint8)

    return {
        "quality_95": lambda image: jpeg(image, 95),
        "quality_75": lambda image: jpeg(image, 75),
        "quality_50": lambda image: jpeg(image, 50),
        "half_size": lambda image: jpeg(half(image)),
        "square": lambda image: jpeg(cv2.resize(image, (128, 128), interpolation=cv2.INTER_AREA)),
        "mirrored": lambda image: jpeg(image[:, ::-1]),
        "quarter_turn": lambda image: jpeg(np.rot90(image)),
        "quarter_turn_mirrored": lambda image: jpeg(np.rot90(image)[::-1]),
        "brighter_10": lambda image: jpeg(lit(image, 1.1)),
        "darker_10": lambda image: jpeg(lit(image, 0.9)),
        "cut_2": lambda image: jpeg(cut(image, 0.02)),
        "cut_5": lambda image: jpeg(cut(image, 0.05)),
        "turned_cut_2_brighter_quality_60": lambda image: jpeg(lit(cut(np.rot90(image), 0.02), 1.1), 60),
    }


def jpeg(image: Any, quality: int = 90) -> bytes:
    return cv2.imencode(".jpg", image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])[1].tobytes()


def found(reader: JpegReader, originals: Fingerprints, change: Callable[[Image], bytes], folder: Path) -> float:
    """Give the share of images whose changed copy is found."""
    folder.mkdir()
    for name in originals.image_names:
        (folder / f"{name}.jpg").write_bytes(change(reader.read(name)))
    copies = fingerprint_images(jpegs(folder), originals.image_names, None, "")
    count = len(originals.image_names)
    both = Fingerprints(
        originals.image_names + copies.image_names,
        np.concatenate([originals.digests, copies.digests]),
        np.concatenate([originals.hashes, copies.hashes]),
        np.concatenate([originals.thumbnails, copies.thumbnails]),
        {},
    )
    hits = sum(len(find_near_duplicates(both, np.array([row]), np.array([count + row]))) for row in range(count))
    return round(hits / count, 4)


def read_groups(path: str, image: str, group: str) -> dict[str, str]:
    with Path(path).open(newline="") as file:
        return {row[image]: row[group] for row in csv.DictReader(file)}


if __name__ == "__main__":
    main()
