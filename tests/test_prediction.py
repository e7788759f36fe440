import time

import numpy as np
import pytest
import torch

from melanoma.compute import choose_compute
from melanoma.data.loader import make_loader
from melanoma.data.table import open_data
from melanoma.errors import DataError, DivergedError
from melanoma.prediction import (
    COLUMNS,
    inference_megabytes,
    inference_milliseconds,
    model_megabytes,
    predict,
    score_batches,
)

CPU = choose_compute("cpu", "fp32", True)


class Brightness(torch.nn.Module):
    def __init__(self, scale=1.0):
        super().__init__()
        self.scale = torch.nn.Parameter(torch.tensor(scale))

    def forward(self, image, site, sex, age):
        return image.float().mean((1, 2, 3)) / 255 * self.scale


@pytest.fixture
def loader(train_config):
    config = train_config("training.batch_size=7", "data.on_error=skip", "data.max_bad_fraction=1")
    return make_loader(
        *open_data(config.data, config.reader, None),
        config,
        learn=False,
        workers=0,
        pin_memory=False,
    )


def test_predictions_follow_the_table(loader):
    predictions = predict(Brightness(), loader, CPU, "")
    assert tuple(predictions.columns) == COLUMNS
    assert predictions["image_name"].tolist() == loader.table["image_name"].tolist()
    image, logit = loader.dataset[0, 0, 0]["image"], predictions["logit"].iloc[0]
    assert logit == pytest.approx(image.mean() / 255, abs=1e-5)
    assert np.allclose(predictions["probability"], 1 / (1 + np.exp(-predictions["logit"])))


def test_batches_come_one_by_one_and_whoever_takes_them_may_go_on_computing(loader):
    model, seen = Brightness().train(), 0
    for batch, logits in score_batches(model, loader, CPU, ""):
        assert not torch.is_inference_mode_enabled()
        assert logits.tolist() == pytest.approx((batch["image"].float().mean((1, 2, 3)) / 255).tolist())
        assert not model.training
        seen += len(logits)
    assert seen == len(loader.table)


def test_the_model_is_put_into_evaluation_mode(loader):
    model = Brightness().train()
    predict(model, loader, CPU, "")
    assert not model.training


def test_logits_that_are_not_finite_are_refused(loader):
    with pytest.raises(DivergedError, match="finite"):
        predict(Brightness(float("nan")), loader, CPU, "")


def test_nothing_readable_is_an_error(loader, monkeypatch):
    monkeypatch.setattr(loader.dataset._reader, "_files", {})
    with pytest.raises(DataError, match="could be read"):
        predict(Brightness(), loader, CPU, "")


def test_size_and_time():
    assert model_megabytes(torch.nn.Linear(1000, 250, bias=False)) == 1.0
    assert inference_milliseconds(Brightness(), 8, CPU, repeats=3) > 0
    assert inference_milliseconds(Brightness(), 8, CPU, batch_size=4, repeats=3) > 0


def test_the_time_of_a_batch_is_shared_by_its_images():
    class Slow(Brightness):
        def forward(self, image, site, sex, age):
            time.sleep(0.02)
            return super().forward(image, site, sex, age)

    assert 5 <= inference_milliseconds(Slow(), 8, CPU, batch_size=4, repeats=3) < 20


def test_memory_holds_weights_batch_and_what_the_forward_pass_adds():
    # 1 MB of bytes, and 4 MB of them as floats; other layers would add to that.
    image = 3 * 128 * 128
    assert inference_megabytes(Brightness(), 128, CPU, 16) == pytest.approx(5 * 16 * image / 1e6, rel=0.01)
