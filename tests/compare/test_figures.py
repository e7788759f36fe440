import pytest

from melanoma.compare.figures import (
    AUC,
    COST,
    DECISIONS,
    INTERVAL,
    PAIRS,
    REPORTED,
    cell,
    columns_of_quality,
    pair_cells,
)
from melanoma.compare.paired import Pair

TWO = {"strong": 2.0, "weak": 0.3}


def test_every_column_has_a_figure_or_a_reason(results):
    for target in (None, [0] * 10, [1] * 10):
        figures = results(TWO, target=target, epochs=None, epoch_seconds=None).runs[0].figures
        for column in (AUC, INTERVAL, *DECISIONS, *COST):
            one = cell(figures, column)
            assert one.missing == (figures[column.key] is None)
            assert one.text.startswith("not ") == one.missing


def test_the_study_s_figure_is_shown_where_it_was_asked_for(results):
    assert REPORTED not in columns_of_quality(results(TWO).runs)
    asked = results(TWO, reported_auc=None).runs
    assert REPORTED in columns_of_quality(asked)
    assert cell(asked[0].figures, REPORTED).text == "none"


@pytest.mark.parametrize(
    ("pair", "words"),
    [
        (
            Pair("a", "b", 0.1234, 0.01, 0.2, 0.0001, 0.02, {}),
            ["+0.123", "+0.010 to +0.200", "< 0.001", "0.020", "yes"],
        ),
        (
            Pair("a", "b", -0.1, None, None, None, None, dict.fromkeys(("ci_low", "ci_high", "p", "p_holm"), "why")),
            ["-0.100", "why", "why", "why", "no"],
        ),
    ],
)
def test_a_pair_is_put_into_words(pair, words):
    cells = pair_cells(pair)
    assert [one.text for one in cells] == words
    assert [one.missing for one in cells] == [word == "why" for word in words]
    assert len(cells) == len(PAIRS)
