import logging
import shutil

import pytest

from melanoma.config import EvalConfig, compose, resolve
from melanoma.errors import ConfigError, DataError


@pytest.fixture
def other(other_root):
    return ("data=siim_isic", f"data.root={other_root}")


@pytest.fixture
def earlier(scored, tmp_path):
    """Evaluate a run's own split; give the folder."""

    def run(path, *options):
        scored(path, options=options)
        return shutil.copytree(tmp_path / "eval", tmp_path / "earlier")

    return run


def test_an_earlier_evaluation_gives_the_same_as_scoring_now(trained, scored, evidence, earlier, other):
    folder = earlier(str(trained))
    scored(str(trained), options=other)
    now = evidence()["external"]
    _, _, page = scored(str(trained), options=(*other, f"internal={folder}"))
    then = evidence()["external"]
    assert then.pop("internal") == "of an earlier evaluation, earlier"
    assert now.pop("internal") == "scored likewise"
    assert [figure["internal"] for figure in then["figures"]] == pytest.approx(
        [figure["internal"] for figure in now["figures"]]
    )
    assert str(folder) not in page


def test_an_evaluation_of_another_split_is_refused(trained, scored, earlier, other):
    folder = earlier(str(trained), "split=val")
    with pytest.raises(
        DataError, match=r"predictions\.csv has 0 of the 9 images of the checkpoint's test split and \d+ "
    ):
        scored(str(trained), options=(*other, f"internal={folder}"))


def test_an_evaluation_at_another_threshold_is_warned_of(trained, scored, earlier, other, caplog):
    folder = earlier(str(trained), "threshold=0.9")
    with caplog.at_level(logging.WARNING):
        scored(str(trained), options=(*other, f"internal={folder}"))
    assert "was judged at the threshold 0.9, and this is" in caplog.text


def test_a_folder_without_predictions_is_refused(trained, scored, other, tmp_path):
    with pytest.raises(DataError, match=r"predictions\.csv cannot be read"):
        scored(str(trained), options=(*other, f"internal={tmp_path}"))


def test_internal_is_refused_where_nothing_stands_beside_it(trained, scored, earlier):
    folder = earlier(str(trained))
    with pytest.raises(ConfigError, match="internal stands beside another data set"):
        scored(str(trained), options=(f"internal={folder}",))


def test_checkpoints_with_one_test_split_are_averaged_on_both(trained, member, scored, evidence, other):
    runs = [str(trained), member("a")]
    own, *_ = scored(*runs)
    scored(*runs, options=other)
    found = {figure["key"]: figure["internal"] for figure in evidence()["external"]["figures"]}
    assert found["auc"] == own["auc"]


def test_folds_stand_beside_it_out_of_fold(fold, scored, evidence, other):
    runs = [fold(number) for number in range(3)]
    own, *_ = scored(*runs, options=("ensemble=folds",))
    _, _, page = scored(*runs, options=other)
    found = {figure["key"]: figure["internal"] for figure in evidence()["external"]["figures"]}
    assert found["auc"] == own["auc"]
    assert "out of fold: each image by the model that has not seen it" in page


def test_ranks_of_different_test_splits_do_not_compare(fold, scored, evidence, other):
    scored(fold(0), fold(1), options=(*other, "ensemble=ranks"))
    assert evidence()["external"]["internal"].endswith("ranks of different images do not compare")


def test_test_splits_that_share_some_images_are_told(trained, member, scored, evidence, other):
    def one_more(checkpoint, config):
        name = next(name for name, split in checkpoint.splits.items() if split == "train")
        checkpoint.splits |= {name: "test"}

    scored(str(trained), member("more", one_more), options=other)
    assert evidence()["external"]["internal"] == "the checkpoints' test splits share some of their images"


def test_mean_ranks_have_no_figures_of_a_probability(trained, member, scored, evidence, other):
    scored(str(trained), member("a"), options=(*other, "ensemble=ranks"))
    keys = {figure["key"] for figure in evidence()["external"]["figures"]}
    assert "auc" in keys
    assert not keys & {"brier", "ece", "slope", "intercept"}


def test_a_file_of_predictions_has_nothing_beside_it():
    with pytest.raises(ConfigError, match="internal stands beside what a checkpoint scores"):
        resolve(compose("eval", ["predictions=any.csv", "internal=folder"]), EvalConfig)
