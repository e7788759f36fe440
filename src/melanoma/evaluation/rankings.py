"""AUCs of several scores of the same images, on the same draws of patients, and how far they lie apart."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from melanoma.evaluation.intervals import bootstrap_aucs, figure_interval, percentile_interval
from melanoma.evaluation.metrics import Counts, Floats, roc_auc


@dataclass(frozen=True)
class Gap:
    """One AUC less another."""

    value: float
    ci_low: float | None
    ci_high: float | None


@dataclass(frozen=True)
class Ranking:
    """How well one score ranks the images."""

    name: str
    why_missing: str | None
    """Why there is no AUC."""
    auc: float | None = None
    auc_ci_low: float | None = None
    auc_ci_high: float | None = None
    below: Gap | None = None
    """The AUC that it is held against, less this one; None of that one itself."""


def draw_aucs(
    target: Counts, scores: Mapping[str, npt.ArrayLike], patient: Counts, draws: int, seed: int
) -> dict[str, Floats] | None:
    """Return by name the AUC of each score, then those of the draws of `bootstrap_aucs`: (1 + draws,).

    None where that gives none.
    """
    drawn = bootstrap_aucs(target, list(scores.values()), patient, draws, seed)
    if drawn is None:
        return None
    found = [roc_auc(target, score) for score in scores.values()]
    return {name: np.append(auc, own) for name, auc, own in zip(scores, found, drawn, strict=True)}  # type: ignore[arg-type]


def rank(name: str, own: Floats, against: Floats | None = None) -> Ranking:
    """Take an AUC with its draws, (1 + draws,), beside the one that it is held against."""
    return Ranking(name, None, *with_interval(own), None if against is None else between(against, own))


def with_interval(own: Floats) -> tuple[float, float | None, float | None]:
    """Give an AUC and its interval from the AUC and its draws."""
    return float(own[0]), *(figure_interval(own[1:]) or (None, None))


def between(one: Floats, other: Floats | float) -> Gap:
    """Take one AUC less another, or less a number, draw by draw."""
    gap: Floats = one - other
    return Gap(float(gap[0]), *(percentile_interval(gap[1:]) or (None, None)))
