"""How far the AUC may be off, given that patients and not images were sampled."""

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from melanoma.evaluation.metrics import Counts, Floats, check_scores, has_both_classes
from melanoma.evaluation.weighted_roc import weighted_auc, weighted_curve

# Rows times draws held at once: a few MB, which fit the processor's cache and make small chunks the quickest.
CHUNK_CELLS = 200_000
NO_INTERVAL = "all resamples give the same value, or too few of them hold both classes"
"""Why several patients may give none."""
DEFINED = 0.8
"""Share of the draws that an interval needs. Where one patient alone has a class it is about 0.63 and where two have it
0.86, as (1 - 1/n)^n draws leave one patient out: of one patient, no draw shows how much others differ."""
Z = 1.959964
"""Of a 95 % interval."""


def patient_bootstrap_auc(
    target: npt.ArrayLike,
    score: npt.ArrayLike,
    patient: npt.ArrayLike,
    draws: int,
    seed: int,
    level: float = 0.95,
) -> tuple[float, float] | None:
    """Return the percentile interval of the AUC when whole patients are drawn with replacement.

    Takes what `bootstrap_aucs` takes. None with one class, one patient, or a class of one patient alone.
    """
    auc = bootstrap_aucs(target, [score], patient, draws, seed)
    return None if auc is None else figure_interval(auc[0], level)


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
    patients, codes = patient_codes(patient, labels, draws)
    if patients < 2 or not has_both_classes(labels):
        return None
    curves = [weighted_curve(labels, score, codes) for _, score in checked]
    per_chunk = max(1, CHUNK_CELLS // len(labels))
    chunks = patient_draws(patients, draws, seed, per_chunk)
    return np.concatenate([[weighted_auc(curve(weights)) for curve in curves] for weights in chunks], axis=1)


def bootstrap_subset_aucs(
    target: npt.ArrayLike,
    score: npt.ArrayLike,
    patient: npt.ArrayLike,
    subsets: Sequence[npt.NDArray[np.bool_]],
    draws: int,
    seed: int,
) -> Floats:
    """Return the AUCs (k, draws) of k subsets (n,) of the images, all on the same draws of all patients.

    The draws are those of `bootstrap_aucs`. NaN where a draw leaves a subset with one class.
    """
    labels, scores = check_scores(target, score)
    patients, codes = patient_codes(patient, labels, draws)
    curves = [weighted_curve(labels[rows], scores[rows], codes[rows]) for rows in subsets]
    if not curves:
        return np.empty((0, draws))
    chunks = patient_draws(patients, draws, seed, max(1, CHUNK_CELLS // len(labels)))
    return np.concatenate([[weighted_auc(curve(weights)) for curve in curves] for weights in chunks], axis=1)


def percentile_interval(draws: Floats, level: float = 0.95) -> tuple[float, float] | None:
    """Return the central `level` of the draws that are not NaN; None when those are fewer than `DEFINED` of all."""
    if not 0 < level < 1:
        raise ValueError(f"level={level}; expected 0 < level < 1")
    defined = draws[~np.isnan(draws)]
    if len(defined) < DEFINED * len(draws):
        return None
    low, high = np.quantile(defined, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def figure_interval(draws: Floats, level: float = 0.95) -> tuple[float, float] | None:
    """Return what `percentile_interval` does, and None when the draws are all the same, as differences may be.

    Where no image is ranked or called wrongly no resample has one that is, which is no certainty.
    """
    ends = percentile_interval(draws, level)
    return ends if ends and ends[0] < ends[1] else None


def wilson(positives: int, n: int) -> tuple[float, float]:
    """Return the 95 % interval of a share (Wilson 1927, J. Am. Stat. Assoc. 22:209)."""
    share = positives / n
    middle = (share + Z**2 / (2 * n)) / (1 + Z**2 / n)
    reach = Z / (1 + Z**2 / n) * np.sqrt(share * (1 - share) / n + Z**2 / (4 * n**2))
    # At either end rounding would leave the share itself outside.
    return float(middle - reach) if positives else 0.0, float(middle + reach) if positives < n else 1.0


def patient_codes(patient: npt.ArrayLike, target: Counts, draws: int) -> tuple[int, Counts]:
    """Return the number of patients and, for each row, a number below it; ValueError for what cannot be drawn from."""
    if draws < 1:
        raise ValueError(f"draws={draws}; expected at least 1")
    names, codes = np.unique(np.asarray(patient), return_inverse=True)
    if codes.shape != target.shape:
        raise ValueError(f"patient has shape {codes.shape}; expected {target.shape}")
    return len(names), codes


def patient_draws(patients: int, draws: int, seed: int, per_chunk: int) -> Iterator[Counts]:
    """Yield how often each patient is drawn, (chunk, patients); the chunk size does not change the draws."""
    rng = np.random.default_rng(seed)
    for start in range(0, draws, per_chunk):
        chunk = min(per_chunk, draws - start)
        drawn = rng.integers(patients, size=(chunk, patients))
        drawn += patients * np.arange(chunk)[:, None]
        yield np.bincount(drawn.ravel(), minlength=chunk * patients).reshape(chunk, patients)
