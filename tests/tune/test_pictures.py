import pytest
from matplotlib.figure import Figure

from melanoma.tune.pictures import plot_trials
from melanoma.tune.table import Row

ROWS = [
    Row(0, "complete", 0.6, 2, 1.0, {}, ""),
    Row(1, "failed", None, 0, 0.5, {}, "x"),
    Row(2, "pruned", 0.5, 1, 0.5, {}, ""),
    Row(3, "complete", 0.8, 2, 1.0, {}, ""),
]


@pytest.fixture
def drawn(monkeypatch, tmp_path):
    """Draw, and give the axes."""
    figures = []
    save = Figure.savefig

    def kept(self, *arguments, **more):
        figures.append(self)
        save(self, *arguments, **more)

    monkeypatch.setattr(Figure, "savefig", kept)

    def draw(rows):
        plot_trials(rows, tmp_path / "tune.png")
        assert (tmp_path / "tune.png").stat().st_size > 5000
        return figures[-1].axes[0]

    return draw


def test_every_trial_is_drawn_as_what_it_is(drawn):
    lines = {line.get_label(): line.get_xydata().tolist() for line in drawn(ROWS).lines}
    assert lines == {
        "Best so far": [[0, 0.6], [3, 0.8]],
        "Complete": [[0, 0.6], [3, 0.8]],
        "Pruned, at its last epoch": [[2, 0.5]],
        "Failed, or killed": [[1, 0]],
        "Best: 0.800 in trial 3": [[3, 0.8]],
    }


@pytest.mark.parametrize("rows", [[], [Row(0, "running", None, 0, None, {}, "")]])
def test_without_an_ended_trial_it_says_so(drawn, rows):
    assert [text.get_text() for text in drawn(rows).texts] == ["No trial has ended yet"]


@pytest.mark.parametrize("rows", [ROWS[1:2], ROWS[2:3], ROWS[:1]])
def test_one_kind_alone_can_be_drawn(drawn, rows):
    assert drawn(rows).lines
