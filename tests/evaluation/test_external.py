import dataclasses

import numpy as np
import pandas as pd
import pytest

from melanoma.config import EvalConfig, compose, resolve
from melanoma.evaluation.bootstrap import bootstrap_metrics
from melanoma.evaluation.calibration_slope import calibration_slope
from melanoma.evaluation.external import measure_external
from melanoma.evaluation.known_images import COLUMNS, Counts, Overlap
from melanoma.evaluation.other_data import Internal, OtherData


def table(target, probability, patients=None):
    """Predictions of so many images to a patient."""
    n = len(target)
    patient = np.arange(n) if patients is None else np.arange(n) % patients
    known = {"sex": "male", "age_approx": 50.0, "anatom_site_general_challenge": "torso"}
    names = [f"im{row}" for row in range(n)]
    values = {"image_name": names, "patient_id": patient.astype(str), "target": target, "probability": probability}
    return pd.DataFrame(values).assign(**known)


def drawn(n, share, separation, seed):
    rng = np.random.default_rng(seed)
    target = (np.arange(n) < share * n).astype(int)
    return table(target, 1 / (1 + np.exp(-rng.normal(separation * target, 1))))


@pytest.fixture
def compare():
    def run(own, other, is_probability=True, *options):
        config = resolve(compose("eval", ["checkpoint=x", "bootstrap_draws=300", *options]), EvalConfig)
        overlap = Overlap(pd.DataFrame(columns=COLUMNS), Counts(1, 0, {}, 1, 0, 0, "drop"))
        found = OtherData("other", "own", overlap, Internal(own, "scored likewise"))
        external = measure_external(other, found, 0.5, is_probability, config)
        return {figure.key: figure for figure in external.figures}, external

    return run


def test_golden_values(compare):
    own = table([0, 0, 0, 1, 1, 1], [0.1, 0.2, 0.6, 0.4, 0.7, 0.9])
    other = table([0, 0, 0, 0, 1, 1], [0.1, 0.6, 0.7, 0.3, 0.4, 0.8])
    found, _ = compare(own, other)
    golden = {
        "auc": (8 / 9, 6 / 8),
        "recall": (2 / 3, 1 / 2),
        "specificity": (2 / 3, 1 / 2),
        "prevalence": (1 / 2, 1 / 3),
    }
    for key, (internal, external) in golden.items():
        figure = found[key]
        assert (figure.internal, figure.external) == pytest.approx((internal, external))
        assert figure.drop == pytest.approx(external - internal)
        assert figure.drop_ci_low <= figure.drop <= figure.drop_ci_high
    assert list(found) == [
        *("auc", "pauc_80", "average_precision", "recall", "specificity", "balanced_accuracy", "precision"),
        *("accuracy", "brier", "ece", "slope", "intercept", "in_the_large", "prevalence"),
    ]


def test_a_drop_beyond_chance_has_an_interval_without_zero_and_the_same_data_has_one_with_it(compare):
    own, other = drawn(300, 0.3, 3, 0), drawn(300, 0.3, 1, 1)
    far, _ = compare(own, other)
    assert far["auc"].drop_ci_high < 0
    near, _ = compare(own, drawn(300, 0.3, 3, 2))
    assert near["auc"].drop_ci_low < 0 < near["auc"].drop_ci_high


def test_the_interval_is_wider_than_either_and_about_that_of_independent_errors(compare):
    found, _ = compare(drawn(200, 0.4, 2, 0), drawn(200, 0.4, 1, 1))

    def width(figure, side):
        return getattr(figure, f"{side}_ci_high") - getattr(figure, f"{side}_ci_low")

    for key in ("auc", "brier", "specificity"):
        both = np.hypot(width(found[key], "internal"), width(found[key], "external"))
        assert width(found[key], "drop") == pytest.approx(both, rel=0.25)


def test_the_external_interval_is_that_of_the_other_figures(compare):
    other = drawn(100, 0.4, 1, 1)
    found, _ = compare(drawn(100, 0.4, 2, 0), other)
    alone = bootstrap_metrics(other["target"], other["probability"], other["patient_id"], 0.5, 300, 0, 0.8)
    for key in ("auc", "recall", "brier"):
        assert (found[key].external_ci_low, found[key].external_ci_high) == alone[key]


def test_slope_and_intercepts_are_those_of_the_calibration_section(compare):
    other = drawn(100, 0.4, 1, 1)
    found, _ = compare(drawn(100, 0.4, 2, 0), other)
    line = calibration_slope(other["target"].to_numpy(), other["probability"].to_numpy(), np.arange(100))
    slope = found["slope"]
    ours = (slope.external, slope.external_ci_low, slope.external_ci_high)
    assert ours == pytest.approx(dataclasses.astuple(line.slope))
    assert slope.drop_ci_low == pytest.approx(
        slope.drop - np.hypot(slope.external - slope.external_ci_low, slope.internal_ci_high - slope.internal)
    )


def test_no_missed_melanoma_on_one_side_is_no_certainty(compare):
    own, other = table([0, 0, 1, 1], [0.1, 0.2, 0.7, 0.9]), drawn(60, 0.4, 1, 1)
    recall = compare(own, other)[0]["recall"]
    assert recall.internal == recall.internal_ci_high == 1
    assert recall.internal_ci_low < 1
    assert recall.drop_ci_high > recall.external_ci_high - 1


def test_what_depends_on_the_prevalence_is_comparable_where_that_is_the_same(compare):
    own = drawn(200, 0.3, 2, 0)
    same, _ = compare(own, drawn(200, 0.3, 2, 1))
    assert all(figure.comparable for figure in same.values())
    fewer, _ = compare(own, drawn(200, 0.1, 2, 1))
    assert {key for key, figure in fewer.items() if not figure.comparable} == {
        *("average_precision", "precision", "accuracy", "brier"),
    }


def test_mean_ranks_are_no_probabilities(compare):
    found, _ = compare(drawn(50, 0.4, 2, 0), drawn(50, 0.4, 2, 1), False)
    assert not {"brier", "ece", "slope", "intercept"} & set(found)


def test_what_is_not_defined_has_a_reason(compare):
    found, _ = compare(drawn(50, 0.4, 2, 0), drawn(50, 0, 2, 1))
    assert (found["auc"].external, found["auc"].drop, found["auc"].drop_ci_low) == (None, None, None)
    assert found["auc"].why_missing == {
        "external": "not defined: every image is benign",
        "drop": "not defined: it needs both",
    }
    assert found["slope"].why_missing["external"] == "not defined: every image is benign"
    assert found["specificity"].drop is not None
    apart, _ = compare(table([0, 0, 1, 1], [0.1, 0.2, 0.8, 0.9]), drawn(50, 0.4, 2, 1))
    assert apart["slope"].why_missing["internal"].startswith("not defined: the classes are apart")


def test_one_patient_has_figures_without_intervals(compare):
    found, _ = compare(drawn(50, 0.4, 2, 0), table([0, 0, 1, 1], [0.1, 0.6, 0.4, 0.9], patients=1))
    assert found["auc"].external == 0.75
    assert (found["auc"].external_ci_low, found["auc"].drop_ci_low) == (None, None)


def test_without_the_own_test_split_the_other_data_set_stands_alone(compare):
    found, external = compare(None, drawn(50, 0.4, 2, 1))
    assert found == {}
    assert len(external.case_mix) == 1
