import math

import pytest
import torch

from melanoma.explain.shares import Shares, even_shares, shares


def test_an_even_map_has_the_areas():
    even = even_shares(400)
    assert even.centre == pytest.approx(math.pi / 16, abs=1e-3)
    assert even.corners == pytest.approx(1 - math.pi / 4, abs=1e-3)


def test_heat_is_counted_where_it_is():
    heat = torch.zeros(40, 40)
    heat[18:22, 18:22] = 1
    assert shares(heat, 5) == Shares(1, 0)
    heat[0, 0] = heat[39, 39] = 8
    assert shares(heat, 5) == Shares(0.5, 0.5)


def test_no_heat_and_too_few_cells_have_no_shares():
    assert shares(torch.zeros(8, 8), 8) == Shares(None, None)
    assert shares(torch.ones(8, 8), 2) == Shares(None, None)
