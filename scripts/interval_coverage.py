"""Count how often the AUC's 95 % interval holds the true AUC, by how many patients have a melanoma, as JSON.

Test sets are drawn: 200 patients of 1 to 5 images, of which one is a melanoma in so many patients. Scores are normal,
with a part that the images of a patient share.

    python scripts/interval_coverage.py
    python scripts/interval_coverage.py --patients 5 10 --sets 1000
"""

import argparse
import json
import math

import numpy as np

from melanoma.evaluation.intervals import patient_bootstrap_auc
from melanoma.evaluation.metrics import Counts, Floats

PATIENTS = 200
SHIFT, SHARED = 1.5, 0.5
"""How much higher a melanoma's score is, and the part of a score's standard deviation of 1 that its patient gives."""


def main() -> None:
    arguments = parse_arguments()
    truth = 0.5 * (1 + math.erf(SHIFT / 2))  # P(N(SHIFT, 1) > N(0, 1))
    rows = [coverage(count, truth, arguments.sets, arguments.draws) for count in arguments.patients]
    print(json.dumps({"true_auc": round(truth, 4), "sets": arguments.sets, "coverage": rows}, indent=2))


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--patients", type=int, nargs="+", default=[2, 3, 5, 10, 30, 60], help="with a melanoma")
    parser.add_argument("--sets", type=int, default=400, help="drawn test sets for each of these")
    parser.add_argument("--draws", type=int, default=500, help="bootstrap_draws")
    return parser.parse_args()


def coverage(count: int, truth: float, sets: int, draws: int) -> dict[str, float | int | None]:
    """Give the share of the sets whose interval holds the truth, of those that have one."""
    ends = []
    for seed in range(sets):
        target, score, patient = draw(count, np.random.default_rng([count, seed]))
        ends.append(patient_bootstrap_auc(target, score, patient, draws, seed))
    known = [pair for pair in ends if pair is not None]
    held = sum(low <= truth <= high for low, high in known)
    return {
        "melanoma_patients": count,
        "holds_the_truth": round(held / len(known), 3) if known else None,
        "without_interval": sets - len(known),
    }


def draw(count: int, random: np.random.Generator) -> tuple[Counts, Floats, Counts]:
    """Draw targets (n,), scores (n,) and patients (n,)."""
    patient = np.repeat(np.arange(PATIENTS), random.integers(1, 6, PATIENTS))
    first = np.flatnonzero(np.diff(patient, prepend=-1))
    target = np.zeros(len(patient), dtype=np.int64)
    target[first[:count]] = 1
    shared = random.normal(0, SHARED, PATIENTS)[patient]
    own = random.normal(0, math.sqrt(1 - SHARED**2), len(patient))
    return target, SHIFT * target + shared + own, patient


if __name__ == "__main__":
    main()
