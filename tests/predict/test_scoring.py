import numpy as np
import pandas as pd
import pytest
import torch

from melanoma.config import PredictConfig, compose, resolve
from melanoma.errors import DivergedError, ImageError
from melanoma.predict.scoring import Scores, open_scorer


@pytest.fixture
def scores(trained, demo_root, changed, train_config):
    """Score six of the demo's images by `trained`, or by others."""
    from melanoma.data.table import open_data

    data = train_config("data.on_error=skip", "data.max_bad_fraction=1").data
    table, reader = open_data(data, train_config().reader, None)
    config = resolve(compose("predict", ["checkpoint=x", "images=y", "device=cpu"]), PredictConfig)

    def run(*paths, read=None):
        scorers = [open_scorer(path, config) for path in paths or [trained / "checkpoints/best.pt"]]
        for scorer in scorers:
            scorer.trained.training.batch_size = 4
        reader.read = read or type(reader).read.__get__(reader)
        scores = Scores(scorers, table.head(6), reader, data, config)
        return list(scores), scores.unreadable

    return run


@pytest.fixture
def other(changed):
    def change(checkpoint):
        checkpoint.model["classifier.weight"] = checkpoint.model["classifier.weight"].roll(3, 1)

    return changed("other.pt", change)


def test_a_frame_a_batch_in_the_table_s_order(scores):
    frames, unreadable = scores()
    assert [frame.index.tolist() for frame in frames] == [[0, 1, 2, 3], [4, 5]]
    assert unreadable == {}


def test_several_give_the_mean_of_their_logits(scores, other, trained):
    first = trained / "checkpoints/best.pt"
    one, two, both = (pd.concat(scores(*paths)[0]) for paths in ([first], [other], [first, other]))
    assert (one["logit"] != two["logit"]).all()
    assert both["logit"].equals((one["logit"] + two["logit"]) / 2)
    assert np.allclose(both["probability"], 1 / (1 + np.exp(-both["logit"])))


def test_an_image_that_one_checkpoint_cannot_read_has_no_row(scores, other, trained):
    frames, _ = scores()
    second, sizes = frames[0]["image_name"][1], []

    def read(name, least=0):
        sizes.append(name)
        if name == second and sizes.count(name) == 2:
            raise ImageError(name, "is gone")
        return np.zeros((32, 32, 3), np.uint8)

    frames, unreadable = scores(trained / "checkpoints/best.pt", other, read=read)
    assert [frame.index.tolist() for frame in frames] == [[0, 2, 3], [4, 5]]
    assert unreadable == {second: "is gone"}


def test_a_calibration_is_applied(scores, changed):
    def change(checkpoint):
        checkpoint.calibration = {"method": "platt", "slope": 2.0, "intercept": 1.0}

    logit = pd.concat(scores()[0])["logit"].to_numpy()
    frame = pd.concat(scores(changed("a.pt", change))[0])
    assert np.allclose(frame["logit"], 2 * logit + 1)
    assert np.allclose(frame["probability"], 1 / (1 + np.exp(-2 * logit - 1)))


def test_logits_that_are_not_finite_are_refused(scores, changed):
    def change(checkpoint):
        checkpoint.model["classifier.bias"] = torch.tensor([torch.nan])

    with pytest.raises(DivergedError, match="not finite"):
        scores(changed("broken.pt", change))
