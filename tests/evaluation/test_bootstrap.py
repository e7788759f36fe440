import numpy as np
import pytest
from sklearn.metrics import average_precision_score, balanced_accuracy_score, brier_score_loss, f1_score, roc_auc_score

from melanoma.evaluation import bootstrap
from melanoma.evaluation.bootstrap import FIGURES, bootstrap_draws, bootstrap_metrics
from melanoma.evaluation.intervals import patient_bootstrap_auc, wilson
from melanoma.evaluation.metrics import classification_metrics
from melanoma.evaluation.retrieval import top_k_sensitivity

THRESHOLD = 0.5


def made(patients=25, images=20, seed=0, decimals=2):
    """Predictions with ties; some patients have more images than a top-15 has places."""
    rng = np.random.default_rng(seed)
    patient = np.sort(rng.integers(0, patients, patients * images))
    target = (rng.random(len(patient)) < 0.3).astype(int)
    probability = np.clip(rng.normal(0.35 + 0.2 * target, 0.2), 0, 1)
    return target, np.round(probability, decimals), patient


def repeated_rows(target, probability, patient, seed, draws, min_tpr):
    """Measure rows that are repeated one by one, each drawn patient as a new one."""
    rng = np.random.default_rng(seed)
    rows_of = [np.flatnonzero(patient == name) for name in np.unique(patient)]
    for _ in range(draws):
        drawn = [rows_of[place] for place in rng.integers(len(rows_of), size=len(rows_of))]
        rows, copies = np.concatenate(drawn), np.repeat(np.arange(len(drawn)), [len(one) for one in drawn])
        measured = classification_metrics(target[rows], probability[rows], THRESHOLD, min_tpr)
        yield rows, measured | {"top_15_sensitivity": top_k_sensitivity(target[rows], probability[rows], copies)}


@pytest.mark.parametrize("min_tpr", [0.8, 0.9])
@pytest.mark.parametrize(("seed", "decimals"), [(0, 2), (1, 1), (2, 6)])
def test_each_draw_is_what_repeated_rows_give(seed, decimals, min_tpr):
    target, probability, patient = made(seed=seed, decimals=decimals)
    codes = np.unique(patient, return_inverse=True)[1]
    drawn = bootstrap_draws(target, probability, codes, THRESHOLD, 6, seed, min_tpr)
    assert set(drawn) == {*FIGURES, f"pauc_{100 * min_tpr:g}"}
    for place, (_, expected) in enumerate(repeated_rows(target, probability, patient, seed, 6, min_tpr)):
        for name, values in drawn.items():
            assert values[place] == pytest.approx(expected[name], abs=1e-12), name


def test_the_figures_are_scikit_learn_s():
    target, probability, patient = made()
    drawn = bootstrap_draws(target, probability, patient, THRESHOLD, 4, 0, 0.8)
    functions = {"auc": roc_auc_score, "average_precision": average_precision_score, "brier": brier_score_loss}
    decided = {"balanced_accuracy": balanced_accuracy_score, "f1": f1_score}
    for place, (rows, _) in enumerate(repeated_rows(target, probability, patient, 0, 4, 0.8)):
        truth, score = target[rows], probability[rows]
        for name, function in functions.items():
            assert drawn[name][place] == pytest.approx(function(truth, score))
        for name, function in decided.items():
            assert drawn[name][place] == pytest.approx(function(truth, score >= THRESHOLD))


def test_the_same_bits_for_any_row_order_and_chunk(monkeypatch):
    target, probability, patient = made()
    first = bootstrap_metrics(target, probability, patient, THRESHOLD, 100, 1, 0.8)
    order = np.random.default_rng(0).permutation(len(target))
    monkeypatch.setattr(bootstrap, "CHUNK_CELLS", 3_500)  # 7 draws at once, and a shorter last chunk
    again = bootstrap_metrics(target[order], probability[order], patient[order], THRESHOLD, 100, 1, 0.8)
    assert again == first
    assert bootstrap_metrics(target, probability, patient, THRESHOLD, 100, 2, 0.8) != first
    assert first["auc"] == patient_bootstrap_auc(target, probability, patient, 100, 1)


def test_an_interval_holds_the_figure():
    target, probability, patient = made(patients=60)
    measured = classification_metrics(target, probability, THRESHOLD)
    for name, (low, high) in bootstrap_metrics(target, probability, patient, THRESHOLD, 200, 0, 0.8).items():
        if name not in ("ece", "top_15_sensitivity"):  # a resample's calibration error is larger
            assert low < measured[name] < high, name


def test_what_is_not_defined_has_no_interval():
    target, patient = np.zeros(6, dtype=int), np.arange(6)
    found = bootstrap_metrics(target, np.linspace(0, 1, 6), patient, THRESHOLD, 50, 0, 0.8)
    missing = {name for name, interval in found.items() if interval is None}
    assert missing == {
        *("auc", "average_precision", "pauc_80", "balanced_accuracy", "recall", "f1", "top_15_sensitivity"),
        *("sensitivity_at_95_specificity", "specificity_at_90_sensitivity", "specificity_at_95_sensitivity"),
    }
    alone = bootstrap_metrics([0, 1], [0.1, 0.9], ["a", "a"], THRESHOLD, 50, 0, 0.8)
    assert set(alone.values()) == {None}


def test_no_wrong_call_is_no_certainty():
    target, patient = np.tile([0, 0, 1], 10), np.arange(30) // 3
    found = bootstrap_metrics(target, np.where(target == 1, 0.9, 0.1), patient, THRESHOLD, 100, 0, 0.8)
    assert found["recall"] == found["accuracy"] == wilson(10, 10)  # of ten patients, however many images
    assert (found["auc"], found["f1"], found["balanced_accuracy"]) == (None, None, None)
    none_called = bootstrap_metrics(target, np.full(30, 0.1), patient, THRESHOLD, 100, 0, 0.8)
    assert none_called["recall"] == wilson(0, 10)
    assert none_called["precision"] is None
