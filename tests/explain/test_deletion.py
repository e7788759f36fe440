import pytest
import torch

from melanoma.explain.deletion import measure_removal, removals
from melanoma.explain.grad_cam import grad_cam


def measured(model, batch, cells, cpu, row=0, malignant=True, seed=0):
    alone = {name: values[row : row + 1] for name, values in batch.items()}
    generator = torch.Generator().manual_seed(seed)
    return measure_removal(model, alone, cells, malignant, cpu, orders=5, steps=8, generator=generator)


def test_what_is_hot_goes_and_comes_first():
    image = torch.arange(3 * 16 * 16, dtype=torch.uint8).view(1, 3, 16, 16)
    heat = torch.arange(256.0).view(16, 16)
    deleted, inserted = removals(image, heat, 4)
    assert deleted.shape == inserted.shape == (5, 3, 16, 16)
    assert torch.equal(deleted[:1], image.float())
    assert torch.equal(inserted[-1:], image.float())
    assert torch.equal(deleted[1, :, :12], image[0, :, :12].float())
    mean = image.float().mean((2, 3))[0, :, None, None]
    torch.testing.assert_close(deleted[1, :, 12:], mean.expand(3, 4, 16))
    assert torch.equal(inserted[1, :, 12:], image[0, :, 12:].float())
    assert not torch.equal(inserted[1, :, :12], image[0, :, :12].float())


def test_a_true_map_beats_random_ones(red, spotted, cpu):
    batch, _ = spotted
    for row, cells in enumerate(grad_cam(red, batch, torch.full((6,), True))):
        found = measured(red, batch, cells, cpu, row)
        assert found.deletion < found.deletion_random
        assert found.insertion > found.insertion_random


def test_a_false_map_does_not(red, spotted, cpu):
    batch, _ = spotted
    cells = 1 - grad_cam(red, batch, torch.full((6,), True))[0]
    found = measured(red, batch, cells, cpu)
    assert found.deletion > found.deletion_random
    assert found.insertion < found.insertion_random


def test_the_areas_of_both_calls_add_up_to_1(red, spotted, cpu):
    batch, _ = spotted
    cells = torch.rand(4, 4, generator=torch.Generator().manual_seed(1))
    one, other = (measured(red, batch, cells, cpu, malignant=call) for call in (True, False))
    for name in ("deletion", "deletion_random", "insertion", "insertion_random"):
        assert getattr(one, name) + getattr(other, name) == pytest.approx(1, abs=1e-6)


def test_chance_comes_from_the_seed(red, spotted, cpu):
    batch, _ = spotted
    cells = torch.zeros(4, 4)
    assert measured(red, batch, cells, cpu) == measured(red, batch, cells, cpu)
    assert measured(red, batch, cells, cpu) != measured(red, batch, cells, cpu, seed=1)
