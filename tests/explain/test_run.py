import pytest
import torch

from melanoma.config import ChecksConfig
from melanoma.explain.run import explain
from melanoma.explain.trust import measure_trust, verdict

CHECKS = ChecksConfig(draws=10, orders=3, steps=6)


def test_a_planted_spot_is_found_and_believed(red, spotted, cpu):
    batch, places = spotted
    maps = explain("grad_cam", red, batch, [True] * 6, cpu, CHECKS, seed=0)
    for one, place in zip(maps, places, strict=True):
        assert (one.malignant, one.cells) == (True, 4)
        assert one.heat[place].sum() > 0.4 * one.heat.sum()
        assert one.shares.corners > 0.5
        assert one.removal.deletion < one.removal.deletion_random
    (trust,) = measure_trust(maps)
    assert trust.deletion.better == trust.insertion.better == 6
    assert verdict(trust).startswith("The maps of images called malignant depend on what the model has learnt")


def test_without_heat_there_is_nothing_to_compare(red, spotted, cpu):
    batch, _ = spotted
    grey = batch | {"image": torch.full((6, 3, 32, 32), 100, dtype=torch.uint8)}
    maps = explain("grad_cam", red, grey, [True] * 6, cpu, CHECKS, seed=0)
    assert {(one.removal, one.shares.centre, *one.dependence.values()) for one in maps} == {(None,) * 5}
    assert verdict(measure_trust(maps)[0]) == (
        "Do not read the maps of images called malignant: none of them has any heat."
    )


@pytest.mark.parametrize(("method", "differ"), [("grad_cam", True), ("attention", False)])
def test_attention_is_held_against_one_score_whatever_the_call(lively, batch, cpu, method, differ):
    model = lively("self_attention", size=96).eval()
    images = dict(zip(("image", "site", "sex", "age"), batch(4, 96), strict=True))
    one, other = (explain(method, model, images, [call] * 4, cpu, CHECKS, seed=0) for call in (True, False))
    assert ([a.removal for a in one] != [b.removal for b in other]) == differ
    assert {a.malignant for a in one} != {b.malignant for b in other}


def test_the_seed_decides(red, spotted, cpu):
    def figures(seed):
        maps = explain("grad_cam", red, spotted[0], [True] * 6, cpu, ChecksConfig(2, 2, 3), seed=seed)
        return [(one.removal, one.dependence) for one in maps]

    assert figures(1) == figures(1) != figures(2)
