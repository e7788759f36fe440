import re

import pytest
import torch

from melanoma.explain.deletion import Removal
from melanoma.explain.run import HeatMap
from melanoma.explain.shares import Shares
from melanoma.explain.trust import measure_trust, verdict

GOOD = Removal(0.2, 0.5, 0.8, 0.6)


def heat_maps(count, removal=GOOD, similar=0.0, malignant=True, **levels):
    dependence = dict.fromkeys(("head", "half", "all"), similar) | levels
    return [HeatMap(torch.ones(4, 4), malignant, 4, Shares(0.4, 0.1), removal, dependence) for _ in range(count)]


def said(*maps):
    (trust,) = measure_trust([one for some in maps for one in some])
    return verdict(trust)


def test_good_maps_may_be_read():
    assert said(heat_maps(6)).endswith("the score depends on what they show more than on random places.")


def test_calls_are_judged_apart():
    malignant, benign = measure_trust([*heat_maps(6), *heat_maps(5, Removal(0.9, 0.5, 0.1, 0.6), malignant=False)])
    assert (malignant.call, malignant.maps, benign.call, benign.maps) == ("malignant", 6, "benign", 5)
    assert "Do not read" not in verdict(malignant)
    assert verdict(benign) == (
        "Do not read the maps of images called benign: by deletion they are no better than random maps; by insertion "
        "they are no better than random maps."
    )


@pytest.mark.parametrize(
    ("maps", "words"),
    [
        ([heat_maps(6, all=0.9)], "Do not read .* stay alike when all weights are random .rank correlation 0.90"),
        ([heat_maps(6, head=0.6)], "Do not read .* what follows the backbone has random weights"),
        ([heat_maps(4), heat_maps(2, Removal(0.6, 0.5, 0.8, 0.6))], "by deletion .* no more than chance explains.$"),
        ([heat_maps(4)], "Unable to tell .* it takes 5, and there are 4"),
        ([heat_maps(1, Removal(0.6, 0.5, 0.8, 0.6))], "Do not read .* by deletion they are no better"),
        ([heat_maps(6, all=None)], "Unable to tell .* they are the same everywhere"),
        ([heat_maps(3, removal=None)], "Do not read .* none of them has any heat"),
        ([heat_maps(6, Removal(0.5, 0.5, 0.5, 0.5))], "Do not read .* by insertion they are no better"),
    ],
)
def test_others_are_warned_of(maps, words):
    assert re.search(words, said(*maps))


def test_figures_are_means_and_p_is_wilcoxons():
    (trust,) = measure_trust([*heat_maps(5), *heat_maps(1, removal=None, similar=None)])
    assert (trust.maps, trust.compared) == (6, 5)
    assert trust.deletion.area == pytest.approx(0.2)
    assert (trust.deletion.better, trust.deletion.by_chance) == (5, pytest.approx(0.5))
    assert trust.dependence == {"head": 0.0, "half": 0.0, "all": 0.0}
    different = [Removal(0.2 + step / 100, 0.5, 0.8, 0.6 + step / 100) for step in range(5)]
    (trust,) = measure_trust([one for removal in different for one in heat_maps(1, removal)])
    assert trust.deletion.p == trust.insertion.p == pytest.approx(1 / 32)
