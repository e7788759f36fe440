"""The AUC over pairs of images of one stratum, for many weightings of the patients at once."""

from collections.abc import Callable

import numpy as np

from melanoma.evaluation.intervals import CHUNK_CELLS, patient_draws
from melanoma.evaluation.metrics import Counts, Floats
from melanoma.evaluation.weighted_roc import divide


def stratified_aucs(
    target: Counts,
    score: Floats,
    stratum: Counts,
    patient: Counts,
    patients: int,
    shown: Counts,
    draws: int,
    seed: int,
) -> Floats:
    """Return the AUC over all pairs within strata, then of each stratum `shown`: (1 + draws, 1 + shown).

    All arrays but `shown` are (n,); `stratum` and `patient` count from 0, and each stratum has both classes. There may
    be more `patients` than these images have, for the draws to be those of all. The first row is of the images as they
    are, the others are of the draws of `bootstrap_aucs`. The AUC over pairs within strata is the sum of wins over the
    sum of pairs, ties counted half. NaN where there is no pair.
    """
    wins_within = _wins(target, score, stratum, patient)
    chunks = [np.ones((1, patients), dtype=np.int64)]
    chunks.extend(patient_draws(patients, draws, seed, max(1, CHUNK_CELLS // len(target))))
    parts = []
    for weights in chunks:
        twice_wins, pairs = wins_within(weights)
        pooled = divide(twice_wins.sum(axis=1), 2 * pairs.sum(axis=1))
        parts.append(np.column_stack([pooled, divide(twice_wins[:, shown], 2 * pairs[:, shown])]))
    return np.concatenate(parts)


def _wins(target: Counts, score: Floats, stratum: Counts, patient: Counts) -> Callable[[Counts], tuple[Counts, Counts]]:
    """Sort once, and return a function from patient weights to twice the wins and the pairs, (weightings, strata)."""
    ranks = np.unique(score, return_inverse=True)[1]
    order = np.lexsort((ranks, stratum))
    keys = (stratum * (int(ranks.max()) + 1) + ranks)[order]
    positive, patient, stratum = target[order] == 1, patient[order], stratum[order]
    strata = np.arange(int(stratum.max()) + 1)
    first = np.searchsorted(stratum[positive], strata)
    start, end = (np.searchsorted(stratum[~positive], strata, side=side) for side in ("left", "right"))
    below, not_above = (np.searchsorted(keys[~positive], keys[positive], side=side) for side in ("left", "right"))
    own_start = start[stratum[positive]]

    def wins(weights: Counts) -> tuple[Counts, Counts]:
        benign = np.zeros((len(weights), int((~positive).sum()) + 1), dtype=np.int64)
        np.cumsum(np.take(weights, patient[~positive], axis=1), axis=1, out=benign[:, 1:])
        malignant = np.take(weights, patient[positive], axis=1)
        beaten = benign[:, below] + benign[:, not_above] - 2 * benign[:, own_start]
        twice_wins = np.add.reduceat(malignant * beaten, first, axis=1)
        pairs = np.add.reduceat(malignant, first, axis=1) * (benign[:, end] - benign[:, start])
        return twice_wins, pairs

    return wins
