import pandas as pd
import pytest

from melanoma.tune.table import Row, best_of, best_so_far, write_csv, write_markdown


@pytest.fixture
def rows():
    return [
        Row(0, "complete", 0.6, 2, 1.0, {"training.lr": "0.1"}, ""),
        Row(1, "failed", None, 0, 0.5, {"training.lr": "9"}, "the loss is not finite"),
        Row(2, "pruned", 0.9, 1, 0.5, {"training.lr": "0.3"}, ""),
        Row(3, "complete", 0.8, 2, 1.0, {"training.lr": "0.2"}, ""),
        Row(4, "running", None, 0, None, {}, ""),
        Row(5, "complete", 0.8, 2, 1.0, {"training.lr": "0.4"}, ""),
    ]


def test_only_complete_trials_can_be_best(rows):
    assert best_of(rows).number == 3
    assert best_so_far(rows) == ([0, 3, 5], [0.6, 0.8, 0.8])
    assert best_of(rows[1:3]) is None
    assert best_so_far([]) == ([], [])


def test_the_csv_has_a_line_a_trial(rows, tmp_path):
    write_csv(tmp_path / "trials.csv", rows)
    table = pd.read_csv(tmp_path / "trials.csv")
    assert list(table) == ["trial", "state", "val/auc", "epochs", "seconds", "training.lr", "cause"]
    assert table["state"].tolist()[1:3] == ["failed", "pruned"]
    assert table["cause"].dropna().tolist() == ["the loss is not finite"]


def test_the_markdown_has_the_best_first(rows, tmp_path):
    write_markdown(tmp_path / "trials.md", "a_b", rows)
    lines = (tmp_path / "trials.md").read_text().splitlines()
    assert lines[0] == r"# Study a\_b"
    assert [line.split(" | ")[0] for line in lines if line[:3].strip("| ").isdigit()] == [
        f"| {number}" for number in (3, 5, 0, 2, 1, 4)
    ]
    assert list(tmp_path.iterdir()) == [tmp_path / "trials.md"]
