"""Whether the model does worse for some patients than for the others."""

import math
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from melanoma.evaluation.groupings import group_images
from melanoma.evaluation.intervals import NO_INTERVAL, bootstrap_subset_aucs, figure_interval
from melanoma.evaluation.metrics import Counts, Floats, confusion_counts, roc_auc
from melanoma.evaluation.multiplicity import holm

MIN_PATIENTS = 10
"""Patients of each class that a group needs before a gap of its AUC is judged."""
LEVEL = 0.05
"""A gap is flagged below this corrected p."""
UNABLE = f"unable to tell: it takes {MIN_PATIENTS} patients with a malignant image and {MIN_PATIENTS} with a benign one"


@dataclass(frozen=True)
class Subgroup:
    """What the predictions are worth within one group of images, and beside all other images."""

    grouping: str
    value: str
    n: int
    positives: int
    patients: int
    auc: float | None
    auc_ci_low: float | None
    auc_ci_high: float | None
    sensitivity: float | None
    specificity: float | None
    difference: float | None
    """The AUC less that of everybody else."""
    p: float | None
    """Two-sided, of the difference."""
    p_holm: float | None
    """Corrected for the number of groups that are enough."""
    enough: bool
    """Whether group and everybody else are large enough to judge a gap."""
    flagged: bool
    """Whether the gap, either way, is more than chance explains."""
    why_missing: dict[str, str]
    """The reason behind each value that is None."""


def measure_subgroups(predictions: pd.DataFrame, threshold: float, draws: int, seed: int) -> list[Subgroup]:
    """Measure each group of images that `group_images` finds, in its order; groups without an image are left out.

    `predictions` has target, probability and patient_id. The threshold is the frozen one: `probability >= threshold`
    is a positive call. Intervals and gaps are measured on the same draws of whole patients. p takes a gap of
    the AUCs' logits over its bootstrap standard error as normal (on the AUCs themselves, small groups with a high AUC
    would be flagged too often), and is corrected after Holm over all groups that are enough.
    """
    target = predictions["target"].to_numpy(dtype=np.int64)
    probability = predictions["probability"].to_numpy(dtype=np.float64)
    patient = np.unique(predictions["patient_id"].to_numpy(), return_inverse=True)[1]
    found, inside = [], []
    for grouping, values in group_images(predictions).items():
        for value in values.cat.categories[np.unique(values.cat.codes)]:
            rows = (values == value).to_numpy()
            found.append(_count(grouping, value, target[rows], probability[rows], patient[rows], threshold))
            inside.append(rows)
    judged = [_is_enough(target, patient, rows) for rows in inside]
    aucs = bootstrap_subset_aucs(target, probability, patient, inside, draws, seed)
    others = [~rows for rows, enough in zip(inside, judged, strict=True) if enough]
    other_aucs = iter(bootstrap_subset_aucs(target, probability, patient, others, draws, seed))
    groups = []
    for group, rows, enough, own in zip(found, inside, judged, aucs, strict=True):
        group = _with_interval(group, own)
        if enough:
            group = _with_gap(group, own, target[~rows], probability[~rows], next(other_aucs))
        groups.append(group)
    return _corrected(groups)


def _count(
    grouping: str, value: str, target: Counts, probability: Floats, patient: Counts, threshold: float
) -> Subgroup:
    """Measure what needs no draws; the rest is missing, as for a group that is not enough."""
    (tn, fp), (fn, tp) = confusion_counts(target, probability, threshold)
    why = dict.fromkeys(("difference", "p", "p_holm"), UNABLE)
    one_class = f"not defined: every image is {'malignant' if tp + fn else 'benign'}"
    if not (tp + fn and tn + fp):
        why |= dict.fromkeys(("auc", "sensitivity" if tn + fp else "specificity"), one_class)
    return Subgroup(
        grouping=grouping,
        value=value,
        n=len(target),
        positives=tp + fn,
        patients=len(np.unique(patient)),
        auc=roc_auc(target, probability),
        auc_ci_low=None,
        auc_ci_high=None,
        sensitivity=tp / (tp + fn) if tp + fn else None,
        specificity=tn / (tn + fp) if tn + fp else None,
        difference=None,
        p=None,
        p_holm=None,
        enough=False,
        flagged=False,
        why_missing=why,
    )


def _is_enough(target: Counts, patient: Counts, rows: npt.NDArray[np.bool_]) -> bool:
    """Tell whether a group, and everybody else, have enough patients of each class."""
    sides = [patient[side & (target == label)] for side in (rows, ~rows) for label in (0, 1)]
    return min(len(np.unique(patients)) for patients in sides) >= MIN_PATIENTS


def _with_interval(group: Subgroup, draws: Floats) -> Subgroup:
    interval = None if group.auc is None or group.patients < 2 else figure_interval(draws)
    if interval is not None:
        return replace(group, auc_ci_low=interval[0], auc_ci_high=interval[1])
    reason = "there is one patient" if group.patients == 1 else NO_INTERVAL
    reason = group.why_missing.get("auc", f"not defined: {reason}")
    return replace(group, why_missing=group.why_missing | dict.fromkeys(("auc_ci_low", "auc_ci_high"), reason))


def _with_gap(group: Subgroup, draws: Floats, target: Counts, probability: Floats, draws_of_others: Floats) -> Subgroup:
    """Add the gap between a group that is enough and everybody else, whose target and probability are given."""
    auc, others = group.auc, roc_auc(target, probability)
    assert auc is not None  # noqa: S101 both sides have both classes
    assert others is not None  # noqa: S101
    positives = int(target.sum())
    own_logits = _logits(np.append(auc, draws), group.positives * (group.n - group.positives))
    other_logits = _logits(np.append(others, draws_of_others), positives * (len(target) - positives))
    gap, *gaps = own_logits - other_logits
    error = float(np.nanstd(gaps, ddof=1)) if len(gaps) > 1 else 0.0
    why = {name: reason for name, reason in group.why_missing.items() if name not in ("difference", "p", "p_holm")}
    group = replace(group, difference=auc - others, enough=True)
    if {auc, others} & {0.0, 1.0} or not error > 0:
        reason = "not defined: an AUC of 0 or 1 hides its error" if error else "not defined: there is no spread"
        return replace(group, why_missing=why | dict.fromkeys(("p", "p_holm"), reason))
    p = math.erfc(abs(gap) / (error * math.sqrt(2)))  # twice the normal distribution's tail
    return replace(group, p=p, why_missing=why)


def _logits(auc: Floats, pairs: int) -> Floats:
    """Return log-odds; an AUC of 0 or 1 is taken for half a pair less, so that it has one."""
    inner = np.clip(auc, 0.5 / pairs, 1 - 0.5 / pairs)
    logits: Floats = np.log(inner / (1 - inner))
    return logits


def _corrected(groups: list[Subgroup]) -> list[Subgroup]:
    corrected = holm([group.p for group in groups])
    return [
        replace(group, p_holm=p, flagged=p is not None and p < LEVEL)
        for group, p in zip(groups, corrected, strict=True)
    ]
