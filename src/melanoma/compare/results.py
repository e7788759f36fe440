"""What the comparison found, in sentences."""

from dataclasses import dataclass

from melanoma.compare.figures import p_text
from melanoma.compare.measure import Measured
from melanoma.compare.paired import LEVEL, Pair
from melanoma.evaluation.report import on_data, why_missing


@dataclass(frozen=True)
class Results:
    """All that is written."""

    runs: list[Measured]
    """The highest AUC first."""
    pairs: list[Pair]
    baseline: str | None
    draws: int
    """Of patients, for the intervals."""


def finding(results: Results) -> str:
    """Say which run has the highest AUC, and whether that is more than chance."""
    best, second = results.runs[:2]
    data, auc = on_data(best.figures), best.auc
    if auc is None:
        return f"{data} no run has an AUC: it is {why_missing(best.figures, 'auc')}."
    if auc == second.auc:
        return f"{data} {best.label} and {second.label} share the highest AUC, {auc:.3f}."
    return f"{data} {best.label} has the highest AUC, {auc:.3f}{_interval(best)}. {_lead(results)}"


def _interval(run: Measured) -> str:
    low, high = run.figures["auc_ci_low"], run.figures["auc_ci_high"]
    return "" if low is None or high is None else f" (95 % interval {low:.3f} to {high:.3f})"


def _lead(results: Results) -> str:
    """Judge the best run against the second, or against the baseline where only that was compared."""
    best, second = (run.label for run in results.runs[:2])
    rival = second if results.baseline in (None, best) else results.baseline
    pair = next(pair for pair in results.pairs if {pair.first, pair.second} == {best, rival})
    over = f"the baseline {rival}" if rival == results.baseline else rival
    lead = f"Its lead of {abs(pair.difference or 0):.3f} over {over}"
    if pair.p_holm is None:
        return f"{lead} cannot be tested: p is {pair.why_missing['p_holm']}."
    p = f"corrected p {p_text(pair.p_holm)}"
    if pair.told_apart:
        return f"{lead} is more than chance explains ({p})."
    if pair.p_holm < LEVEL:
        return f"{lead} is not certain: {p}, but the interval of resampled patients does not exclude 0."
    return f"{lead} cannot be told from chance ({p})."


def notes(results: Results) -> list[str]:
    """Say how to read the figures."""
    many = len(results.pairs)
    lines = [
        "All runs are scored on the same test patients, each by its best epoch, at its own threshold, which was chosen "
        "on validation patients.",
        f"Intervals resample whole patients ({results.draws:,} draws, the same for all runs), because images of one "
        "patient are not independent. DeLong's test takes every image as independent, so its p is too small where "
        "patients have many images.",
        f"p is corrected by Holm's method for {many} comparison{'' if many == 1 else 's'}. Two runs are told apart "
        f"where the corrected p is below {LEVEL} and the interval of the difference excludes 0.",
        "Each run is one training: a difference between two runs also holds the luck of their seeds, which only "
        "several seeds of each can show.",
        "Seconds an epoch are each run's own, from its training; they compare only on one machine and reader.",
    ]
    if any(run.figures.get("reported_auc") is not None for run in results.runs):
        lines.append(
            "The study's AUCs were measured on other patients, by other code, and are not comparable as such: a higher "
            "or lower figure here does not mean a better or worse model."
        )
    return lines
