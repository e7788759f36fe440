"""Compare the resizing of melanoma-prepare with the plain way, on one core and in one process, as JSON.

The plain way opens a JPEG with Pillow, converts it to RGB, resizes it with Lanczos and saves it; both ways give the
same size, quality and colour resolution. They take turns image by image, so that a machine that slows down slows
both; the ratio is the median over rounds. PSNR compares the two pictures, before and after the JPEG.

    python scripts/bench_prepare.py
    python scripts/bench_prepare.py --root /data/siim/jpeg/train --size 512
"""

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from melanoma.data.readers.folder import Folder
from melanoma.data.readers.jpeg import JpegReader
from melanoma.data.resize import read_resized, target_size
from melanoma.data.stores.jpeg import encode_jpeg

DRAWN = (6000, 4000)
Picture = NDArray[np.uint8]


def main() -> None:
    arguments = parse_arguments()
    cv2.setNumThreads(1)
    with tempfile.TemporaryDirectory() as folder:
        root = Path(arguments.root) if arguments.root else draw_images(Path(folder), arguments.images)
        reader = JpegReader(Folder(root, root, [".jpg", ".jpeg"], "--root"))
        names = reader.names()[:: arguments.every]
        found = measure(reader, root, names, arguments, Path(folder))
    print(json.dumps({"images": len(names), "size": arguments.size, "quality": arguments.quality, **found}, indent=2))


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", help=f"a folder of JPEGs (default: drawn ones of {DRAWN[0]} x {DRAWN[1]} pixels)")
    parser.add_argument("--every", type=int, default=1, help="take each n-th image of the folder")
    parser.add_argument("--images", type=int, default=4, help="how many to draw")
    parser.add_argument("--size", type=int, default=1024, help="short side in pixels; smaller images stay as they are")
    parser.add_argument("--quality", type=int, default=95, help="of the JPEGs")
    parser.add_argument("--rounds", type=int, default=5, help="rounds of each")
    return parser.parse_args()


def draw_images(folder: Path, count: int) -> Path:
    """Draw smooth skin with a lesion and the grain of a camera, some 2 MB each."""
    for number in range(count):
        rng = np.random.default_rng(number)
        picture = np.full((DRAWN[1], DRAWN[0], 3), (205, 160, 140), np.float32)
        for cells, strength in ((6, 12), (60, 8), (600, 6)):
            field = rng.normal(0, strength, (cells * 2 // 3, cells, 1)).astype(np.float32)
            picture += cv2.resize(field, DRAWN, interpolation=cv2.INTER_CUBIC)[:, :, None]
        cv2.ellipse(picture, (3000, 2000), (1100, 800), 20.0 * number, 0, 360, (110, 70, 60), -1, cv2.LINE_AA)
        picture += rng.normal(0, 2, picture.shape).astype(np.float32)
        Image.fromarray(np.clip(picture, 0, 255).astype(np.uint8)).save(folder / f"drawn{number}.jpg", quality=90)
    return folder


def measure(
    reader: JpegReader, root: Path, names: list[str], arguments: argparse.Namespace, folder: Path
) -> dict[str, object]:
    out = folder / "out"
    out.mkdir()
    size, quality = arguments.size, arguments.quality

    def plain(name: str) -> Picture:
        picture = plainly(root, name, size)
        picture.save(out / "plain.jpg", quality=quality, subsampling=0)
        return np.asarray(picture)

    def ours(name: str) -> Picture:
        picture, _ = read_resized(reader, name, size, "short_side")
        (out / "ours.jpg").write_bytes(encode_jpeg(picture, quality, name))
        return picture

    before, after = [], []
    for name in names:  # also the warm-up
        before.append(psnr(plain(name), ours(name)))
        after.append(psnr(*(np.asarray(Image.open(out / f"{way}.jpg")) for way in ("plain", "ours"))))
    rounds = [run_round(plain, ours, names) for _ in range(arguments.rounds)]
    ratios = sorted(theirs / own for theirs, own in rounds)
    return {
        "plain_images_per_second": round(statistics.median(len(names) / theirs for theirs, _ in rounds), 1),
        "images_per_second": round(statistics.median(len(names) / own for _, own in rounds), 1),
        "ratio": round(statistics.median(ratios), 2),
        "ratio_range": [round(ratios[0], 2), round(ratios[-1], 2)],
        "psnr_before_jpeg": {"mean": round(statistics.mean(before), 1), "min": round(min(before), 1)},
        "psnr_after_jpeg": {"mean": round(statistics.mean(after), 1), "min": round(min(after), 1)},
    }


def run_round(plain: Callable[[str], Picture], ours: Callable[[str], Picture], names: list[str]) -> tuple[float, float]:
    """Give the seconds that each way takes for all images."""
    spent = {plain: 0.0, ours: 0.0}
    for number, name in enumerate(names):
        for way in (plain, ours) if number % 2 else (ours, plain):
            started = time.perf_counter()
            way(name)
            spent[way] += time.perf_counter() - started
    return spent[plain], spent[ours]


def plainly(root: Path, name: str, size: int) -> Image.Image:
    path = next(path for path in (root / f"{name}.jpg", root / f"{name}.jpeg") if path.exists())
    with Image.open(path) as image:
        return image.convert("RGB").resize(target_size(*image.size, size, "short_side"), Image.Resampling.LANCZOS)


def psnr(one: Picture, other: Picture) -> float:
    """Give the peak signal-to-noise ratio in dB; 99 for equal pictures."""
    error = float(np.mean((one.astype(np.float32) - other.astype(np.float32)) ** 2))
    return 10 * float(np.log10(255**2 / error)) if error else 99.0


if __name__ == "__main__":
    main()
