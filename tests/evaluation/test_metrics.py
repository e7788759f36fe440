import json

import numpy as np
import pytest
from sklearn.metrics import auc, roc_curve

from melanoma.evaluation.metrics import classification_metrics, expected_calibration_error, roc_auc

KEYS = [
    "n", "n_positive", "auc", "average_precision", "accuracy", "balanced_accuracy", "precision", "recall", "f1",
    "specificity", "brier", "ece", "threshold", "pauc_80", "sensitivity_at_95_specificity",
    "specificity_at_90_sensitivity", "specificity_at_95_sensitivity", "confusion_matrix",
]  # fmt: skip
OF_BOTH_CLASSES = {
    *("balanced_accuracy", "pauc_80", "sensitivity_at_95_specificity"),
    *("specificity_at_90_sensitivity", "specificity_at_95_sensitivity"),
}
TARGET = [0, 0, 1, 0, 1, 1]
PROBABILITY = [0.1, 0.4, 0.35, 0.8, 0.8, 0.9]


def isic_2024_pauc(target, probability, min_tpr=0.80):
    """The challenge's own steps, with scikit-learn's curve of the mirrored labels and scores."""
    fpr, tpr, _ = roc_curve(1 - target, 1 - probability)
    stop = np.searchsorted(fpr, 1 - min_tpr, "right")
    edge = np.interp(1 - min_tpr, fpr[stop - 1 : stop + 1], tpr[stop - 1 : stop + 1])
    return auc(np.append(fpr[:stop], 1 - min_tpr), np.append(tpr[:stop], edge))


def test_golden_values():
    m = classification_metrics(TARGET, PROBABILITY, 0.8)
    assert list(m) == KEYS
    assert m["confusion_matrix"] == [[2, 1], [1, 2]]
    assert m["auc"] == pytest.approx(6.5 / 9)  # 0.35 beats one of three, 0.8 two and a half, 0.9 all three
    assert m["average_precision"] == pytest.approx(1 / 3 + 2 / 9 + 1 / 5)
    for key in ("accuracy", "balanced_accuracy", "precision", "recall", "f1", "specificity"):
        assert m[key] == pytest.approx(2 / 3), key
    assert m["brier"] == pytest.approx((0.01 + 0.16 + 0.4225 + 0.64 + 0.04 + 0.01) / 6)
    # All melanomas are found from 0.35 on, where one of three benign images is left alone.
    assert m["specificity_at_95_sensitivity"] == m["specificity_at_90_sensitivity"] == pytest.approx(1 / 3)
    assert m["sensitivity_at_95_specificity"] == pytest.approx(1 / 3)  # above 0.8


def test_confusion_corners_are_where_the_contract_says():
    assert classification_metrics([0, 0, 0, 1, 1], [0.9, 0.1, 0.1, 0.9, 0.9], 0.5)["confusion_matrix"] == [
        [2, 1],
        [0, 2],
    ]


def test_threshold_itself_is_positive_even_for_float32():
    probability = np.array([0.1, 0.7], dtype=np.float32)
    assert classification_metrics([0, 1], probability, float(probability[1]))["recall"] == 1.0
    # float32(0.7) lies just below 0.7
    assert classification_metrics([0, 1], probability, 0.7)["recall"] == 0.0


def test_ece_bins_are_equal_width_and_closed_on_the_right():
    # 1/15 ends the first bin: with 0.01 its gap is |1/15 + 0.01 - 1|; the second bin holds 0.1 alone.
    target, probability = np.array([1, 0, 0]), np.array([1 / 15, 0.01, 0.1])
    assert expected_calibration_error(target, probability) == pytest.approx((1 - 1 / 15 - 0.01 + 0.1) / 3)


@pytest.mark.parametrize("min_tpr", [0.0, 0.8, 0.88])
@pytest.mark.parametrize("seed", range(3))
def test_pauc_equals_the_challenge_code(seed, min_tpr):
    rng = np.random.default_rng(seed)
    target = rng.integers(0, 2, 200)
    probability = np.round(np.clip(rng.normal(0.4 + 0.2 * target, 0.2), 0, 1), 2)
    m = classification_metrics(target, probability, 0.5, min_tpr)
    assert m[f"pauc_{100 * min_tpr:g}"] == pytest.approx(isic_2024_pauc(target, probability, min_tpr), abs=1e-12)


def test_a_true_positive_rate_of_one_leaves_nothing_to_integrate():
    with pytest.raises(ValueError, match="min_tpr=1"):
        classification_metrics([0, 1], [0.1, 0.9], 0.5, 1.0)


@pytest.mark.parametrize(("probability", "expected"), [([0.1, 0.9], 0.2), ([0.9, 0.1], 0.0), ([0.5, 0.5], 0.02)])
def test_pauc_of_perfect_reversed_and_constant_scores(probability, expected):
    assert classification_metrics([0, 1], probability, 0.5)["pauc_80"] == pytest.approx(expected)


@pytest.mark.parametrize(
    ("target", "probability", "undefined"),
    [
        (
            [0, 0],
            [0.2, 0.7],
            {"auc", "average_precision", "recall", "f1", *OF_BOTH_CLASSES},
        ),
        ([1, 1], [0.2, 0.7], {"auc", "specificity", *OF_BOTH_CLASSES}),
        ([0, 1], [0.2, 0.3], {"precision"}),
        ([], [], set(KEYS) - {"n", "n_positive", "threshold", "confusion_matrix"}),
    ],
)
def test_undefined_is_none_and_nothing_else_is(target, probability, undefined):
    m = classification_metrics(target, probability, 0.5)
    assert {key for key, value in m.items() if value is None} == undefined
    assert json.loads(json.dumps(m, allow_nan=False)) == m


@pytest.mark.parametrize(
    ("target", "probability", "words"),
    [
        ([0, 1], [0.1, np.nan], "not finite"),
        ([0, 1], [-3.0, 2.0], "logits"),
        ([0, 2], [0.1, 0.2], "other than 0 and 1"),
        ([0, np.nan], [0.1, 0.2], "other than 0 and 1"),
        ([0, 1, 1], [0.1, 0.2], "shapes"),
    ],
)
def test_bad_input_is_refused(target, probability, words):
    with pytest.raises(ValueError, match=words):
        classification_metrics(target, probability, 0.5)


def test_roc_auc_takes_logits_and_refuses_nan():
    assert roc_auc([0, 1, 1], [-5.0, 2.0, 7.0]) == 1.0
    assert roc_auc([1, 1], [0.1, 0.2]) is None
    with pytest.raises(ValueError, match="not finite"):
        roc_auc([0, 1], [0.1, np.nan])
