"""The rows that a checkpoint has learnt from, for what is learnt beside it from the same rows."""

from dataclasses import dataclass

import pandas as pd

from melanoma.config import ScoringConfig
from melanoma.data.image_facts import COLUMNS, image_facts
from melanoma.evaluation.members import Member


@dataclass(frozen=True)
class Lesson:
    """Training rows of one checkpoint, with what their image files say of themselves."""

    images: pd.Series
    """Names of the images that the checkpoint scores."""
    rows: pd.DataFrame


def lessons_of(members: list[Member], predictions: pd.DataFrame, config: ScoringConfig) -> list[Lesson]:
    """Give the training rows of each fold's checkpoint, else of the first one.

    None where they are another data set's, or not at hand, or hold a patient who is scored. `predictions` has the
    `COLUMNS` of `image_facts`.
    """
    chosen = members if config.ensemble == "folds" else members[:1]
    for member in chosen:
        learnt, scored = member.opened.learnt["patient_id"], member.predictions["patient_id"]
        if member.opened.is_external or learnt.empty or learnt.isin(scored).any():
            return []
    known = predictions.set_index("image_name")[list(COLUMNS)]
    further = {
        name: None for member in chosen for name in member.opened.learnt["image_name"] if name not in known.index
    }
    facts = pd.concat([known, *([image_facts(chosen[0].opened.reader, further)] if further else [])])
    return [
        Lesson(member.predictions["image_name"], member.opened.learnt.join(facts, on="image_name")) for member in chosen
    ]
