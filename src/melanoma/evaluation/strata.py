"""How well images are ranked among those of one size, or of one source, where neither can help."""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from melanoma.data.floor import dimensions
from melanoma.evaluation.groupings import UNKNOWN
from melanoma.evaluation.metrics import Counts, Floats
from melanoma.evaluation.rankings import between, with_interval
from melanoma.evaluation.stratified_auc import stratified_aucs
from melanoma.evaluation.subgroups import MIN_PATIENTS

MOST = 8
"""Strata that are shown each: those with the most pairs."""


@dataclass(frozen=True)
class Stratum:
    """Images that share a size, or a source, of both classes."""

    value: str
    n: int
    positives: int
    auc: float
    auc_ci_low: float | None
    auc_ci_high: float | None


@dataclass(frozen=True)
class Strata:
    """The AUC over pairs of a malignant and a benign image of the same stratum."""

    grouping: str
    """image size or source."""
    groups: int
    """Strata, with or without both classes."""
    why_missing: str | None
    """Why there is no AUC."""
    pairs_share: float | None = None
    """Of all pairs, those within a stratum."""
    auc: float | None = None
    auc_ci_low: float | None = None
    auc_ci_high: float | None = None
    difference: float | None = None
    """The AUC over all pairs less this one."""
    difference_ci_low: float | None = None
    difference_ci_high: float | None = None
    enough: bool = False
    """Whether strata of both classes hold enough patients of each to judge the difference."""
    largest: tuple[Stratum, ...] = ()
    """Those of both classes with the most pairs."""


def stratify(predictions: pd.DataFrame) -> dict[str, pd.Series]:
    """Name the stratum of each image, (n,), by image size and by source; all are of one where nothing is known."""
    unknown = pd.Series(UNKNOWN, index=predictions.index)
    strata = {"image size": unknown, "source": unknown}
    if {"width", "height"} <= set(predictions):
        strata["image size"] = dimensions(predictions["width"], predictions["height"]).fillna(UNKNOWN)
    if "source" in predictions:
        strata["source"] = predictions["source"].astype("str").fillna(UNKNOWN)
    return strata


def measure_strata(
    grouping: str, names: pd.Series, target: Counts, score: Floats, patient: Counts, overall: Floats, seed: int
) -> Strata:
    """Measure one grouping; `overall` (1 + draws,) holds the AUC over all pairs, then that of each draw.

    The others are (n,); `patient` holds 0 to patients - 1, and both classes are there. Intervals are of the same draws.
    """
    values, codes = np.unique(names.to_numpy(dtype=str), return_inverse=True)
    counts, positives = np.bincount(codes), np.bincount(codes[target == 1], minlength=len(values))
    mixed = (positives > 0) & (positives < counts)
    if len(values) == 1:
        return Strata(grouping, 1, "not known" if values[0] == UNKNOWN else "every image has the same")
    if not mixed.any():
        return Strata(grouping, len(values), "no two images that share it differ in diagnosis")
    rows = mixed[codes]
    pairs = (positives * (counts - positives))[mixed]
    largest = np.argsort(-pairs, kind="stable")[:MOST]
    inner = (np.cumsum(mixed) - 1)[codes[rows]]
    patients, draws = int(patient.max()) + 1, len(overall) - 1
    aucs = stratified_aucs(target[rows], score[rows], inner, patient[rows], patients, largest, draws, seed)
    strata = [
        Stratum(str(values[mixed][one]), int(counts[mixed][one]), int(positives[mixed][one]), *with_interval(column))
        for one, column in zip(largest, aucs.T[1:], strict=True)
    ]
    enough = all(len(np.unique(patient[rows & (target == label)])) >= MIN_PATIENTS for label in (0, 1))
    measured = _pooled(Strata(grouping, len(values), None), aucs[:, 0], overall)
    every = int(positives.sum()) * int((target == 0).sum())
    return replace(measured, pairs_share=float(pairs.sum() / every), enough=enough, largest=tuple(strata))


def _pooled(strata: Strata, within: Floats, overall: Floats) -> Strata:
    auc, low, high = with_interval(within)
    gap = between(overall, within)
    return replace(
        strata,
        auc=auc,
        auc_ci_low=low,
        auc_ci_high=high,
        difference=gap.value,
        difference_ci_low=gap.ci_low,
        difference_ci_high=gap.ci_high,
    )
