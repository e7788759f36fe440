import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from melanoma.errors import DataError
from melanoma.evaluation.ensemble import combine, mean_rank, mean_threshold, to_logit


def table(*logits, names="abcd"):
    probability = 1 / (1 + np.exp(-np.array(logits)))
    return pd.DataFrame({"image_name": list(names[: len(logits)]), "patient_id": "p", "target": 0, "logit": logits,
                         "probability": probability})  # fmt: skip


ONE, TWO = table(0.0, 1.0, 3.0, -2.0), table(2.0, 1.0, -3.0, 0.0)


def test_logits_are_averaged_and_the_probability_is_that_of_the_mean():
    both = combine({"one": ONE, "two": TWO}, "logits")
    assert both["logit"].tolist() == [1.0, 1.0, 0.0, -1.0]
    assert both["probability"].tolist() == pytest.approx([0.73106, 0.73106, 0.5, 0.26894], abs=1e-5)
    assert both["image_name"].tolist() == list("abcd")


def test_the_order_of_the_second_table_does_not_matter():
    shuffled = combine({"one": ONE, "two": TWO.iloc[::-1]}, "logits")
    assert shuffled.equals(combine({"one": ONE, "two": TWO}, "logits"))


def test_ranks_are_averaged_over_the_number_of_images():
    both = combine({"one": ONE, "two": TWO}, "ranks")  # ranks 2 3 4 1 and 4 3 1 2
    assert both["probability"].tolist() == pytest.approx([3 / 4, 3 / 4, 2.5 / 4, 1.5 / 4])
    assert both["logit"].tolist() == pytest.approx(to_logit(both["probability"].to_numpy()).tolist())


def test_a_rank_of_1_has_a_finite_logit():
    assert np.isfinite(combine({"one": ONE, "two": ONE}, "ranks")["logit"]).all()
    assert mean_rank(np.array([[1.0, 1.0, 5.0]])).tolist() == [0.5, 0.5, 1.0]


@given(st.lists(st.tuples(st.floats(-9, 9), st.floats(-9, 9)), min_size=1, max_size=30))
def test_ranks_do_not_change_with_a_member_s_scale(pairs):
    scores = np.array(pairs).T
    ranks = mean_rank(scores)
    assert np.allclose(mean_rank(scores * np.array([[8.0], [2.0]])), ranks)
    assert ((ranks > 0) & (ranks <= 1)).all()


@pytest.mark.parametrize("how", ["logits", "ranks", "folds"])
def test_a_single_table_stays_as_it_is(how):
    assert combine({"one": ONE}, how) is ONE


def test_folds_follow_each_other():
    both = combine({"one": ONE, "two": table(1.0, 2.0, names="xy")}, "folds")
    assert both["image_name"].tolist() == list("abcdxy")
    assert both.index.tolist() == list(range(6))


@pytest.mark.parametrize("how", ["logits", "ranks"])
def test_other_images_are_named_with_the_way_out(how):
    with pytest.raises(DataError, match=r"checkpoints one and two .* 1 image .* only in one, such as d.* split=all"):
        combine({"one": ONE, "two": TWO.iloc[:3]}, how)


def test_thresholds_are_averaged_as_logits():
    assert mean_threshold([0.3]) == 0.3
    assert mean_threshold([0.2, 0.8]) == pytest.approx(0.5)
    assert mean_threshold([0.5, 0.9]) == pytest.approx(0.75)
    assert mean_threshold([1.0, 1.0]) == pytest.approx(1)
