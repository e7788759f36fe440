import pytest

from melanoma.evaluation.metrics import classification_metrics
from melanoma.evaluation.sections.numbers import all_figures

MEASURED = classification_metrics([0] * 6 + [1] * 4, [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.55, 0.7, 0.8, 0.9], 0.5) | {
    **{"split": "test", "n_patients": 7, "auc_ci_low": 0.8371, "auc_ci_high": 0.9969, "top_15_sensitivity": 1.0},
    **{"auc_delong_low": None, "auc_delong_high": None, "inference_ms_per_image": 12.34, "model_megabytes": 71.2},
}


def cells(metrics):
    return {row[0].text: row[1] for table in all_figures(metrics).tables for row in table.rows}


def test_every_figure_is_shown():
    shown = cells(MEASURED)
    assert (shown["AUC"].text, shown["AUC"].note) == ("0.958", "0.837 to 0.997")
    assert shown["Time per image"].text == "12.3 ms"
    assert shown["Partial AUC above 80 % sensitivity"].text == f"{MEASURED['pauc_80']:.4f}"
    counts = ("True positives", "False negatives", "False positives", "True negatives")
    assert [shown[name].text for name in counts] == ["4", "0", "2", "4"]


def test_the_partial_auc_says_where_it_begins():
    metrics = {key: value for key, value in MEASURED.items() if key != "pauc_80"} | {"pauc_90": 0.05}
    assert cells(metrics)["Partial AUC above 90 % sensitivity"].text == "0.0500"


def test_every_key_of_the_metrics_is_asked_for():
    for key in MEASURED.keys() - {"auc_ci_low", "auc_ci_high", "auc_delong_high", "why_missing"}:
        with pytest.raises((KeyError, StopIteration)):
            all_figures({name: value for name, value in MEASURED.items() if name != key})


def test_a_missing_value_is_words():
    shown = cells(MEASURED | {"precision": None})
    assert shown["Precision"].missing
    assert shown["Precision"].text == "not defined: no image was called malignant"


def test_folds_have_a_row_each():
    shown = cells(MEASURED | {"folds": [0, 2], "fold_aucs": [0.75, None]})
    assert shown["AUC of fold 0"].text == "0.750"
    assert shown["AUC of fold 2"].missing
