import re

import pytest

from melanoma.compare.page import terminal_table, write_html, write_markdown
from melanoma.compare.pictures import plot_performance
from melanoma.markdown import escape

TWO = {"strong": 2.0, "weak": 0.3}
ATTACK = '"><script>alert(1)</script>|`*_[x](y)'


@pytest.fixture
def written(tmp_path):
    """Write both pages with one picture, and give their texts."""

    def write(results):
        (tmp_path / "plots").mkdir(exist_ok=True)
        plot_performance(results.runs, tmp_path / "plots/a.png")
        pictures = {"AUC": tmp_path / "plots/a.png"}
        write_html(tmp_path / "compare.html", results, pictures)
        write_markdown(tmp_path / "compare.md", results, pictures)
        return [(tmp_path / f"compare.{ending}").read_text(encoding="utf-8") for ending in ("html", "md")]

    return write


def test_both_pages_show_every_figure_of_every_run(written, results):
    made = results(TWO, reported_auc=0.912)
    for text in written(made):
        for run in made.runs:
            for key in ("auc", "recall", "specificity", "precision", "f1", "accuracy", "reported_auc"):
                assert f"{run.figures[key]:.3f}" in text
            assert f"{run.figures['auc_ci_low']:.3f} to {run.figures['auc_ci_high']:.3f}" in text
        assert f"{made.pairs[0].difference:+.3f}" in text.replace("\\", "")
        assert "takes every image as independent" in text


def test_what_is_missing_is_told_in_words(written, results):
    html, markdown = written(results(TWO, target=[0] * 10))
    assert not re.search(r">\s*(None|nan)", html)
    assert "not defined: every image is benign" in html
    assert "| not defined: every image is benign |" in markdown
    assert "nan" not in markdown


def test_names_never_become_markup(written, results):
    html, markdown = written(results({ATTACK: 2.0, "weak": 0.3}))
    assert "<script" not in html
    assert not re.search(r"(?<!\\)[<|`](?=script|`|\*)", markdown)
    rows = [line for line in markdown.splitlines() if line.startswith("|") and "alert" in line]
    assert rows
    for row in rows:
        table = markdown[: markdown.index(row)].rpartition("\n\n")[2].splitlines()
        assert len(re.findall(r"(?<!\\)\|", row)) == len(re.findall(r"\|", table[0]))


def test_the_page_needs_nothing_from_outside(written, results):
    html, markdown = written(results(TWO))
    assert not re.search(r"https?://|<script|@import|url\(", html)
    assert "![AUC](plots/a.png)" in markdown


def test_the_terminal_s_columns_are_aligned(results):
    head, *rows = terminal_table(results({"a": 2.0, "a longer name": 0.3}, epoch_seconds=None)).splitlines()
    assert {len(head)} == {len(row) for row in rows}
    assert [row.split()[-2] for row in rows] == ["-", "-"]
    assert head.index("AUC") + 3 == rows[0].index("0.") + 5


def test_escaping_keeps_plain_words():
    assert escape("standard seed=1 (#2), +1!") == "standard seed=1 (#2), +1!"
    assert escape("a|b<c>") == r"a\|b\<c\>"
