"""Planted shortcuts: a model that reads the border is found out, and one that reads the lesion is not."""

import dataclasses
import json

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

from melanoma.evaluation.floors import TOGETHER, floor_scores
from melanoma.evaluation.shortcut_verdict import FOUND, NOT_FOUND, UNKNOWN, judge
from melanoma.evaluation.shortcuts import find_shortcuts
from melanoma.models.alterations import ALTERATIONS, BORDER, CENTRE_ONLY, INVARIANCES, UNALTERED, Altered


class Reads(nn.Module):
    """Sees the brightness of the central square, or of the border alone."""

    def __init__(self, part):
        super().__init__()
        border = torch.zeros(20, 20)
        border[:2] = border[-2:] = border[:, :2] = border[:, -2:] = 1
        inner = torch.zeros(20, 20)
        inner[6:14, 6:14] = 1
        self.mask = {"border": border, "centre": inner}[part]

    def forward(self, image, site, sex, age):
        return (image.float() * self.mask).sum((1, 2, 3)) / self.mask.sum() / 3 / 25 - 4


@pytest.fixture(scope="module")
def audit():
    """Audit a model on pictures whose centre and border are both brighter where the lesion is malignant."""
    rng = np.random.default_rng(0)
    target = (rng.random(240) < 0.3).astype(int)
    image = np.clip(rng.normal(100 + 25 * target[:, None, None, None], 8, (240, 3, 20, 20)), 0, 255).astype(np.uint8)
    image[:, :, 3:17, 3:17] -= (rng.normal(30, 15, 240).clip(0, 60)).astype(np.uint8)[:, None, None, None]
    names = [f"i{row}" for row in range(240)]
    table = pd.DataFrame({"image_name": names, "patient_id": names, "target": target, "sex": ["male", "female"] * 120})

    def run(part, rows=240):
        unknown = torch.zeros(240, dtype=torch.int64)
        logits = Altered(Reads(part))(torch.from_numpy(image), unknown, unknown, torch.full((240,), torch.nan))
        altered = pd.DataFrame(torch.sigmoid(logits).double().numpy(), columns=list(ALTERATIONS))[:rows]
        predictions = table[:rows].assign(probability=altered[UNALTERED])
        return find_shortcuts(predictions, floor_scores(predictions), altered, None, 0.5, 200, 0)

    return run


def test_a_model_that_reads_the_border_is_named(audit):
    found = judge(audit("border"))
    assert (found.answer, found.flagged) == (FOUND, ["beside the lesion"])
    assert found.words.startswith("Shortcut found: with the centre of every image blacked out and no metadata, the "
                                  "model still reaches AUC")  # fmt: skip
    assert "reads something beside the lesion" in found.words


def test_a_model_that_reads_the_centre_is_not(audit):
    measured = audit("centre")
    by_name = {one.name: one for one in measured.parts}
    assert by_name[UNALTERED].auc > 0.8
    assert by_name[BORDER].auc == 0.5
    assert by_name[CENTRE_ONLY].auc == pytest.approx(by_name[UNALTERED].auc, abs=0.05)
    found = judge(measured)
    assert (found.answer, found.flagged) == (NOT_FOUND, [])
    assert found.words.startswith("No shortcut found: ")
    assert "falls to AUC 0.500, where" in found.words


def test_few_images_leave_it_open(audit):
    for part in ("centre", "border"):
        found = judge(audit(part, rows=20))
        assert (found.answer, found.flagged) == (UNKNOWN, [])
        assert "it takes 10 patients" in found.words


def test_all_is_told_of_plain_values(audit):
    measured = audit("border")
    assert [one.alteration for one in measured.flips] == list(INVARIANCES)
    by_name = {one.alteration: one.every.rate for one in measured.flips}
    assert by_name["turned by 90 degrees"] == 0  # a mean does not turn
    assert by_name["brighter"] > 0.2
    assert measured.floors[0].name == TOGETHER
    json.dumps(dataclasses.asdict(measured), allow_nan=False)


def test_one_class_has_a_reason_and_flips_all_the_same():
    table = pd.DataFrame({"image_name": list("abc"), "patient_id": list("abc"), "target": 0, "probability": 0.1})
    altered = pd.DataFrame(0.1, index=range(3), columns=list(ALTERATIONS))
    measured = find_shortcuts(table, floor_scores(table), altered, None, 0.5, 100, 0)
    assert (measured.model, measured.floors, len(measured.flips)) == (None, [], len(INVARIANCES))
    assert (
        judge(measured).words
        == "Unable to tell whether the model reads the lesion: the images are not of both classes."
    )
    nothing = find_shortcuts(table.iloc[:0], floor_scores(table.iloc[:0]), None, "no model", 0.5, 100, 0)
    assert (nothing.flips, nothing.why_not_altered) == ([], "no model")
