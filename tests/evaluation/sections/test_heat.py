import numpy as np
import pytest
import torch

from melanoma.evaluation.sections.heat import describe_heat, heat_picture, notes, trust_table
from melanoma.explain.deletion import Removal
from melanoma.explain.run import HeatMap
from melanoma.explain.shares import Shares
from melanoma.explain.trust import measure_trust

GOOD = Removal(0.2, 0.5, 0.8, 0.6)
CENTRAL = Shares(0.411, 0.052)


def heat_map(malignant=True, heat=1.0, shares=CENTRAL, removal=GOOD, similar=-0.001):
    return HeatMap(
        torch.full((64, 64), heat), malignant, 4, shares, removal, {"head": 0.7, "half": similar, "all": similar}
    )


COLD = {"heat": 0.0, "shares": Shares(None, None), "removal": None, "similar": None}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, "Called malignant; heat in the centre 41 %, corners 5 %"),
        ({"malignant": False, **COLD}, "Called benign; the map has no heat"),
        ({"shares": Shares(None, None)}, "Called malignant; the map is too coarse to tell centre and corners apart"),
    ],
)
def test_a_map_is_described_beside_and_for_those_who_do_not_see_it(changes, words):
    one = heat_map(**changes)
    assert describe_heat(one) == words
    picture = heat_picture("a", np.zeros((8, 8, 3), np.uint8), one)
    assert picture.alt == f"Heat map over image a. {words}."


def test_each_call_has_a_column():
    table = trust_table(measure_trust([heat_map(), heat_map(), heat_map(False, **COLD)]), 64)
    assert table.head == ["", "Called malignant, 2 maps", "Called benign, 1 map"]
    deletion, insertion, head, half, _, centre, corners = table.rows
    assert (deletion[1].text, deletion[1].note) == ("0.200", "random 0.500; better in 2 of 2, p 0.250")
    assert (insertion[1].text, insertion[2].text) == ("0.800", "no heat")
    assert (head[1].text, head[1].note) == ("0.70", "stays alike")
    assert (half[1].text, half[1].note) == ("0.00", "changes")
    assert (centre[1].text, centre[1].note) == ("41 %", "even map 20 %")
    assert (corners[1].note, corners[2].text) == ("even map 21 %", "no heat")


@pytest.mark.parametrize(("method", "word"), [("grad_cam", "Grad-CAM shows"), ("attention", "Attention shows")])
def test_the_notes_tell_how_coarse_a_map_is(method, word):
    first, _ = notes(measure_trust([heat_map()])[0], method, 64)
    assert first.startswith(word)
    assert "4 x 4 cells over the 64 x 64 pixels" in first
