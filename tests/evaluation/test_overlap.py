import json
import logging

import cv2
import numpy as np
import pandas as pd
import pytest

from melanoma.errors import DataError
from melanoma.evaluation.known_images import Counts
from melanoma.evaluation.overlap import describe


@pytest.fixture
def planted(plant, own_pictures):
    """Other images, and four that the model was trained or validated on, and one that it was tested on."""
    (one, two, three), (four,), (test,) = (
        own_pictures(*ask).items() for ask in (("train", 3), ("val", 1), ("test", 1))
    )
    picture = cv2.imdecode(np.frombuffer(two[1], np.uint8), cv2.IMREAD_COLOR)
    again = cv2.imencode(".jpg", picture[:, ::-1], [cv2.IMWRITE_JPEG_QUALITY, 80])[1].tobytes()
    other = cv2.imencode(".jpg", np.random.default_rng(0).integers(0, 255, (32, 32, 3), np.uint8))[1].tobytes()
    images = {"bytes": one[1], "again": again, three[0].lower(): other, "validated": four[1], "held_out": test[1]}
    return plant(images), three[0].lower()


def known(tmp_path):
    return pd.read_csv(tmp_path / "eval/overlap.csv", dtype=str)


def test_copies_are_left_out_and_told(trained, planted, scored, tmp_path, caplog):
    root, same_name = planted
    with caplog.at_level(logging.WARNING):
        _, together, page = scored(str(trained), options=("data=siim_isic", f"data.root={root}"))
    left_out = {"bytes", "again", same_name, "validated"}
    everything = set(pd.read_csv(root / "train.csv", dtype=str)["image_name"])
    assert set(together["image_name"]) == everything - left_out
    by_kind = known(tmp_path).groupby("kind")["image_name"].agg(set).to_dict()
    assert by_kind == {"name": {same_name}, "file": {"bytes", "validated"}, "look": {"bytes", "again", "validated"}}
    sentence = (
        f"4 of {len(everything)} images were used to train or validate the model (1 by name, 2 by file, 3 by look) and "
        "are left out; overlap.csv says which."
    )
    assert sentence in caplog.text
    assert page.count(sentence) == 3  # verdict, section and facts
    assert sentence in (tmp_path / "eval/model_card.md").read_text().replace("\\", "")
    assert json.loads((tmp_path / "eval/evidence.json").read_text())["external"]["overlap"]["known"] == 4
    assert "secret" not in (tmp_path / "eval/overlap.csv").read_text() + page


def test_keep_scores_them_and_says_that_it_is_no_evidence(trained, planted, scored, tmp_path):
    root, _ = planted
    options = ("data=siim_isic", f"data.root={root}", "overlap=keep")
    metrics, _, page = scored(str(trained), options=options)
    assert metrics["n"] == len(pd.read_csv(root / "train.csv"))
    assert "are scored all the same, which is not evidence" in page
    assert len(known(tmp_path)) == 6


def test_fail_ends(trained, planted, scored):
    options = ("data=siim_isic", f"data.root={planted[0]}", "overlap=fail")
    with pytest.raises(DataError, match=r"4 of \d+ images were used .*, such as .*; overlap=drop leaves them out"):
        scored(str(trained), options=options)


def test_fail_does_not_end_where_nothing_is_known(trained, other_root, scored, tmp_path):
    _, _, page = scored(str(trained), options=("data=siim_isic", f"data.root={other_root}", "overlap=fail"))
    assert "was used to train or validate the model, by name, file or look." in page
    assert known(tmp_path).empty


def test_nothing_left_is_an_error_with_the_way_out(trained, demo_root, scored):
    options = ("data=siim_isic", f"data.root={demo_root}", f"data.splits={trained}/splits.csv", "split=train")
    with pytest.raises(DataError, match="nothing is left to score; overlap=keep scores them"):
        scored(str(trained), options=options)


def test_a_checkpoint_without_digests_compares_names_alone_and_says_so(member, planted, scored, tmp_path):
    def old(checkpoint, config):
        checkpoint.digests = None

    root, same_name = planted
    _, _, page = scored(member("old", old), options=("data=siim_isic", f"data.root={root}"))
    assert known(tmp_path)["image_name"].tolist() == [same_name]
    assert "Names alone were compared, as no digests of the images are kept there." in page


def test_what_any_of_several_was_trained_on_is_left_out_of_all(member, trained, planted, scored, tmp_path):
    def other_splits(checkpoint, config):
        swap = {"test": "train", "train": "test", "val": "val"}
        checkpoint.splits = {name: swap[split] for name, split in checkpoint.splits.items()}

    runs = [str(trained), member("swapped", other_splits)]
    _, together, _ = scored(*runs, options=("data=siim_isic", f"data.root={planted[0]}", "internal=null"))
    assert "held_out" in set(known(tmp_path)["image_name"])
    assert not set(known(tmp_path)["image_name"]) & set(together["image_name"])


def test_the_own_data_set_is_not_searched(trained, scored, tmp_path):
    _, _, page = scored(str(trained))
    assert not (tmp_path / "eval/overlap.csv").exists()
    assert "External validation" not in page


def test_words_for_images_that_could_not_be_read_and_for_older_checkpoints_among_several():
    counts = Counts(9, 1, {"name": 1, "file": 0, "look": 0}, 2, 1, 3, "drop")
    assert describe(counts) == (
        "1 of 9 images was used to train or validate the model (1 by name) and is left out; overlap.csv says which. "
        "Names alone of 1 of 2 checkpoints were compared, as no digests of the images are kept there. "
        "3 images could not be read and compared."
    )
