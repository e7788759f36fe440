"""Train the variants on drawn pictures with planted effects, and say of each whether it uses what it claims to use.

    site      a veil whose meaning flips between body sites: site_specific and cross_attention must beat standard
    shuffled  the same pictures with their sites dealt out anew: that lead must be gone
    texture   a checkerboard of single pixels: full resolution and both scales must beat half the resolution
    none      nothing planted: no variant may be worse than standard
    map       the checkerboard again: self_attention must look at the lesion, which alone bears it

A difference is that of the AUC on held-out patients, the mean over seeds, and its interval resamples the patients.
Writes DIR/proof.json, proof.md and proof.png; runs that are finished there are not trained again. Exit code 1 says
that a claim does not hold.

    python scripts/prove_variants.py
    python scripts/prove_variants.py --out /tmp/proof --only texture --seeds 1 --patients 200
"""

import argparse
import json
import logging
import sys
from concurrent.futures import ProcessPoolExecutor
from contextlib import redirect_stdout
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pandas as pd
import torch
from tqdm import tqdm

from melanoma.config import EvalConfig, TrainConfig, compose, resolve
from melanoma.cores import cores
from melanoma.data.demo import draw, lesion_mask
from melanoma.data.readers import Reader
from melanoma.evaluation.scoring import open_checkpoint, score
from melanoma.training.run import train
from proof_report import Result, judge, write

COMMON = (
    "experiment=demo device=cpu data.leaks=ids training.workers=0 data.demo.image_size=64 training.image_size=64 "
    "split.test_fraction=0.3 split.val_fraction=0.15 "
    # Turning by single degrees would wipe out single pixels.
    "augment.rotate_degrees=0 augment.scale=0"
)
ARMS = {
    "standard": "model=standard",
    "standard with metadata": "model=standard model.metadata=[sex,age,site]",
    "half resolution": "model=multi_scale model.scales=half",
    "full resolution": "model=multi_scale model.scales=full",
    "multi_scale": "model=multi_scale",
    "site_specific": "model=site_specific",
    "self_attention": "model=self_attention model.width=64",
    "cross_attention": "model=cross_attention model.width=64",
    "self_attention on a finer map": "model=self_attention model.width=64 model.output_stride=8",
}
EXPERIMENTS = {
    "site": ["standard", "standard with metadata", "site_specific", "cross_attention"],
    "shuffled": ["standard", "site_specific", "cross_attention"],
    "texture": ["half resolution", "full resolution", "multi_scale"],
    "none": ["standard", "multi_scale", "site_specific", "self_attention", "cross_attention"],
    "map": ["self_attention on a finer map"],
}
DATA = {"shuffled": "site", "map": "texture"}
"""Experiments on another one's pictures."""
PLANTED = {
    "site": "data.demo.site_effect=true",
    "shuffled": "data.demo.site_effect=true data.csv=shuffled.csv",
    "texture": "data.demo.texture_effect=true",
    "map": "data.demo.texture_effect=true",
}


def main() -> int:
    arguments = parse_arguments()
    arguments.out.mkdir(parents=True, exist_ok=True)
    for experiment in arguments.only:
        draw_data(arguments, experiment)
    jobs = [
        (experiment, arm, seed)
        for seed in range(arguments.seeds)
        for experiment in arguments.only
        for arm in EXPERIMENTS[experiment]
    ]
    with ProcessPoolExecutor(arguments.jobs, mp_context=get_context("spawn"), initializer=one_thread) as pool:
        done = pool.map(run, [arguments] * len(jobs), jobs)
        results = dict(zip(jobs, tqdm(done, total=len(jobs), unit=" runs", disable=None), strict=True))
    report = judge(results)
    write(report, arguments.out)
    print(json.dumps(report, indent=2))
    return 0 if all(claim["holds"] for claim in report["claims"]) else 1


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("outputs/proof"), help="folder of data, runs and report")
    parser.add_argument("--only", nargs="+", choices=EXPERIMENTS, default=list(EXPERIMENTS), help="experiments")
    parser.add_argument("--seeds", type=int, default=3, help="runs of each model")
    parser.add_argument("--patients", type=int, default=500, help="drawn patients, five images each")
    parser.add_argument("--epochs", type=int, default=16)
    parser.add_argument("--jobs", type=int, default=cores(), help="runs at a time, one core each")
    return parser.parse_args()


def one_thread() -> None:
    # Runs side by side that each take all cores would wait for each other.
    torch.set_num_threads(1)
    logging.disable(logging.WARNING)


def overrides(arguments: argparse.Namespace, experiment: str) -> list[str]:
    return [
        *COMMON.split(),
        *PLANTED.get(experiment, "").split(),
        f"data.root={arguments.out / 'data' / DATA.get(experiment, experiment)}",
        f"data.demo.patients={arguments.patients}",
        f"training.epochs={arguments.epochs}",
        f"training.early_stopping_patience={arguments.epochs}",
        f"cache={arguments.out / 'cache'}",
    ]


def draw_data(arguments: argparse.Namespace, experiment: str) -> None:
    data = resolve(compose("train", overrides(arguments, experiment)), TrainConfig).data
    assert data.demo is not None
    root = Path(data.root)
    draw(root, data.demo)
    table = pd.read_csv(root / "train.csv", dtype="str", keep_default_na=False)
    site = "anatom_site_general_challenge"
    table[site] = np.random.default_rng(0).permutation(table[site])
    table.to_csv(root / "shuffled.csv", index=False)


def run(arguments: argparse.Namespace, job: tuple[str, str, int]) -> Result:
    """Train one model, and score it on the patients that it has not seen."""
    experiment, arm, seed = job
    folder = arguments.out / "runs" / f"{experiment}_{arm.replace(' ', '_')}_{seed}"
    file = folder / "test.csv"
    if not file.is_file():
        words = [*overrides(arguments, experiment), *ARMS[arm].split(), f"seed={seed}"]
        with redirect_stdout(sys.stderr):
            train(resolve(compose("train", words), TrainConfig), folder)
        config = resolve(
            compose("eval", [f"checkpoint={folder / 'checkpoints' / 'best.pt'}", "device=cpu"]), EvalConfig
        )
        opened = open_checkpoint(config)
        scored = score(opened, config)
        table = scored.predictions
        if experiment == "map":
            table["on_lesion"] = shares_on_lesion(
                scored.model, opened.reader, Path(opened.own.data.root), table["image_name"]
            )
        table.to_csv(file, index=False)
    return pd.read_csv(file, dtype={"image_name": "str", "patient_id": "str"})


def shares_on_lesion(model: Any, reader: Reader, root: Path, names: pd.Series) -> list[float]:
    """Give for each image the map's mass on the lesion, over that of an even map."""
    truth = pd.read_csv(root / "truth.csv", dtype={"image_name": "str"}).set_index("image_name")
    shares = []
    for name in names:
        image = torch.from_numpy(reader.read(name)).permute(2, 0, 1)[None]
        with torch.inference_mode():
            weights = model.attention_map(image)[0].numpy()
        lesion = lesion_mask(truth.loc[name].to_dict(), 8 * len(weights)).astype(np.float32)
        covered = cv2.resize(lesion, weights.shape, interpolation=cv2.INTER_AREA)
        shares.append(float((weights * covered).sum() / covered.mean()))
    return shares


if __name__ == "__main__":
    sys.exit(main())
