"""Another data set beside the model's own test split: every figure, its drop, and who is different."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from melanoma.config import EvalConfig
from melanoma.evaluation.bootstrap import Interval, bootstrap_draws, draw_intervals
from melanoma.evaluation.calibration_slope import Estimate, calibration_slope
from melanoma.evaluation.case_mix import CaseMix, measure_case_mix
from melanoma.evaluation.intervals import CHUNK_CELLS, patient_codes, patient_draws, percentile_interval
from melanoma.evaluation.known_images import Counts as OverlapCounts
from melanoma.evaluation.metrics import Counts, Floats, Metrics, pauc_key
from melanoma.evaluation.other_data import OtherData
from melanoma.evaluation.report import why_missing
from melanoma.evaluation.scoring import classify

OF_LINE = ("slope", "intercept", "in_the_large")
OF_PROBABILITY = ("brier", "ece", *OF_LINE)
"""Figures that mean ranks do not have."""
OF_PREVALENCE = ("average_precision", "precision", "accuracy", "brier")
"""Figures that differ between data sets of unequal prevalence though the model does as well."""


@dataclass(frozen=True)
class Figure:
    """One figure on both data sets, with 95 % intervals."""

    key: str
    internal: float | None
    internal_ci_low: float | None
    internal_ci_high: float | None
    external: float | None
    external_ci_low: float | None
    external_ci_high: float | None
    drop: float | None
    """External less internal."""
    drop_ci_low: float | None
    drop_ci_high: float | None
    comparable: bool
    """False where the figure depends on the prevalence, and that differs by more than chance explains."""
    why_missing: dict[str, str]
    """The reason behind each of internal, external and drop that is None."""


@dataclass(frozen=True)
class External:
    """What is known of a data set that the model was not trained on."""

    data: str
    own_data: str
    overlap: OverlapCounts
    internal: str
    """Where the predictions of the own test split are from, or why there are none."""
    figures: list[Figure]
    """None without these predictions."""
    case_mix: list[CaseMix]
    """Of the own test split, where its predictions are there, and of the other data set."""


@dataclass(frozen=True)
class _Side:
    metrics: Metrics
    intervals: dict[str, Interval | None]
    draws: dict[str, Floats]


def measure_external(
    predictions: pd.DataFrame, other: OtherData, threshold: float, is_probability: bool, config: EvalConfig
) -> External:
    """Measure the predictions of another data set beside those of the own test split, both at the frozen threshold.

    Patients of both are drawn independently; the draws of the other data set are those of all its other figures.
    """
    own = other.internal.predictions
    tables = [predictions] if own is None else [own, predictions]
    figures: list[Figure] = []
    if own is not None:
        ours = _measure(own, "test", threshold, config, config.seed + 1)
        theirs = _measure(predictions, "all", threshold, config, config.seed)
        figures = _beside(ours, theirs, _keys(config.min_tpr, is_probability))
    mix = [measure_case_mix(table) for table in tables]
    return External(other.name, other.own_name, other.overlap.counts, other.internal.words, figures, mix)


def _keys(min_tpr: float, is_probability: bool) -> list[str]:
    ranking = ["auc", pauc_key(min_tpr), "average_precision"]
    decisions = ["recall", "specificity", "balanced_accuracy", "precision", "accuracy"]
    return [*ranking, *decisions, *(OF_PROBABILITY if is_probability else ()), "prevalence"]


def _measure(table: pd.DataFrame, split: str, threshold: float, config: EvalConfig, seed: int) -> _Side:
    target, probability = table["target"].to_numpy(dtype=np.int64), table["probability"].to_numpy(dtype=np.float64)
    draws, min_tpr = config.bootstrap_draws, config.min_tpr
    patients, codes = patient_codes(table["patient_id"].to_numpy(), target, draws)
    line = calibration_slope(target, probability, codes) if len(target) else None
    fitted: dict[str, Estimate | None] = {key: None if line is None else getattr(line, key) for key in OF_LINE}
    metrics = classify(table, split, threshold, min_tpr)
    metrics |= {key: one and one.value for key, one in fitted.items()}
    metrics["prevalence"] = float(target.mean()) if len(target) else None
    ends = {key: _ends(one) for key, one in fitted.items()}
    if patients < 2:
        return _Side(metrics, ends, {})
    measured = bootstrap_draws(target, probability, codes, threshold, draws, seed, min_tpr)
    measured["prevalence"] = _prevalence_draws(target, codes, draws, seed)
    return _Side(metrics, draw_intervals(measured, target, probability >= threshold, codes) | ends, measured)


def _ends(one: Estimate | None) -> Interval | None:
    return None if one is None or one.low is None or one.high is None else (one.low, one.high)


def _prevalence_draws(target: Counts, patient: Counts, draws: int, seed: int) -> Floats:
    images, positives = np.bincount(patient), np.bincount(patient, weights=target)
    chunks = patient_draws(len(images), draws, seed, max(1, CHUNK_CELLS // len(target)))
    return np.concatenate([weights @ positives / (weights @ images) for weights in chunks])


def _beside(ours: _Side, theirs: _Side, keys: list[str]) -> list[Figure]:
    prevalence = _figure("prevalence", ours, theirs, True)
    low, high = prevalence.drop_ci_low, prevalence.drop_ci_high
    alike = low is not None and high is not None and low <= 0 <= high
    return [_figure(key, ours, theirs, alike or key not in OF_PREVALENCE) for key in keys]


def _figure(key: str, ours: _Side, theirs: _Side, comparable: bool) -> Figure:
    internal, external = ours.metrics[key], theirs.metrics[key]
    sides = {"internal": ours, "external": theirs}
    why = {name: _why(side.metrics, key) for name, side in sides.items() if side.metrics[key] is None}
    drop = None if internal is None or external is None else external - internal
    if drop is None:
        why["drop"] = "not defined: it needs both"
    # Of a figure without a value some resamples may have one.
    mine, yours = (side.intervals.get(key) if side.metrics[key] is not None else None for side in (ours, theirs))
    between = None if mine is None or yours is None else _between(key, ours, theirs, mine, yours)
    (a, b), (c, d), (e, f) = (found or (None, None) for found in (mine, yours, between))
    return Figure(key, internal, a, b, external, c, d, drop, e, f, comparable, why)


def _between(key: str, ours: _Side, theirs: _Side, mine: Interval, yours: Interval) -> Interval | None:
    """Give the interval of the difference: of the draws, or where a side has none that differ, of both intervals.

    The latter is Zou and Donner's (2008, Stat. Med. 27:1693).
    """
    sides = [side.draws.get(key) for side in (ours, theirs)]
    if all(draws is not None and np.nanmin(draws) < np.nanmax(draws) for draws in sides):
        return percentile_interval(theirs.draws[key] - ours.draws[key])
    internal, external = ours.metrics[key], theirs.metrics[key]
    below = float(np.hypot(external - yours[0], mine[1] - internal))
    above = float(np.hypot(yours[1] - external, internal - mine[0]))
    return external - internal - below, external - internal + above


def _why(metrics: Metrics, key: str) -> str:
    """Say why a figure is None; slope and intercepts may lack a fit where both classes are there."""
    if key in OF_LINE and metrics["n"] and metrics["n_positive"] not in (0, metrics["n"]):
        return "not defined: the classes are apart, or every image has one probability"
    return why_missing(metrics, "auc" if key in OF_LINE else key)
