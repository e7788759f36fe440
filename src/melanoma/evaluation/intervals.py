"""How far the AUC may be off, given that patients and not images were sampled."""

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import numpy.typing as npt

from melanoma.evaluation.metrics import Counts, Floats, check_scores, has_both_classes

# Rows times draws held at once: a few MB, which fit the processor's cache and make small chunks the quickest.
CHUNK_CELLS = 200_000


def patient_bootstrap_auc(
    target: npt.ArrayLike,
    score: npt.ArrayLike,
    patient: npt.ArrayLike,
    draws: int,
    seed: int,
    level: float = 0.95,
) -> tuple[float, float] | None:
    """Return the percentile interval of the AUC when whole patients are drawn with replacement.

    Takes what `bootstrap_aucs` takes. None with one class, one patient, or fewer than half of the draws defined.
    """
    auc = bootstrap_aucs(target, [score], patient, draws, seed)
    return None if auc is None else percentile_interval(auc[0], level)


def bootstrap_aucs(
    target: npt.ArrayLike, scores: Sequence[npt.ArrayLike], patient: npt.ArrayLike, draws: int, seed: int
) -> Floats | None:
    """Return the AUCs (k, draws) of k scores, all on the same draws of whole patients with replacement.

    Images of one patient share skin, camera and often diagnosis, so drawing single images would pretend to
    more evidence than there is (cluster bootstrap: Field and Welsh 2007, J. R. Stat. Soc. B 69:369).
    `target`, each score and `patient` are (n,); the order of rows does not matter. NaN in draws with one class.
    None with one class or one patient.
    """
    checked = [check_scores(target, score) for score in scores]
    labels = checked[0][0]
    if draws < 1:
        raise ValueError(f"draws={draws}; expected at least 1")
    names, codes = np.unique(np.asarray(patient), return_inverse=True)
    if codes.shape != labels.shape:
        raise ValueError(f"patient has shape {codes.shape}; expected {labels.shape}")
    if len(names) < 2 or not has_both_classes(labels):
        return None
    weighted_aucs = [_weighted_auc(labels, score, codes) for _, score in checked]
    per_chunk = max(1, CHUNK_CELLS // len(labels))
    chunks = _patient_draws(len(names), draws, seed, per_chunk)
    return np.concatenate([[weighted_auc(times) for weighted_auc in weighted_aucs] for times in chunks], axis=1)


def percentile_interval(draws: Floats, level: float = 0.95) -> tuple[float, float] | None:
    """Return the central `level` of the draws that are not NaN; None when those are fewer than half."""
    if not 0 < level < 1:
        raise ValueError(f"level={level}; expected 0 < level < 1")
    defined = draws[~np.isnan(draws)]
    if 2 * len(defined) < len(draws):
        return None
    low, high = np.quantile(defined, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def _patient_draws(patients: int, draws: int, seed: int, per_chunk: int) -> Iterator[Counts]:
    """Yield how often each patient is drawn, (chunk, patients); the chunk size does not change the draws."""
    rng = np.random.default_rng(seed)
    for start in range(0, draws, per_chunk):
        chunk = min(per_chunk, draws - start)
        drawn = rng.integers(patients, size=(chunk, patients))
        drawn += patients * np.arange(chunk)[:, None]
        yield np.bincount(drawn.ravel(), minlength=chunk * patients).reshape(chunk, patients)


def _weighted_auc(target: Counts, score: Floats, patient: Counts) -> Callable[[Counts], Floats]:
    """Sort once, and return a function from patient weights (chunk, patients) to AUCs (chunk,).

    AUC is the share of positive-negative pairs in the right order, ties counted half (Mann-Whitney). Whole
    weights make every sum exact, so the result does not depend on the order of rows. NaN with one class.
    """
    negative_scores = score[target == 0]
    order = np.argsort(negative_scores)
    negatives, positives = patient[target == 0][order], patient[target == 1]
    below = np.searchsorted(negative_scores[order], score[target == 1], side="left")
    not_above = np.searchsorted(negative_scores[order], score[target == 1], side="right")

    def auc(weights: Counts) -> Floats:
        cumulative = np.zeros((len(weights), len(negatives) + 1), dtype=np.int64)
        np.cumsum(np.take(weights, negatives, axis=1), axis=1, out=cumulative[:, 1:])
        positive = np.take(weights, positives, axis=1)
        beaten = np.take(cumulative, below, axis=1) + np.take(cumulative, not_above, axis=1)
        twice_pairs = 2 * positive.sum(axis=1) * cumulative[:, -1]
        twice_wins = (positive * beaten).sum(axis=1).astype(np.float64)
        defined = twice_pairs > 0
        return np.where(defined, twice_wins / np.where(defined, twice_pairs, 1), np.nan)

    return auc
