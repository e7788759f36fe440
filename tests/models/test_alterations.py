import pytest
import torch
from torch import nn
from torch.nn import functional

from melanoma.models.alterations import (
    ALTERATIONS,
    BARE_BORDER,
    BORDER,
    CENTRE_ONLY,
    INVARIANCES,
    NO_METADATA,
    UNALTERED,
    Altered,
    brightness,
    centre_black,
    centre_only,
    contrast,
    jpeg,
)


def pictures(size=20, count=2):
    """Smooth, colourful and unlike in every corner."""
    coarse = torch.rand(count, 3, 4, 4, generator=torch.Generator().manual_seed(0))
    return (255 * functional.interpolate(coarse, size=size, mode="bilinear")).to(torch.uint8)


@pytest.mark.parametrize("size", [20, 33])
@pytest.mark.parametrize("name", ALTERATIONS)
def test_an_alteration_keeps_shape_and_type_and_the_image_itself(name, size):
    image = pictures(size)
    before = image.clone()
    altered = ALTERATIONS[name].change(image)
    assert (altered.shape, altered.dtype) == (image.shape, torch.uint8)
    assert torch.equal(image, before)
    assert torch.equal(altered, image) == (name in (UNALTERED, NO_METADATA))


@pytest.mark.parametrize("name", ["mirrored left to right", "mirrored top to bottom", "turned by 180 degrees"])
def test_done_twice_it_is_undone(name):
    change, image = ALTERATIONS[name].change, pictures()
    assert torch.equal(change(change(image)), image)


def test_a_turn_and_its_counterpart_cancel():
    image = pictures()
    there, back = (INVARIANCES[f"turned by {angle} degrees"].change for angle in (90, 270))
    assert torch.equal(back(there(image)), image)


def test_black_is_the_centre_and_the_border_is_what_it_was():
    image = pictures(20) | 1
    black = centre_black(image)
    assert (black[..., 2:18, 2:18] == 0).all()
    black[..., 2:18, 2:18] = image[..., 2:18, 2:18]
    assert torch.equal(black, image)


def test_the_centre_alone_does_not_depend_on_the_border():
    image = pictures(20)
    other = torch.full_like(image, 7)
    other[..., 2:18, 2:18] = image[..., 2:18, 2:18]
    assert torch.equal(centre_only(other), centre_only(image))
    assert torch.equal(centre_only(torch.full_like(image, 9)), torch.full_like(image, 9))


def test_brightness_and_contrast_are_factors_within_the_range_of_a_byte():
    image = torch.tensor([0, 100, 200, 240]).to(torch.uint8).expand(1, 3, 4, 4)
    assert brightness(1.25)(image)[0, 0, 0].tolist() == [0, 125, 250, 255]
    mean = (0 + 100 + 200 + 240) / 4
    assert contrast(0.8)(image)[0, 0, 0].tolist() == [round(mean + 0.8 * (x - mean)) for x in (0, 100, 200, 240)]


def test_a_jpeg_is_nearly_what_it_was_and_keeps_the_colours_apart():
    image = pictures(32)
    assert 0 < (jpeg(image).int() - image.int()).abs().float().mean() < 6
    red = torch.zeros(1, 3, 16, 16, dtype=torch.uint8)
    red[:, 0] = 255
    assert jpeg(red)[0, :, 8, 8].tolist() == pytest.approx([255, 0, 0], abs=3)


class Recorder(nn.Module):
    def __init__(self):
        super().__init__()
        self.seen = []

    def forward(self, image, site, sex, age):
        self.seen.append((image, site, sex, age))
        return image.float().mean((1, 2, 3)) + site + sex + age.nan_to_num(0)


def test_a_model_is_shown_each_alteration_with_the_metadata_that_it_keeps():
    model, image = Recorder(), pictures()
    known = (torch.tensor([1, 2]), torch.tensor([1, 0]), torch.tensor([40.0, 50.0]))
    logits = Altered(model)(image, *known)
    assert logits.shape == (2, len(ALTERATIONS)) == (2, 15)
    shown = dict(zip(ALTERATIONS, model.seen, strict=True))
    assert torch.equal(logits[:, 0], Recorder()(image, *known))
    for name in (UNALTERED, CENTRE_ONLY, BORDER, *INVARIANCES):
        assert all(torch.equal(*pair) for pair in zip(shown[name][1:], known, strict=True))
    for name in (NO_METADATA, BARE_BORDER):
        _, site, sex, age = shown[name]
        assert (site.tolist(), sex.tolist(), age.isnan().tolist()) == ([0, 0], [0, 0], [True, True])
        assert (site.dtype, age.dtype) == (torch.int64, torch.float32)


@pytest.mark.parametrize("variant", ["standard", "multi_scale", "site_specific", "self_attention", "cross_attention"])
def test_every_variant_can_be_shown_altered_images(lively, batch, variant):
    with torch.inference_mode():
        logits = Altered(lively(variant).eval())(*batch(2))
    assert logits.shape == (2, 15)
    assert logits.isfinite().all()
