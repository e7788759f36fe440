"""What the other images of a patient add: scores of whole patients, and the lesion that is unlike its neighbours.

All of this uses other images of the test patient, which a model that is asked about a single picture does not have. So
it stands beside the figures of single images, and never in their place.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from melanoma.evaluation.intervals import patient_bootstrap_auc
from melanoma.evaluation.metrics import Floats, roc_auc

TOP = 3
"""Images of a patient that the mean of the highest takes."""
FEWEST = 3
"""Images that a patient needs for one of them to be unlike the others."""


@dataclass(frozen=True)
class ContextScore:
    """How well one score ranks images, lesions or patients."""

    of: str
    """image, lesion or patient."""
    score: str
    uses_other_images: bool
    """Of the same test patient."""
    n: int
    positives: int
    auc: float | None
    auc_ci_low: float | None
    auc_ci_high: float | None


def measure_patients(predictions: pd.DataFrame, draws: int, seed: int) -> list[ContextScore]:
    """Rank images, lesions and patients with and without what the patient's other images say.

    `predictions` has target, logit, probability and patient_id; lesions are ranked where it has lesion_id. A lesion, or
    a patient, is malignant if any image is. Empty where no patient has several images. Intervals resample patients.
    """
    if not predictions["patient_id"].duplicated().any():
        return []
    table = predictions.assign(context=ugly_duckling(predictions), place=-rank_in_patient(predictions))
    scores = [
        _judge(table, "image", "its own", "logit", draws, seed),
        _judge(table, "image", "with the ugly duckling", "context", draws, seed, uses=True),
        _judge(table, "image", "its place within the patient alone", "place", draws, seed, uses=True),
    ]
    if "lesion_id" in table and table["lesion_id"].notna().any():
        lesions = _highest(table[table["lesion_id"].notna()], ["patient_id", "lesion_id"])
        scores += [
            _judge(lesions, "lesion", "highest of its images", "logit", draws, seed),
            _judge(lesions, "lesion", "with the ugly duckling", "context", draws, seed, uses=True),
        ]
    patients = _by_patient(table)
    return scores + [_judge(patients, "patient", name, name, draws, seed, uses=True) for name in PATIENT_SCORES]


def ugly_duckling(predictions: pd.DataFrame) -> Floats:
    """Add to each image's logit its distance from the patient's other images, in their standard deviations, (n,).

    A lesion that is unlike the patient's others is the suspicious one (Grob and Bonerandi 1998, Arch. Dermatol.
    134:103). The logit itself for a patient with fewer than `FEWEST` images, or with images that all score the same.
    """
    groups = predictions.groupby("patient_id")["logit"]
    spread, count = groups.transform("std"), groups.transform("size")
    distance = (predictions["logit"] - groups.transform("mean")) / spread.where((count >= FEWEST) & (spread > 0))
    return np.asarray(predictions["logit"] + distance.fillna(0), dtype=np.float64)


def rank_in_patient(predictions: pd.DataFrame) -> "pd.Series[int]":
    """Give each image's place among its patient's by logit, 1 for the highest; equals share the best place."""
    return predictions.groupby("patient_id")["logit"].rank(ascending=False, method="min").astype(int)


def noisy_or(probability: Floats) -> float:
    """Give the chance that one image at least is malignant, if each probability is right and alone."""
    return float(1 - np.prod(1 - probability))


def mean_of_top(probability: Floats, k: int = TOP) -> float:
    """Average the k highest probabilities, or all of fewer."""
    return float(np.sort(probability)[-k:].mean())


PATIENT_SCORES: dict[str, Callable[[Floats], float]] = {
    "highest": lambda probability: float(probability.max()),
    "noisy or": noisy_or,
    f"mean of the {TOP} highest": mean_of_top,
}
"""By name, from the probabilities of a patient's images; of a single image, each is its probability."""


def _highest(table: pd.DataFrame, by: list[str]) -> pd.DataFrame:
    return table.groupby(by, as_index=False)[["target", "logit", "context"]].max()


def _by_patient(table: pd.DataFrame) -> pd.DataFrame:
    groups = [
        (name, rows["target"].max(), rows["probability"].to_numpy()) for name, rows in table.groupby("patient_id")
    ]
    return pd.DataFrame(
        [
            {"patient_id": name, "target": target} | {score: of(own) for score, of in PATIENT_SCORES.items()}
            for name, target, own in groups
        ]
    )


def _judge(
    table: pd.DataFrame, of: str, name: str, column: str, draws: int, seed: int, uses: bool = False
) -> ContextScore:
    target, score = table["target"].to_numpy(dtype=np.int64), table[column].to_numpy(dtype=np.float64)
    interval = patient_bootstrap_auc(target, score, table["patient_id"].to_numpy(), draws, seed)
    low, high = interval or (None, None)
    return ContextScore(of, name, uses, len(target), int(target.sum()), roc_auc(target, score), low, high)
