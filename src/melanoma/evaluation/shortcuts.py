"""Shortcut audit: whether the model tells melanomas by the lesion, or by what comes with the picture."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from melanoma.config import EvalConfig
from melanoma.evaluation.flips import Flips, measure_flips
from melanoma.evaluation.floors import FACTS, TOGETHER, FloorScores, floor_scores
from melanoma.evaluation.lessons import lessons_of
from melanoma.evaluation.metrics import Floats, has_both_classes
from melanoma.evaluation.rankings import Gap, Ranking, between, draw_aucs, rank
from melanoma.evaluation.strata import Strata, measure_strata, stratify
from melanoma.evaluation.stress import score_altered
from melanoma.evaluation.subgroups import MIN_PATIENTS
from melanoma.evaluation.subject import Subject
from melanoma.models.alterations import BARE_BORDER, INVARIANCES, PARTS, UNALTERED

MODEL = "the predictions"


@dataclass(frozen=True)
class Shortcuts:
    """What was found; plain values."""

    why_missing: str | None
    """Why nothing can be ranked."""
    why_not_altered: str | None
    """Why no altered image was scored."""
    enough: bool
    """Whether there are enough patients of each class to judge."""
    model: Ranking | None
    """The predictions as they are judged."""
    learnt_from: str
    """What the floor is learnt from."""
    floors: list[Ranking]
    """All facts together and each alone, held against the predictions."""
    parts: list[Ranking]
    """Unaltered, and each part of an image, held against the unaltered ones; empty where none was scored."""
    border_above_floor: Gap | None
    """AUC with the centre blacked out and no metadata, less the floor, or less 0.5 where that is more."""
    strata: list[Strata]
    flips: list[Flips]


def measure_shortcuts(subject: Subject, config: EvalConfig) -> Shortcuts:
    """Score altered images, where that can be done, and measure all of the audit.

    Raises:
        MelanomaError: of the kind that says what the user can mend.
    """
    altered, why_not = _score_altered(subject, config)
    lessons = lessons_of(subject.members, subject.predictions, config) if subject.members else []
    floor = floor_scores(subject.predictions, lessons)
    threshold, draws = subject.threshold.value, config.bootstrap_draws
    return find_shortcuts(subject.predictions, floor, altered, why_not, threshold, draws, config.seed)


def find_shortcuts(
    predictions: pd.DataFrame,
    floor: FloorScores,
    altered: pd.DataFrame | None,
    why_not_altered: str | None,
    threshold: float,
    draws: int,
    seed: int,
) -> Shortcuts:
    """Measure the audit of predictions; `altered` holds each row's probability under each of `ALTERATIONS`.

    `predictions` has target, probability and patient_id, and what `stratify` makes use of.
    """
    target = predictions["target"].to_numpy(dtype=np.int64)
    names, patient = np.unique(predictions["patient_id"].to_numpy(), return_inverse=True)
    scores = {} if altered is None else {name: column.to_numpy() for name, column in altered.items()}
    flips = []
    if scores and len(target):
        calls = {name: scores[name] for name in INVARIANCES}
        flips = measure_flips(target, scores[UNALTERED], calls, threshold, patient, draws, seed)
    if not has_both_classes(target) or len(names) < 2:
        reason = "there is one patient" if has_both_classes(target) else "the images are not of both classes"
        return Shortcuts(reason, why_not_altered, False, None, floor.learnt_from, [], [], None, [], flips)
    probability = predictions["probability"].to_numpy(dtype=np.float64)
    parts = {name: scores[name] for name in (UNALTERED, *PARTS)} if scores else {}
    drawn = draw_aucs(target, {MODEL: probability} | parts | floor.by_fact, patient, draws, seed)
    assert drawn  # noqa: S101 there are two patients, and both classes
    return Shortcuts(
        why_missing=None,
        why_not_altered=why_not_altered,
        enough=all(len(np.unique(patient[target == label])) >= MIN_PATIENTS for label in (0, 1)),
        model=rank(MODEL, drawn[MODEL]),
        learnt_from=floor.learnt_from,
        floors=[
            Ranking(name, floor.why_missing[name]) if name not in drawn else rank(name, drawn[name], drawn[MODEL])
            for name in (TOGETHER, *FACTS)
        ],
        parts=[rank(name, drawn[name], None if name == UNALTERED else drawn[UNALTERED]) for name in parts],
        border_above_floor=_above_floor(drawn) if parts else None,
        strata=[
            measure_strata(name, one, target, probability, patient, drawn[MODEL], seed)
            for name, one in stratify(predictions).items()
        ],
        flips=flips,
    )


def _score_altered(subject: Subject, config: EvalConfig) -> tuple[pd.DataFrame | None, str | None]:
    """Give the probabilities of altered images, a row a prediction; or none, and why."""
    if why_not := _why_not_altered(subject, config):
        return None, why_not
    names, altered = subject.predictions["image_name"], score_altered(subject.members, config)
    if lost := int((~names.isin(altered.index)).sum()):
        return None, f"{lost} of {len(names)} images could not be read a second time"
    return altered.loc[names], None


def _why_not_altered(subject: Subject, config: EvalConfig) -> str | None:
    if not subject.members:
        return "the predictions came in a file, without the model"
    if not config.shortcuts:
        return "shortcuts=false leaves it out"
    if not subject.is_probability:
        return "a mean rank depends on all images that are scored together"
    return None


def _above_floor(drawn: dict[str, Floats]) -> Gap:
    floor = drawn.get(TOGETHER)
    return between(drawn[BARE_BORDER], 0.5 if floor is None or floor[0] <= 0.5 else floor)
