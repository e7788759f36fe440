import pytest
import torch
from torch import nn

from melanoma.errors import ConfigError
from melanoma.models.views import SYMMETRIES, Views, read_size, view_count


class Probe(nn.Module):
    """Weighs every pixel by its place, so that no two views score alike; keeps what it is shown."""

    def __init__(self, size=8):
        super().__init__()
        self.weight = torch.rand(3, size, size, generator=torch.Generator().manual_seed(0))
        self.seen = []

    def forward(self, image, site, sex, age):
        self.seen.append(image)
        return (image.float() * self.weight).mean((1, 2, 3)) + site


class Mean(nn.Module):
    def forward(self, image, site, sex, age):
        return image.float().mean((1, 2, 3)).to(torch.bfloat16)


def score(model, image):
    count = len(image)
    unknown = torch.zeros(count, dtype=torch.int64)
    return model(image, torch.arange(count), unknown, torch.full((count,), torch.nan))


def pictures(size=8, count=2):
    generator = torch.Generator().manual_seed(1)
    return torch.randint(0, 256, (count, 3, size, size), dtype=torch.uint8, generator=generator)


@pytest.mark.parametrize(("tta", "crops", "count"), [("none", 1, 1), ("flip", 1, 4), ("dihedral", 1, 8),
                                                     ("none", 5, 5), ("dihedral", 5, 40)])  # fmt: skip
def test_every_view_is_scored_once_and_no_two_are_alike(tta, crops, count):
    model = Probe()
    score(Views(model, tta, crops, 8), pictures(8 if crops == 1 else 10))
    assert view_count(tta, crops) == count == len(model.seen)
    assert len({tuple(view.flatten().tolist()) for view in model.seen}) == count
    assert {view.shape for view in model.seen} == {(2, 3, 8, 8)}


def test_flip_is_both_mirror_images_and_both_together():
    image, model = pictures(), Probe()
    score(Views(model, "flip", 1, 8), image)
    expected = [image, image.flip(3), image.flip(2), image.flip(2, 3)]
    assert all(torch.equal(seen, view) for seen, view in zip(model.seen, expected, strict=True))


def test_the_mean_is_that_of_the_logits():
    image, model = pictures(), Probe()
    alone = [score(model, view) for view in (image, image.flip(3), image.flip(2), image.flip(2, 3))]
    assert torch.allclose(score(Views(model, "flip", 1, 8), image), torch.stack(alone).mean(0))


@pytest.mark.parametrize("tta", SYMMETRIES)
def test_a_model_that_no_view_changes_scores_as_it_does_alone(tta):
    model, image = Mean(), pictures()
    views = Views(model, tta, 1, 8)
    assert views.training
    assert torch.equal(score(views, image), score(model, image).float())


@pytest.mark.parametrize(("tta", "alike"), [("none", 0), ("flip", 3), ("dihedral", 7)])
def test_the_mean_is_the_same_however_the_image_lies(tta, alike):
    image, views = pictures(), Views(Probe(), tta, 1, 8)
    plain = score(views, image)
    others = [score(views, symmetry(image)) for symmetry in SYMMETRIES["dihedral"][1:]]
    assert sum(torch.allclose(other, plain) for other in others) == alike


def test_crops_are_the_corners_and_the_centre():
    image = torch.arange(100).reshape(1, 1, 10, 10).expand(1, 3, 10, 10).to(torch.uint8)
    model = Probe()
    score(Views(model, "none", 5, 8), image)
    assert [int(view[0, 0, 0, 0]) for view in model.seen] == [0, 2, 20, 22, 11]
    assert int(model.seen[3][0, 0, -1, -1]) == 99


def test_images_are_read_larger_for_crops_alone():
    assert [read_size(1024, crops, 0.8) for crops in (1, 5)] == [1024, 1280]
    assert read_size(380, 5, 1.0) == 380
    with pytest.raises(
        ConfigError, match=r"crop_scale=0\.1 reads images at 10240 px .* at most 8192 .*raise crop_scale"
    ):
        read_size(1024, 5, 0.1)


@pytest.mark.parametrize("variant", ["standard", "multi_scale", "site_specific"])
def test_every_variant_can_be_shown_views(lively, batch, variant):
    model = lively(variant).eval()
    image, *rest = batch(2)
    with torch.inference_mode():
        views = Views(model, "dihedral", 5, 64)(nn.functional.interpolate(image, size=(80, 80)), *rest)
    assert views.shape == (2,)
    assert views.dtype == torch.float32
