import pandas as pd
from matplotlib.figure import Figure

from melanoma.evaluation.floors import floor_scores
from melanoma.evaluation.shortcut_picture import plot_shortcuts
from melanoma.evaluation.shortcuts import find_shortcuts


def words_of(monkeypatch, tmp_path, target):
    figures = []
    save = Figure.savefig
    monkeypatch.setattr(Figure, "savefig", lambda self, *a, **k: (figures.append(self), save(self, *a, **k)))
    names = [f"i{row}" for row in range(60)]
    table = pd.DataFrame({"image_name": names, "patient_id": names, "target": target, "sex": ["male", "female"] * 30})
    table["probability"] = [0.2, 0.4, 0.6] * 20
    plot_shortcuts(find_shortcuts(table, floor_scores(table), None, "no model", 0.5, 100, 0), tmp_path / "plot.png")
    assert (tmp_path / "plot.png").read_bytes().startswith(b"\x89PNG")
    (axes,) = figures[0].axes
    return [one.get_text() for one in (*axes.get_yticklabels(), *axes.texts)]


def test_each_line_has_a_name_and_a_figure_or_a_reason(monkeypatch, tmp_path):
    words = words_of(monkeypatch, tmp_path, [0, 0, 1] * 20)
    assert words[:4] == ["The predictions", "The floor: all facts together", "Image size", "File size"]
    assert "1.000" in words
    assert words.count(" not known") == 4


def test_one_class_is_told_in_words(monkeypatch, tmp_path):
    assert words_of(monkeypatch, tmp_path, [0] * 60)[-1] == "Nothing to rank: the images are not of both classes"
