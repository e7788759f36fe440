"""All that is measured of predictions, in reading order."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from melanoma.config import EvalConfig
from melanoma.evaluation.external import External, measure_external
from melanoma.evaluation.metrics import Metrics
from melanoma.evaluation.numbers import measure
from melanoma.evaluation.patients import ContextScore, measure_patients
from melanoma.evaluation.prevalence import DecisionCurve, OperatingPoint, decision_curve, operating_points
from melanoma.evaluation.reliability import Reliability, measure_reliability
from melanoma.evaluation.shortcut_verdict import Verdict, judge
from melanoma.evaluation.shortcuts import Shortcuts, measure_shortcuts
from melanoma.evaluation.subgroups import Subgroup, measure_subgroups
from melanoma.evaluation.subject import Subject
from melanoma.evaluation.threshold_table import ThresholdRow, threshold_table


@dataclass(frozen=True)
class Evidence:
    """Plain values, as JSON has them."""

    metrics: Metrics
    subgroups: list[Subgroup]
    operating_points: list[OperatingPoint]
    thresholds: list[ThresholdRow]
    decision_curves: list[DecisionCurve]
    """None of mean ranks, which are no probabilities."""
    patients: list[ContextScore]
    """What the other images of a test patient add; empty where each has one."""
    reliability: tuple[Reliability, Reliability | None] | None
    """As the predictions came and, where they were calibrated, as they are; None of mean ranks."""
    external: External | None
    """None where the images are of the model's own data set, or nobody knows."""
    shortcuts: Shortcuts
    shortcut_verdict: Verdict


def gather(subject: Subject, config: EvalConfig) -> Evidence:
    """Measure everything that the predictions allow."""
    table, threshold = subject.predictions, subject.threshold.value
    draws, seed = config.bootstrap_draws, config.seed
    target, probability = table["target"].to_numpy(dtype=np.int64), table["probability"].to_numpy(dtype=np.float64)
    prevalences = list(dict.fromkeys([*config.prevalences, *([float(target.mean())] if len(target) else [])]))
    thresholds = {"Threshold": threshold} | subject.further_thresholds
    learnt_for = subject.calibrated_at or float(target.mean())
    shares = config.prevalences if subject.is_probability else []
    shortcuts = measure_shortcuts(subject, config)
    curves = [decision_curve(target, probability, one, learnt_for) for one in shares]
    return Evidence(
        measure(subject, config),
        measure_subgroups(table, threshold, draws, seed),
        operating_points(target, probability, table["patient_id"].to_numpy(), thresholds, prevalences, draws, seed),
        threshold_table(target, probability, threshold),
        [curve for curve in curves if curve],
        measure_patients(table, draws, seed),
        _reliability(subject) if subject.is_probability else None,
        measure_external(table, subject.other_data, threshold, subject.is_probability, config)
        if subject.other_data
        else None,
        shortcuts,
        judge(shortcuts),
    )


def _reliability(subject: Subject) -> tuple[Reliability, Reliability | None]:
    def of(table: pd.DataFrame) -> Reliability:
        target, probability = table["target"].to_numpy(dtype=np.int64), table["probability"].to_numpy(dtype=float)
        return measure_reliability(target, probability, table["patient_id"].to_numpy())

    measured = of(subject.predictions)
    return (measured, None) if subject.uncalibrated is None else (of(subject.uncalibrated), measured)
