import numpy as np

from melanoma.evaluation.prevalence import operating_points, plot_decision_curves
from melanoma.evaluation.sections.operating import NOT_CALLED, _row, show_operating
from melanoma.evaluation.threshold_table import threshold_table

TARGET, PROBABILITY = np.array([0] * 8 + [1] * 4), np.array([0.1] * 6 + [0.6] * 2 + [0.2] + [0.7] * 3)


def shown(thresholds, tmp_path):
    plot_decision_curves([], tmp_path / "plot.png")
    points = operating_points(TARGET, PROBABILITY, np.arange(12), thresholds, [0.018, 0.1], 50, 0)
    return show_operating(points, threshold_table(TARGET, PROBABILITY, 0.5), tmp_path / "plot.png").tables


def test_a_table_a_threshold_and_a_row_a_prevalence(tmp_path):
    tables = shown({"Threshold": 0.5, "90 % sensitivity": 0.15}, tmp_path)
    captions = ["Threshold: 0.5", "90 % sensitivity: 0.15", "Other thresholds, on these images"]
    assert [table.caption for table in tables] == captions
    assert [row[0].text for row in tables[0].rows] == ["1.8 %", "10 %"]
    assert [cell.text for cell in tables[0].rows[1][1:]] == ["0.750", "0.750", "0.2500", "0.9643", "4.0"]


def test_with_one_class_the_page_says_which_is_missing():
    found = operating_points(np.ones(12, int), PROBABILITY, np.arange(12), {"Threshold": 0.5}, [0.1], 50, 0)
    (row,) = (_row(point) for point in found)
    assert [cell.text for cell in row[1:]] == ["0.417", *["no benign image"] * 4]


def test_what_nothing_is_called_has_words(tmp_path):
    table, _ = shown({"Threshold": 0.9}, tmp_path)
    assert (table.rows[0][3].text, table.rows[0][3].missing) == (NOT_CALLED, True)
