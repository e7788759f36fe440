"""The pixel-free floor of the images that are judged: what their files, their patient and their metadata give away."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from melanoma.data.floor import FOLDS, age_bands, dimensions, image_counts, learnt_scores, shortcut_scores, tenths
from melanoma.evaluation.lessons import Lesson
from melanoma.evaluation.metrics import Floats

TOGETHER = "the floor: all facts together"
FACTS = ("image size", "file size", "images per patient", "age", "sex", "site")
NOTHING_DIFFERS = "nothing is known of the images that differs between them"
TOO_FEW = "not defined: too few malignant, or benign, images to learn from"
OUT_OF_FOLD = (
    f"these images alone, out of fold in {FOLDS} folds by patient, and may be higher where there are more to learn from"
)


@dataclass(frozen=True)
class FloorScores:
    """What each image is scored by what is known of it, (n,), and why some facts give no score."""

    by_fact: dict[str, Floats]
    """Each fact alone and, where there is any, all `TOGETHER`."""
    why_missing: dict[str, str]
    learnt_from: str
    """To end "the floor is learnt from ..."."""


def floor_scores(predictions: pd.DataFrame, lessons: Sequence[Lesson] = ()) -> FloorScores:
    """Score the images by each fact alone and by all together, without their pixels, by naive Bayes.

    It is learnt from the lessons, which are there for all images or not at all; without, from these images, out of fold
    by patient. `predictions` has image_name, target and patient_id, and any of width, height,
    file_bytes, age_approx, sex and anatom_site_general_challenge.
    """
    facts = _facts(predictions)
    missing = {name: reason for name in FACTS if (reason := _why_missing(facts.get(name)))}
    known = [name for name in FACTS if name not in missing]
    if not known:
        return FloorScores({}, missing | {TOGETHER: NOTHING_DIFFERS}, OUT_OF_FOLD)
    if lessons:
        scores, learnt_from = _taught(predictions, lessons, known), "the images that the model has learnt from"
    else:
        scores = shortcut_scores([facts[name] for name in known], predictions["target"], predictions["patient_id"])
        learnt_from = OUT_OF_FOLD
    if scores is None:
        return FloorScores({}, missing | dict.fromkeys([*known, TOGETHER], TOO_FEW), learnt_from)
    by_fact = dict(zip(known, scores.T, strict=True)) | {TOGETHER: np.asarray(scores.sum(axis=1))}
    return FloorScores(by_fact, missing, learnt_from)


def _taught(predictions: pd.DataFrame, lessons: Sequence[Lesson], known: list[str]) -> Floats | None:
    """Give the scores (n, k) of the known facts; None where a lesson has too little of a class."""
    parts = []
    for lesson in lessons:
        scored = predictions[predictions["image_name"].isin(lesson.images)]
        both = pd.concat([lesson.rows, scored], ignore_index=True)
        facts, learn = _facts(both), np.arange(len(both)) < len(lesson.rows)
        scores = learnt_scores([facts[name] for name in known], both["target"], learn)
        if scores is None:
            return None
        parts.append(pd.DataFrame(scores, index=scored.index))
    return pd.concat(parts).loc[predictions.index].to_numpy()


def _facts(table: pd.DataFrame) -> dict[str, pd.Series]:
    """Give each fact that there is a column of, (n,), as categories."""
    facts = {"images per patient": image_counts(table["patient_id"])}
    if {"width", "height"} <= set(table):
        facts["image size"] = dimensions(table["width"], table["height"])
    if "file_bytes" in table:
        facts["file size"] = tenths(table["file_bytes"])
    if "age_approx" in table:
        facts["age"] = age_bands(table["age_approx"])
    for name, column in (("sex", "sex"), ("site", "anatom_site_general_challenge")):
        if column in table:
            facts[name] = table[column]
    return facts


def _why_missing(fact: pd.Series | None) -> str:
    if fact is None or fact.isna().all():
        return "not known"
    if fact.nunique(dropna=False) == 1:
        return "every image has the same"
    return ""
