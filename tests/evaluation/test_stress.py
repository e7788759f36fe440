import numpy as np
import pandas as pd
import pytest
import torch

from melanoma.checkpoint import load_checkpoint, save_checkpoint
from melanoma.config import EvalConfig, TrainConfig, compose, resolve
from melanoma.evaluation.ensemble import combine
from melanoma.evaluation.members import score_members
from melanoma.evaluation.stress import score_altered
from melanoma.models.alterations import ALTERATIONS, UNALTERED


@pytest.fixture
def altered(trained):
    """Score altered images; give the members, too."""

    def run(*paths, options=()):
        words = [f"checkpoint=[{','.join(map(str, paths or [trained]))}]", "device=cpu", *options]
        config = resolve(compose("eval", words), EvalConfig)
        members = score_members(config)
        return members, score_altered(members, config)

    return run


def same_bits(altered, predictions):
    return altered[UNALTERED].loc[predictions["image_name"]].tolist() == predictions["probability"].tolist()


def test_unaltered_images_score_as_they_do_alone(altered):
    (member,), table = altered()
    assert list(table) == list(ALTERATIONS)
    assert table.index.tolist() == member.predictions["image_name"].tolist()
    assert same_bits(table, member.predictions)
    assert table.drop(columns=["no metadata", "the centre blacked out, no metadata"]).nunique(axis=1).min() > 8


@pytest.mark.parametrize("options", [("tta=flip",), ("crops=5", "crop_scale=0.5")])
def test_views_are_left_out(altered, options):
    (plain,), _ = altered()
    (member,), table = altered(options=options)
    assert same_bits(table, plain.predictions)
    assert member.predictions["probability"].tolist() != plain.predictions["probability"].tolist()


def test_a_calibration_is_applied(altered, trained, tmp_path):
    checkpoint, _ = load_checkpoint(trained / "checkpoints/best.pt", TrainConfig)
    checkpoint.calibration = {"method": "platt", "slope": 2.0, "intercept": -1.0, "logits": [], "probabilities": []}
    save_checkpoint(checkpoint, tmp_path / "calibrated.pt")
    (plain,), _ = altered()
    (member,), table = altered(tmp_path / "calibrated.pt")
    assert same_bits(table, member.predictions)
    assert not same_bits(table, plain.predictions)


def test_several_checkpoints_are_put_together_as_their_predictions_are(altered, member, fold):
    members, table = altered(member("a"), member("b"))
    assert same_bits(table, combine({one.path: one.predictions for one in members}, "logits"))
    members, table = altered(fold(0), fold(2), options=("ensemble=folds",))
    assert same_bits(table, pd.concat([one.predictions for one in members]))


def test_each_image_is_read_once(trained, monkeypatch):
    config = resolve(compose("eval", [f"checkpoint={trained}", "device=cpu"]), EvalConfig)
    members = score_members(config)
    reader, read = type(members[0].opened.reader), []
    own = reader.read
    monkeypatch.setattr(reader, "read", lambda self, name, least=0: (read.append(name), own(self, name, least))[1])
    score_altered(members, config)
    assert sorted(read) == sorted(members[0].predictions["image_name"])


def test_a_model_that_reads_no_metadata_scores_alike_without(altered):
    _, table = altered()
    assert torch.equal(*(torch.tensor(table[name].to_numpy()) for name in (UNALTERED, "no metadata")))
    assert np.isfinite(table.to_numpy()).all()
