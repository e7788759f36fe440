import sys

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from matplotlib.image import imread

from melanoma.evaluation.plots import plot_confusion, plot_history, plot_roc, plot_two_rocs


@pytest.fixture
def drawn(monkeypatch):
    """Collect the figures that are saved."""
    figures = []
    save = Figure.savefig
    monkeypatch.setattr(Figure, "savefig", lambda self, *a, **k: (figures.append(self), save(self, *a, **k)))
    return figures


def texts(axes):
    legend = axes.get_legend()
    return [t.get_text() for t in axes.texts] + ([t.get_text() for t in legend.get_texts()] if legend else [])


def history(epochs):
    columns = ["train/loss", "val/loss", "val/auc", "lr", "epoch_seconds", "train/images_per_second"]
    values = np.linspace(0.6, 0.9, epochs)
    return pd.DataFrame({"epoch": np.arange(1, epochs + 1), **dict.fromkeys(columns, values)})


def test_roc_marks_the_operating_point_and_states_the_auc(tmp_path, drawn):
    plot_roc([0, 0, 1, 1], [0.1, 0.6, 0.4, 0.9], 0.75, (0.5, 1.0), 0.5, tmp_path / "roc.png")
    axes = drawn[0].axes[0]
    assert axes.lines[1].get_xydata().tolist() == [[0.5, 0.5]]
    assert "AUC 0.750\n95 % interval 0.500 to 1.000" in texts(axes)
    assert imread(tmp_path / "roc.png").shape[:2] == (720, 720)


def test_two_rocs_have_a_curve_and_a_point_each(tmp_path, drawn):
    own = pd.DataFrame({"target": [0, 0, 1, 1], "probability": [0.1, 0.2, 0.8, 0.9]})
    other = pd.DataFrame({"target": [0, 0, 1, 1], "probability": [0.1, 0.6, 0.4, 0.9]})
    plot_two_rocs(own, other, 0.5, tmp_path / "external.png")
    axes = drawn[0].axes[0]
    points = [line.get_xydata().tolist() for line in axes.lines if line.get_marker() == "o"]
    assert points[:2] == [[[0.0, 1.0]], [[0.5, 0.5]]]
    assert {"Internal: AUC 1.000", "External: AUC 0.750", "At threshold 0.5"} <= set(texts(axes))


def test_two_rocs_say_which_has_one_class(tmp_path, drawn):
    own = pd.DataFrame({"target": [0, 1], "probability": [0.1, 0.9]})
    plot_two_rocs(own, own.assign(target=0), 0.5, tmp_path / "external.png")
    assert "External: all 2 images are benign" in texts(drawn[0].axes[0])


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ([0, 0], "all 2 images are benign"),
        ([1, 1], "all 2 images are malignant"),
        ([], "there are no images"),
    ],
)
def test_roc_of_one_class_says_why_it_is_empty(tmp_path, drawn, target, words):
    plot_roc(target, [0.5] * len(target), None, None, 0.5, tmp_path / "roc.png")
    assert texts(drawn[0].axes[0]) == [f"No ROC curve:\n{words}"]


def test_confusion_shows_counts_and_row_percentages(tmp_path, drawn):
    plot_confusion([[1500, 500], [0, 0]], tmp_path / "confusion.png")
    shown = {t.get_position(): t.get_text() for t in drawn[0].axes[0].texts}
    assert shown[(0, 0)] == "1,500"
    assert shown[(1, 0)] == "500"  # benign lesions called malignant: to the right, in the upper row
    assert shown[(1, 0.06)] == "25.0 %"
    assert shown[(0, 1.06)] == "no images"


@pytest.mark.parametrize("epochs", [1, 100])
def test_history_marks_the_best_epoch(tmp_path, drawn, epochs):
    plot_history(history(epochs), tmp_path / "history.png")
    assert f"in epoch {epochs}" in texts(drawn[0].axes[1])[1]
    assert (tmp_path / "history.png").stat().st_size > 0


def test_history_without_validation_values(tmp_path, drawn):
    table = history(3).assign(**{"val/loss": np.nan, "val/auc": np.nan})
    plot_history(table, tmp_path / "history.png")
    assert texts(drawn[0].axes[0]) == ["Training"]
    assert "No validation AUC" in texts(drawn[0].axes[1])[0]


def test_a_gap_in_validation_is_not_the_best_epoch(tmp_path, drawn):
    table = history(3)
    table.loc[2, "val/auc"] = np.nan
    plot_history(table, tmp_path / "history.png")
    assert "Best: 0.750 in epoch 2" in texts(drawn[0].axes[1])


def test_pyplot_and_its_global_state_stay_out():
    module = sys.modules[plot_roc.__module__]
    assert not any(getattr(value, "__name__", "") == "matplotlib.pyplot" for value in vars(module).values())
