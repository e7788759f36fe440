import pytest
import torch

from melanoma.models.classifier import zero_linear

FIELDS = ("site", "sex", "age")


def flipped(batch, *fields):
    """Give other values of these fields to each image."""
    image, *metadata = batch
    return image, *(values.flip(0) if name in fields else values for name, values in zip(FIELDS, metadata, strict=True))


@pytest.mark.parametrize("asked", [[], ["sex"], ["age", "site"], list(FIELDS)])
@pytest.mark.parametrize("changed", FIELDS)
def test_metadata_count_where_they_are_asked_for(lively, batch, asked, changed):
    model = lively("standard", metadata=asked).eval()
    assert torch.equal(model(*flipped(batch(), changed)), model(*batch())) == (changed not in asked)


def test_metadata_shift_the_logit_alike_for_every_image(lively, batch):
    model = lively("standard", metadata=list(FIELDS)).eval()
    image, *metadata = batch()
    first, second = ([values[row].expand(8) for values in metadata] for row in (0, 1))
    shifts = model(image, *first) - model(image, *second)
    torch.testing.assert_close(shifts, shifts[:1].expand(8), rtol=0, atol=1e-5)
    assert shifts[0].abs() > 0.01


def test_dropout_changes_logits_in_training_alone(lively, batch):
    model = lively("standard", "test_vit", drop_rate=0.5)
    assert torch.equal(model.eval()(*batch()), model(*batch()))
    assert not torch.equal(model.train()(*batch()), model(*batch()))


def test_zero_linear_learns():
    linear = zero_linear(3)
    linear(torch.ones(2, 3)).sum().backward()
    assert linear.weight.grad.tolist() == [[2.0, 2.0, 2.0]]
