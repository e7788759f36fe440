"""Differences of AUC between runs on the same images, with what they are worth."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import combinations

from melanoma.evaluation.delong import delong_covariance, delong_p
from melanoma.evaluation.intervals import percentile_interval
from melanoma.evaluation.metrics import Counts, Floats
from melanoma.evaluation.multiplicity import holm

LEVEL = 0.05
"""A corrected p below this, and an interval without 0, tell two runs apart."""


@dataclass(frozen=True)
class Pair:
    """The AUC of `first` less that of `second`."""

    first: str
    second: str
    difference: float | None
    ci_low: float | None
    ci_high: float | None
    p: float | None
    p_holm: float | None
    why_missing: dict[str, str]
    """The reason behind each value that is None."""

    @property
    def told_apart(self) -> bool:
        """Say whether both the test of images and the interval of patients leave chance out."""
        if self.p_holm is None or self.ci_low is None or self.ci_high is None:
            return False
        return self.p_holm < LEVEL and not self.ci_low <= 0 <= self.ci_high


def compare_pairs(
    target: Counts,
    scores: Mapping[str, Floats],
    aucs: Mapping[str, float | None],
    draws: Mapping[str, Floats] | None,
    baseline: str | None,
) -> list[Pair]:
    """Compare every pair, or each run with the baseline, in the order of `scores`.

    `target` and each score are (n,) of the same images; `draws` are each run's AUCs on the same draws of patients,
    None where there are none.
    """
    names = list(scores)
    covariance = delong_covariance(target, list(scores.values()))
    chosen = combinations(names, 2) if baseline is None else ((name, baseline) for name in names if name != baseline)
    pairs = []
    for first, second in chosen:
        difference = _difference(aucs[first], aucs[second])
        interval = None if draws is None else percentile_interval(draws[first] - draws[second])
        p = None
        if difference is not None and covariance is not None:
            p = delong_p(difference, covariance, names.index(first), names.index(second))
        low, high = interval or (None, None)
        why = _why_missing(difference, interval, p, covariance is not None)
        pairs.append(Pair(first, second, difference, low, high, p, None, why))
    corrected = holm([pair.p for pair in pairs])
    return [replace(pair, p_holm=p) for pair, p in zip(pairs, corrected, strict=True)]


def _difference(first: float | None, second: float | None) -> float | None:
    return None if first is None or second is None else first - second


def _why_missing(
    difference: float | None, interval: tuple[float, float] | None, p: float | None, testable: bool
) -> dict[str, str]:
    if difference is None:
        return dict.fromkeys(("difference", "ci_low", "ci_high", "p", "p_holm"), "not defined: one class only")
    why: dict[str, str] = {}
    if interval is None:
        why |= dict.fromkeys(("ci_low", "ci_high"), "not defined: too few patients")
    if p is None:
        reason = "the difference has no variance" if testable else "it needs two images of each class"
        why |= dict.fromkeys(("p", "p_holm"), f"not defined: {reason}")
    return why
