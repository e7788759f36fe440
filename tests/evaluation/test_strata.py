import numpy as np
import pandas as pd
import pytest

from melanoma.evaluation.metrics import roc_auc
from melanoma.evaluation.rankings import draw_aucs
from melanoma.evaluation.strata import measure_strata, stratify


def measured(sources, target, score):
    patient = np.arange(len(target))
    overall = draw_aucs(target, {"model": score}, patient, 200, 0)["model"]
    return measure_strata("source", pd.Series(sources), target, np.asarray(score), patient, overall, 0)


def two_clinics(n=400, seed=0):
    """A score that knows the clinic, where most melanomas are, and nothing else."""
    rng = np.random.default_rng(seed)
    clinic = np.where(rng.random(n) < 0.5, "a", "b")
    target = (rng.random(n) < np.where(clinic == "b", 0.6, 0.1)).astype(int)
    return clinic, target, (clinic == "b") + rng.normal(0, 0.1, n)


def test_a_score_that_tells_clinics_apart_is_worth_nothing_within_one():
    clinic, target, score = two_clinics()
    found = measured(clinic, target, score)
    assert roc_auc(target, score) > 0.7
    assert found.auc == pytest.approx(0.5, abs=0.1)
    assert found.difference == pytest.approx(roc_auc(target, score) - found.auc)
    assert found.difference_ci_low > 0.1
    assert found.enough
    assert (found.groups, found.why_missing) == (2, None)


def test_the_largest_strata_are_shown_with_their_auc():
    clinic, target, score = two_clinics()
    found = measured(clinic, target, score)
    assert [one.value for one in found.largest] == ["b", "a"]
    for one in found.largest:
        rows = clinic == one.value
        assert (one.n, one.positives) == (rows.sum(), target[rows].sum())
        assert one.auc == pytest.approx(roc_auc(target[rows], score[rows]))
        assert one.auc_ci_low < one.auc < one.auc_ci_high
    pairs = [one.positives * (one.n - one.positives) for one in found.largest]
    assert found.pairs_share == pytest.approx(sum(pairs) / (target.sum() * (1 - target).sum()))


def test_strata_of_one_class_take_no_part():
    clinic, target, score = two_clinics()
    found = measured(np.append(clinic, ["c"] * 5), np.append(target, [0] * 5), np.append(score, [9.0] * 5))
    alone = measured(clinic, target, score)
    assert (found.groups, found.auc, len(found.largest)) == (3, alone.auc, 2)
    assert found.difference < alone.difference


@pytest.mark.parametrize(
    ("sources", "reason"),
    [
        (["a"] * 4, "every image has the same"),
        (["unknown"] * 4, "not known"),
        (["a", "b", "a", "b"], "no two images that share it differ in diagnosis"),
    ],
)
def test_what_cannot_be_compared_has_a_reason(sources, reason):
    found = measured(sources, np.array([0, 1, 0, 1]), [0.1, 0.2, 0.3, 0.4])
    assert (found.auc, found.difference, found.enough, found.why_missing) == (None, None, False, reason)


def test_images_are_put_together_by_size_and_by_source():
    table = pd.DataFrame({"width": [640.0, 640, np.nan], "height": [480.0, 481, 480], "source": ["a", None, "b"]})
    strata = stratify(table)
    assert strata["image size"].tolist() == ["640 x 480", "640 x 481", "unknown"]
    assert strata["source"].tolist() == ["a", "unknown", "b"]
    assert {one.nunique() for one in stratify(pd.DataFrame({"target": [0, 1]})).values()} == {1}
