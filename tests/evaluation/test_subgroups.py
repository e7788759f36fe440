import numpy as np
import pandas as pd
import pytest

from melanoma.evaluation.subgroups import UNABLE, measure_subgroups


def made(seed, worse=None, patients=150):
    """Three images a patient; the model knows nothing of the sex `worse`."""
    rng = np.random.default_rng(seed)
    rows = 3 * patients
    table = pd.DataFrame(
        {
            "patient_id": np.repeat([f"p{number}" for number in range(patients)], 3),
            "sex": np.repeat(rng.choice(["male", "female"], patients), 3),
            "age_approx": np.repeat(rng.choice([25.0, 45.0, 65.0], patients), 3),
            "anatom_site_general_challenge": "torso",
            "target": rng.integers(0, 2, rows),
        }
    )
    strength = np.where(table["sex"] == worse, 0.0, 1.5)
    table["probability"] = 1 / (1 + np.exp(-rng.normal(strength * table["target"], 1)))
    return table


def by_value(groups):
    return {group.value: group for group in groups}


def test_a_planted_gap_is_flagged_and_no_other():
    groups = measure_subgroups(made(0, worse="male"), 0.5, draws=300, seed=0)
    assert {group.value for group in groups if group.flagged} == {"male", "female"}
    male = by_value(groups)["male"]
    assert male.difference < -0.2
    assert male.auc_ci_low < male.auc < male.auc_ci_high


def test_without_a_gap_few_are_flagged():
    studies = [measure_subgroups(made(seed), 0.5, draws=200, seed=0) for seed in range(40)]
    assert np.mean([any(group.flagged for group in groups) for groups in studies]) <= 0.125  # 5 of 100, and chance


def test_a_small_group_is_unable_to_tell():
    table = made(0)
    table.loc[:5, "anatom_site_general_challenge"] = "palms/soles"
    small = by_value(measure_subgroups(table, 0.5, draws=100, seed=0))["palms/soles"]
    assert (small.n, small.patients, small.enough, small.flagged) == (6, 2, False, False)
    assert (small.difference, small.p_holm) == (None, None)
    assert small.why_missing["difference"] == UNABLE


def test_counts_and_rates_are_those_of_the_group():
    table = made(1)
    group = by_value(measure_subgroups(table, 0.4, draws=100, seed=0))["female"]
    rows = table[table["sex"] == "female"]
    called = rows["probability"] >= 0.4
    assert (group.n, group.positives, group.patients) == (len(rows), rows["target"].sum(), rows["patient_id"].nunique())
    assert group.sensitivity == pytest.approx(called[rows["target"] == 1].mean())
    assert group.specificity == pytest.approx((~called[rows["target"] == 0]).mean())


def test_what_is_not_defined_is_none_with_the_reason():
    table = made(0).head(30)
    table.loc[table["sex"] == "male", "target"] = 0
    group = by_value(measure_subgroups(table, 0.5, draws=100, seed=0))["male"]
    assert (group.auc, group.sensitivity, group.auc_ci_low) == (None, None, None)
    assert group.why_missing["auc"] == group.why_missing["sensitivity"] == "not defined: every image is benign"
    values = [value for name, value in vars(group).items() if name != "why_missing"]
    assert not any(isinstance(value, float) and np.isnan(value) for value in values)
