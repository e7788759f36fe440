"""Whether the malignant images are among those that a doctor with little time would look at."""

import numpy as np
import numpy.typing as npt

from melanoma.evaluation.metrics import Counts, Floats, check_scores

TOP_K = 15


def top_k_sensitivity(
    target: npt.ArrayLike, probability: npt.ArrayLike, patient: npt.ArrayLike, k: int = TOP_K
) -> float | None:
    """Return the share of malignant images that are among their patient's k highest; None without a malignant one.

    `target` (n,) holds 0 and 1, `probability` (n,) any finite numbers, `patient` (n,) names. This is the sensitivity
    of the ISIC 2024 challenge's secondary prize, k = 15: malignant images found, over all of them, patients with none
    playing no part (ISIC-Research/Challenge-2024-Metrics, SecondaryMetric-TopNSensitivity.py). Images that tie for the
    last places count with the share of them that has a place, where the challenge takes those that come first in
    the file. The prize's own ranking averages the share found over patients, which weighs malignant images unequally.
    Raises ValueError as `check_scores` does, and for k below 1.
    """
    labels, scores = check_scores(target, probability)
    codes = np.unique(np.asarray(patient), return_inverse=True)[1]
    if codes.shape != labels.shape:
        raise ValueError(f"patient has shape {codes.shape}; expected {labels.shape}")
    return float(found_in_top(labels, scores, codes, k).sum() / labels.sum()) if labels.any() else None


def found_in_top(target: Counts, score: Floats, patient: Counts, k: int = TOP_K) -> Floats:
    """Return how many malignant images of each patient are among the k highest, ties shared; (patients,).

    All are (n,); `patient` holds 0 to patients - 1. The order of rows does not change a bit.
    """
    if k < 1:
        raise ValueError(f"k={k}; expected at least 1")
    order = np.lexsort((-score, patient))
    labels, scores, patients = target[order], score[order], patient[order]
    new_patient = np.diff(patients, prepend=-1) != 0
    tie = np.cumsum(new_patient | (np.diff(scores, prepend=np.inf) != 0)) - 1
    size, malignant = np.bincount(tie), np.bincount(tie, weights=labels)
    first = np.concatenate([[0], np.cumsum(size)[:-1]]).astype(np.int64)
    of_patient = patients[first]
    before = first - np.flatnonzero(new_patient)[of_patient]
    share = np.clip(k - before, 0, size) / size
    return np.bincount(of_patient, weights=malignant * share).astype(np.float64)
