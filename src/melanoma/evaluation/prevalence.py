"""What the decisions are worth where melanoma is as rare, or as frequent, as it is elsewhere."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from melanoma.evaluation.bootstrap import bootstrap_draws
from melanoma.evaluation.ensemble import to_logit
from melanoma.evaluation.intervals import figure_interval, patient_codes
from melanoma.evaluation.metrics import Counts, Floats, has_both_classes
from melanoma.evaluation.plots import BLUE, FAINT, INK, new_axes, new_figure, save_figure, say
from melanoma.prediction import to_probability

THRESHOLD_PROBABILITIES = np.round(np.arange(0.005, 0.5001, 0.005), 3)
"""From one biopsy in 200 for a melanoma to one in 2."""

Interval = tuple[float, float] | None


@dataclass(frozen=True)
class OperatingPoint:
    """A threshold at one prevalence; None where a value is not defined, with the reason on the page."""

    name: str
    threshold: float
    prevalence: float
    sensitivity: float | None
    specificity: float | None
    ppv: float | None
    """Share of melanomas among the lesions called malignant."""
    ppv_interval: Interval
    npv: float | None
    npv_interval: Interval
    number_needed_to_biopsy: float | None
    """Lesions called malignant for each melanoma among them."""
    number_needed_to_biopsy_interval: Interval


@dataclass(frozen=True)
class DecisionCurve:
    """Net benefit a lesion, in melanomas found, over threshold probabilities."""

    prevalence: float
    threshold_probability: list[float]
    model: list[float]
    treat_all: list[float]


def operating_points(
    target: Counts,
    probability: Floats,
    patient: npt.ArrayLike,
    thresholds: Mapping[str, float],
    prevalences: Sequence[float],
    draws: int,
    seed: int,
) -> list[OperatingPoint]:
    """Judge each threshold at each prevalence; 95 % intervals come from the draws of whole patients.

    Sensitivity and specificity are taken to be those of these images at any prevalence, and predictive values follow
    by Bayes' rule.
    """
    patients, codes = patient_codes(patient, target, draws)
    points = []
    for name, threshold in thresholds.items():
        called = probability >= threshold
        rates = _share(called[target == 1]), _share(~called[target == 0])
        drawn = bootstrap_draws(target, probability, codes, threshold, draws, seed, 0.8) if patients > 1 else None
        points += [_point(name, threshold, prevalence, rates, drawn) for prevalence in prevalences]
    return points


def _point(
    name: str,
    threshold: float,
    prevalence: float,
    rates: tuple[float | None, float | None],
    drawn: dict[str, Floats] | None,
) -> OperatingPoint:
    sensitivity, specificity = (np.array(np.nan if rate is None else rate) for rate in rates)
    ppv, npv = (None if np.isnan(one) else float(one) for one in _predictive(sensitivity, specificity, prevalence))
    ends: list[Interval] = [None, None]
    if drawn is not None:
        ends = [figure_interval(one) for one in _predictive(drawn["recall"], drawn["specificity"], prevalence)]
    needed = 1 / ppv if ppv else None
    # One over a share turns its interval round; a PPV of 0 needs no end of biopsies, which is no number.
    needed_ends = (1 / ends[0][1], 1 / ends[0][0]) if ends[0] and ends[0][0] > 0 else None
    return OperatingPoint(name, threshold, prevalence, *rates, ppv, ends[0], npv, ends[1], needed, needed_ends)


def decision_curve(
    target: Counts, probability: Floats, prevalence: float, calibrated_at: float
) -> DecisionCurve | None:
    """Weigh melanomas found against biopsies in vain, as who biopsies from a probability on does.

    Net benefit is sensitivity * prevalence - (1 - specificity) * (1 - prevalence) * odds of that probability (Vickers
    and Elkin 2006, Med. Decis. Making 26:565). The probabilities (n,) are shifted from the prevalence that they are
    calibrated at, which need not be that of these images, to the one asked for. None with one class.
    """
    if not has_both_classes(target):
        return None
    own, wanted = to_logit(np.array([calibrated_at, prevalence]))
    shifted = to_probability(to_logit(probability) + wanted - own)
    odds = THRESHOLD_PROBABILITIES / (1 - THRESHOLD_PROBABILITIES)
    found = np.array([np.mean(shifted[target == 1] >= cut) for cut in THRESHOLD_PROBABILITIES])
    in_vain = np.array([np.mean(shifted[target == 0] >= cut) for cut in THRESHOLD_PROBABILITIES])
    return DecisionCurve(
        prevalence,
        THRESHOLD_PROBABILITIES.tolist(),
        (found * prevalence - in_vain * (1 - prevalence) * odds).tolist(),
        (prevalence - (1 - prevalence) * odds).tolist(),
    )


def plot_decision_curves(curves: Sequence[DecisionCurve], path: Path) -> None:
    """Draw net benefit against treating all and none, a panel a prevalence, as a PNG."""
    figure = new_figure(4.6 * max(1, len(curves)), 3.8)
    if not curves:
        say(new_axes(figure), "No decision curve: it needs both classes")
    for place, curve in enumerate(curves, 1):
        axes = new_axes(figure, 100 + 10 * len(curves) + place)
        axes.plot(curve.threshold_probability, curve.model, color=BLUE, lw=2, label="By the model")
        axes.plot(curve.threshold_probability, curve.treat_all, color=FAINT, lw=1.5, ls="--", label="Biopsy all")
        axes.axhline(0, color=INK, lw=1, ls=":", label="Biopsy none")
        top = max(*curve.model, curve.prevalence)
        axes.set(ylim=(-0.25 * top, 1.1 * top), xlabel="Probability from which one would biopsy")
        axes.set_title(f"{100 * curve.prevalence:g} % melanomas", fontsize=11, color=INK)
        if place == 1:
            axes.set_ylabel("Net benefit")
            axes.legend(frameon=False)
    save_figure(figure, path)


def _share(called: Counts) -> float | None:
    return float(np.mean(called)) if len(called) else None


def _predictive(sensitivity: Floats, specificity: Floats, prevalence: float) -> tuple[Floats, Floats]:
    """Give PPV and NPV by Bayes' rule; NaN where nothing is called so."""
    sick, well = sensitivity * prevalence, specificity * (1 - prevalence)
    false, missed = (1 - specificity) * (1 - prevalence), (1 - sensitivity) * prevalence
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(sick / (sick + false)), np.asarray(well / (well + missed))
