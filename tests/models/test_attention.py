import math

import pytest
import torch

from melanoma.models.attention import Attention, Block, Cells, positions

CPU = torch.device("cpu")


@pytest.fixture
def rows():
    """Queries (2, 3, 8) and keys (2, 5, 8)."""
    torch.manual_seed(0)
    return torch.randn(2, 3, 8), torch.randn(2, 5, 8)


def reference(attention):
    """Give PyTorch's own attention the same weights."""
    theirs = torch.nn.MultiheadAttention(8, attention.heads, batch_first=True)
    theirs.in_proj_weight.data = torch.cat([attention.query.weight, attention.key_value.weight])
    theirs.in_proj_bias.data = torch.cat([attention.query.bias, attention.key_value.bias])
    theirs.out_proj.load_state_dict(attention.out.state_dict())
    return theirs


@pytest.mark.parametrize("heads", [1, 2, 4])
def test_it_equals_pytorch_s_attention(rows, heads):
    queries, keys = rows
    attention = Attention(8, heads)
    torch.testing.assert_close(attention(queries, keys), reference(attention)(queries, keys, keys)[0])


@pytest.mark.parametrize("heads", [1, 2, 4])
def test_its_weights_equal_pytorch_s(rows, heads):
    queries, keys = rows
    attention = Attention(8, heads)
    torch.testing.assert_close(attention.weights(queries, keys), reference(attention)(queries, keys, keys)[1])


def test_keys_are_what_is_attended_to(rows):
    queries, keys = rows
    block = Block(8, 2)
    assert not torch.equal(block(queries, keys), block(queries, keys.flip(2)))
    torch.testing.assert_close(block(queries, keys), block(queries, keys.flip(1)))


def test_without_keys_the_queries_attend_to_each_other(rows):
    queries, block = rows[0], Block(8, 2)
    torch.testing.assert_close(block(queries), block(queries, block.norm_attention(queries)))
    order = torch.tensor([2, 0, 1])
    torch.testing.assert_close(block(queries[:, order]), block(queries)[:, order])


def test_positions_by_hand():
    # The only cell lies in the middle: half a turn at 1 turn a side, whole turns from then on.
    angles = [math.pi * 0.5 * 2**power for power in (0, 6)]
    expected = 2 * [*map(math.sin, angles), *map(math.cos, angles)]
    torch.testing.assert_close(positions(1, 1, 8, CPU), torch.tensor([expected]), rtol=0, atol=1e-5)


@pytest.mark.parametrize("side", [1, 2, 5, 16])
def test_a_place_means_the_same_on_a_map_of_another_size(side):
    # The middle of each 3 by 3 cells lies where the one cell lies that they divide.
    fine = positions(3 * side, 3 * side, 16, CPU).view(3 * side, 3 * side, 16)
    coarse = positions(side, side, 16, CPU).view(side, side, 16)
    torch.testing.assert_close(fine[1::3, 1::3], coarse, rtol=0, atol=1e-3)


@pytest.mark.parametrize(("height", "width"), [(1, 1), (2, 2), (7, 7), (32, 32), (3, 8)])
def test_no_two_cells_have_the_same_position(height, width):
    rows = positions(height, width, 16, CPU)
    apart = torch.cdist(rows, rows).fill_diagonal_(math.inf)
    assert rows.shape == (height * width, 16)
    assert (apart > 0.01).all()


def test_cells_are_told_row_by_row():
    across_first = positions(2, 3, 16, CPU).view(2, 3, 16)
    assert torch.equal(across_first[0, :, :8], across_first[1, :, :8])
    assert torch.equal(across_first[:, 0, 8:], across_first[:, 2, 8:])


def test_cells_that_look_alike_differ_by_their_place():
    cells = Cells(6, 8)(torch.ones(1, 9, 6))
    assert cells.shape == (1, 9, 8)
    assert cells.unique(dim=1).shape == (1, 9, 8)
