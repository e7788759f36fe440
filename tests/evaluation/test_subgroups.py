import dataclasses
import json

import numpy as np
import pandas as pd
import pytest

from melanoma.evaluation.intervals import patient_bootstrap_auc
from melanoma.evaluation.metrics import classification_metrics, roc_auc
from melanoma.evaluation.subgroups import measure_subgroups


def table(seed=0, patients=200, weak="", strength=1.5):
    """Four images a patient of one sex and age; the score tells nothing in the sex named weak."""
    rng = np.random.default_rng(seed)
    patient = np.repeat(np.arange(patients), 4)
    sex = np.repeat(rng.choice(["female", "male"], patients), 4)
    target = (rng.random(len(patient)) < 0.15).astype(int)
    logit = rng.normal(0, 1, len(patient)) + strength * target * (sex != weak) - 2
    return pd.DataFrame(
        {
            "target": target,
            "probability": 1 / (1 + np.exp(-logit)),
            "patient_id": patient,
            "sex": sex,
            "age_approx": np.repeat(rng.integers(20, 90, patients), 4),
        }
    )


def by_name(groups):
    return {(group.grouping, group.value): group for group in groups}


def test_a_group_s_figures_are_those_of_its_rows():
    predictions = table()
    group = by_name(measure_subgroups(predictions, 0.2, 50, 0))["sex", "male"]
    rows = predictions[predictions["sex"] == "male"]
    others = predictions[predictions["sex"] == "female"]
    plain = classification_metrics(rows["target"], rows["probability"], 0.2)
    assert (group.n, group.positives) == (plain["n"], plain["n_positive"])
    assert group.patients == rows["patient_id"].nunique()
    assert (group.auc, group.sensitivity, group.specificity) == (plain["auc"], plain["recall"], plain["specificity"])
    assert group.difference == pytest.approx(plain["auc"] - roc_auc(others["target"], others["probability"]))
    assert group.auc_ci_low < group.auc < group.auc_ci_high
    assert group.enough
    assert group.why_missing == {}


def test_a_group_of_all_has_the_interval_of_all_and_no_one_to_compare_with():
    predictions = table()
    group = by_name(measure_subgroups(predictions, 0.2, 50, 3))["metadata", "complete"]
    data = (predictions["target"], predictions["probability"], predictions["patient_id"])
    assert (group.auc_ci_low, group.auc_ci_high) == patient_bootstrap_auc(*data, draws=50, seed=3)
    assert not group.enough
    assert group.p is None


def test_a_planted_gap_is_flagged():
    groups = measure_subgroups(table(weak="male"), 0.2, 200, 0)
    flagged = {(group.grouping, group.value): group.difference for group in groups if group.flagged}
    assert set(flagged) == {("sex", "female"), ("sex", "male")}
    assert flagged["sex", "male"] < -0.2


def test_without_a_gap_at_most_about_one_report_in_twenty_flags():
    runs = 60
    flagged = sum(any(group.flagged for group in measure_subgroups(table(seed), 0.2, 100, 0)) for seed in range(runs))
    assert flagged <= 7  # 5 % of 60 is 3; more than 7 has a chance of about 1 %


def test_a_tiny_group_and_one_of_a_single_class_are_unable_to_tell():
    predictions = table().assign(source="large")
    predictions.loc[:7, "source"] = "benign"
    predictions.loc[:7, "target"] = 0
    predictions.loc[8:27, "source"] = "tiny"
    predictions.loc[8:27, "target"] = [1, 0] * 10  # 10 images of each class, but of 5 patients
    groups = by_name(measure_subgroups(predictions, 0.2, 100, 0))
    tiny, benign = groups["source", "tiny"], groups["source", "benign"]
    assert tiny.auc is not None
    assert tiny.why_missing["p"].startswith("unable to tell")
    assert benign.why_missing["auc"] == benign.why_missing["sensitivity"] == "not defined: every image is benign"
    assert not any(group.enough or group.flagged for group in (tiny, benign))


def test_an_auc_of_one_has_no_p():
    predictions = table()
    male = (predictions["sex"] == "male").to_numpy()
    predictions.loc[male, "probability"] = predictions["target"][male].astype(float)
    group = by_name(measure_subgroups(predictions, 0.2, 50, 0))["sex", "male"]
    assert (group.auc, group.p, group.flagged) == (1.0, None, False)
    assert "hides its error" in group.why_missing["p"]


def test_what_is_missing_has_a_reason_and_nothing_is_nan():
    predictions = table(patients=6).assign(source=["a"] * 4 + ["b"] * 20)
    predictions.loc[3, "sex"] = None
    groups = measure_subgroups(predictions, 0.2, 50, 0)
    for group in groups:
        values = dataclasses.asdict(group)
        json.dumps(values, allow_nan=False)
        assert {name for name, value in values.items() if value is None} == set(group.why_missing)
        assert group.n > 0
    assert by_name(groups)["source", "a"].auc_ci_low is None


def test_no_images_give_no_groups():
    assert measure_subgroups(table().iloc[:0], 0.2, 50, 0) == []
