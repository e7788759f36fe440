import itertools

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.image import imread

from melanoma.compare.pictures import PICTURES, plot_overview, plot_performance, plot_progression

DRAW = [plot for _, plot in PICTURES.values()]


@pytest.fixture
def drawn(monkeypatch):
    """Collect the figures that are saved."""
    figures = []
    save = Figure.savefig
    monkeypatch.setattr(Figure, "savefig", lambda self, *a, **k: (figures.append(self), save(self, *a, **k)))
    return figures


def ten(results, count=10, **figures):
    names = {f"site_specific seed={place} epochs=3 lr=0.0001": 0.1 * place for place in range(count)}
    return results(names, **figures).runs


@pytest.mark.parametrize("draw", DRAW)
@pytest.mark.parametrize("count", [2, 10])
def test_no_words_overlap_or_leave_the_picture(results, tmp_path, drawn, draw, count):
    draw(ten(results, count, reported_auc=0.9), tmp_path / "a.png")
    figure = drawn[0]
    figure.draw_without_rendering()
    boxes = [text.get_window_extent() for text in words_of(figure)]
    room = figure.bbox.padded(1)
    assert len(boxes) > count
    assert all(room.contains(box.x0, box.y0) and room.contains(box.x1, box.y1) for box in boxes)
    assert not any(one.overlaps(other) for one, other in itertools.combinations(boxes, 2))


def words_of(figure):
    """All texts that are drawn; ticks beyond the axes are kept, but are not."""
    for axes in figure.axes:
        yield from [*axes.texts, axes.xaxis.label, axes.yaxis.label]
        for axis, limits in ((axes.xaxis, axes.get_xlim()), (axes.yaxis, axes.get_ylim())):
            shown = [tick for tick in axis.get_major_ticks() if min(limits) <= tick.get_loc() <= max(limits)]
            yield from (tick.label2 if tick.label2.get_visible() else tick.label1 for tick in shown)
    for legend in figure.legends:
        yield from legend.get_texts()


@pytest.mark.parametrize("draw", DRAW)
def test_one_class_no_history_and_a_formula_in_a_name_are_drawn(results, tmp_path, draw):
    made = results({"a $x_{ b": 1.0, "b": 0.5}, target=[0] * 10, epoch_seconds=None).runs
    for run in made:
        object.__setattr__(run, "history", None)
    draw(made, tmp_path / "a.png")
    assert imread(tmp_path / "a.png").std() > 0


def test_runs_are_told_apart_without_colour(results, tmp_path, drawn):
    plot_progression(ten(results), tmp_path / "a.png")
    lines = drawn[0].axes[0].lines
    assert len({line.get_marker() for line in lines}) == len(lines) == 10


def test_the_highest_auc_is_on_top_with_its_interval(results, tmp_path, drawn):
    made = results({"strong": 2.0, "weak": 0.3}, reported_auc=0.9).runs
    plot_performance(made, tmp_path / "a.png")
    axes = drawn[0].axes[0]
    assert axes.lines[0].get_xdata().tolist() == [made[0].figures["auc_ci_low"], made[0].figures["auc_ci_high"]]
    assert axes.get_ylim()[0] > axes.get_ylim()[1]
    assert [text.get_text() for text in axes.get_yticklabels()] == ["strong", "weak"]
    assert "other patients" in drawn[0].legends[0].get_texts()[0].get_text()


def test_shades_run_from_worst_to_best_and_skip_what_is_no_merit(results, tmp_path, drawn):
    plot_overview(results({"a": 1.0, "b": 1.0}, auc=0.8).runs, tmp_path / "a.png")
    shades = drawn[0].axes[0].images[0].get_array()
    titles = [text.get_text().replace("\n", " ") for text in drawn[0].axes[0].get_xticklabels()]
    assert shades[:, titles.index("s/epoch")].tolist() == [1, 0]  # 4 and 5 seconds
    assert shades[:, titles.index("AUC")].tolist() == [0, 0]
    assert np.ma.getmaskarray(shades)[:, titles.index("Epochs")].all()
    assert np.ma.getmaskarray(shades)[:, titles.index("Peak MB")].all()
