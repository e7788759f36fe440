"""Scores of altered images: each image is read once, and scored under every alteration."""

import logging
from dataclasses import replace

import pandas as pd
import torch

from melanoma.config import ScoringConfig
from melanoma.evaluation.calibration import from_plain
from melanoma.evaluation.ensemble import combine
from melanoma.evaluation.members import Member
from melanoma.models.alterations import ALTERATIONS, Altered
from melanoma.prediction import open_loader, require_finite, score_batches, to_probability
from melanoma.trained import rebuild

_log = logging.getLogger(__name__)


def score_altered(members: list[Member], config: ScoringConfig) -> pd.DataFrame:
    """Give the probabilities of the members' images, put together and calibrated as the predictions are.

    Each image is shown whole and in one view, whatever `tta` and `crops` say.

    Returns:
        A frame with the `ALTERATIONS` as columns, and the images' names as index.

    Raises:
        MelanomaError: of the kind that says what the user can mend.
    """
    _log.info("shortcut audit: %d forward passes an image; shortcuts=false leaves it out", len(ALTERATIONS))
    tables = {member.path: _score(member, config) for member in members}
    together = {
        name: combine({path: altered[name] for path, altered in tables.items()}, config.ensemble)
        for name in ALTERATIONS
    }
    return pd.DataFrame({name: table.set_index("image_name")["probability"] for name, table in together.items()})


def _score(member: Member, config: ScoringConfig) -> dict[str, pd.DataFrame]:
    """Give a table of predictions by the name of each alteration."""
    opened, training = member.opened, member.opened.own.training
    model = opened.compute.place(Altered(rebuild(opened.checkpoint, opened.trained, member.path)))
    # For crops, images are read larger than the model sees them.
    own = replace(opened.own, training=replace(training, image_size=opened.trained.training.image_size))
    loader = open_loader(opened.table, opened.reader, own, opened.compute, config.workers)
    scored = [(batch["index"], scores) for batch, scores in score_batches(model, loader, opened.compute, "altered")]
    logits = torch.cat([scores for _, scores in scored]).cpu().double().numpy()
    require_finite(logits)
    images = loader.table.iloc[torch.cat([rows for rows, _ in scored]).numpy()]
    calibration = from_plain(opened.checkpoint.calibration)
    tables = {
        name: images.assign(logit=logit, probability=to_probability(logit))
        for name, logit in zip(ALTERATIONS, logits.T, strict=True)
    }
    return {name: calibration.apply(table) if calibration else table for name, table in tables.items()}
