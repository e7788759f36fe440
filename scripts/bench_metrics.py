"""Measure how long the figures of a test set and their intervals take, as JSON.

Every interval is measured on one core: by bootstrap_metrics, and by what one would write without it, a loop over draws
that repeats rows and asks scikit-learn for three of the figures. The loop makes few draws and is scaled up. Rounds
alternate, so that a machine that slows down slows both. Probabilities are made; rows are drawn, or those of a CSV.

    OMP_NUM_THREADS=1 python scripts/bench_metrics.py
    OMP_NUM_THREADS=1 python scripts/bench_metrics.py --csv /data/train.csv
"""

import argparse
import json
import resource
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.metrics import average_precision_score, brier_score_loss, roc_auc_score

from melanoma.evaluation.bootstrap import bootstrap_metrics
from melanoma.evaluation.metrics import classification_metrics
from melanoma.evaluation.subgroups import measure_subgroups

ROWS, PATIENTS, PREVALENCE = 33_126, 2_056, 0.0176
THRESHOLD, MIN_TPR = 0.05, 0.8


def main() -> None:
    arguments = parse_arguments()
    table = make_predictions(arguments.csv)
    target, probability = table["target"].to_numpy(), table["probability"].to_numpy()
    patient = table["patient_id"].to_numpy()
    works: dict[str, Callable[[], object]] = {
        "figures": lambda: classification_metrics(target, probability, THRESHOLD, MIN_TPR),
        "intervals": lambda: bootstrap_metrics(target, probability, patient, THRESHOLD, arguments.draws, 0, MIN_TPR),
        "subgroups": lambda: measure_subgroups(table, THRESHOLD, arguments.draws, 0),
        "loop": lambda: loop(target, probability, patient, arguments.loop_draws),
    }
    taken: dict[str, list[float]] = {what: [] for what in works}
    for _ in range(arguments.rounds):
        for what, work in works.items():
            taken[what].append(seconds(work))
    medians = {what: statistics.median(values) for what, values in taken.items()}
    loop_seconds = medians.pop("loop") * arguments.draws / arguments.loop_draws
    result = {"rows": len(table), "patients": int(table["patient_id"].nunique()), "draws": arguments.draws}
    result |= {f"{what}_seconds": round(value, 3) for what, value in medians.items()}
    result |= {"scikit_learn_loop_of_3_figures_seconds": round(loop_seconds, 1)}
    result |= {"loop_over_intervals": round(loop_seconds / medians["intervals"], 1)}
    result |= {"peak_megabytes": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1)}
    print(json.dumps(result, indent=2))


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--csv", type=Path, help="rows with patient_id and target (default: they are drawn)")
    parser.add_argument("--draws", type=int, default=2_000, help="draws of patients")
    parser.add_argument("--loop-draws", type=int, default=10, help="draws of the loop, which is scaled up")
    parser.add_argument("--rounds", type=int, default=3, help="rounds of each")
    return parser.parse_args()


def make_predictions(csv: Path | None) -> pd.DataFrame:
    random = np.random.default_rng(0)
    table = pd.DataFrame(
        {
            "target": (random.random(ROWS) < PREVALENCE).astype(int),
            "patient_id": random.integers(PATIENTS, size=ROWS),
            "sex": random.choice(["female", "male"], ROWS),
            "age_approx": random.integers(4, 18, ROWS) * 5.0,
            "anatom_site_general_challenge": random.choice(["head/neck", "torso", "lower extremity"], ROWS),
        }
    )
    if csv is not None:
        table = pd.read_csv(csv, dtype={"patient_id": str})
    logit = random.normal(2 * table["target"] - 4, 1)
    return table.assign(probability=1 / (1 + np.exp(-logit)))


def loop(target: np.ndarray, probability: np.ndarray, patient: np.ndarray, draws: int) -> None:
    random = np.random.default_rng(0)
    names, codes = np.unique(patient, return_inverse=True)
    ends = np.cumsum(np.bincount(codes))[:-1]
    rows_of = np.split(np.argsort(codes, kind="stable"), ends)
    for _ in range(draws):
        rows = np.concatenate([rows_of[place] for place in random.integers(len(names), size=len(names))])
        for figure in (roc_auc_score, average_precision_score, brier_score_loss):
            figure(target[rows], probability[rows])


def seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
