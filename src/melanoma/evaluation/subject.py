"""What is judged: predictions, and what is known of how they were made."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from melanoma.config import EvalConfig
from melanoma.data.image_facts import image_facts
from melanoma.errors import ConfigError
from melanoma.evaluation.ensemble import combine
from melanoma.evaluation.facts import describe_evaluation, describe_members, name_scorer
from melanoma.evaluation.folds import fold_of
from melanoma.evaluation.members import Member, has_views, score_members
from melanoma.evaluation.metrics import Metrics
from melanoma.evaluation.other_data import OtherData, gather_internal
from melanoma.evaluation.predictions_file import read_predictions
from melanoma.evaluation.thresholds import Threshold, settle_threshold


@dataclass(frozen=True)
class Subject:
    """Predictions with their threshold and origin."""

    predictions: pd.DataFrame
    split: str
    threshold: Threshold
    title: str
    scorer: str
    """Who scored, to begin "... reaches AUC"."""
    facts: dict[str, str]
    cost: Metrics
    """Time and size, of what scores an image."""
    is_probability: bool = True
    """False for mean ranks."""
    further_thresholds: dict[str, float] = field(default_factory=dict)
    """By name, chosen on validation patients as the threshold was."""
    uncalibrated: pd.DataFrame | None = None
    """Predictions as the network gave them, where they were calibrated."""
    calibrated_at: float | None = None
    """Share of melanomas that the probabilities were learnt for; None where nothing tells."""
    members: list[Member] = field(default_factory=list)
    """The checkpoints; none where the predictions came in a file."""
    other_data: OtherData | None = None
    """Where the images are not of the checkpoints' own data set."""

    @property
    def calibrated_by(self) -> str | None:
        """Name the method, where the predictions of one checkpoint were calibrated."""
        calibration = self.alone.opened.checkpoint.calibration if self.alone else None
        return calibration["method"] if calibration else None

    @property
    def alone(self) -> Member | None:
        """The checkpoint, where it is one."""
        return self.members[0] if len(self.members) == 1 else None


def subject_of_file(config: EvalConfig, path: Path) -> Subject:
    """Take predictions that anybody made.

    Raises:
        DataError: if the file breaks the contract.
    """
    predictions = read_predictions(path)
    rule = "0.5, as none was given and a file holds no validation patients (set it with threshold=NUMBER)"
    threshold = Threshold(0.5, rule) if config.threshold is None else Threshold(config.threshold, "as given")
    return Subject(
        predictions,
        split="all",
        threshold=threshold,
        title=f"Predictions in {path.name}",
        scorer="their model",
        facts={
            "Predictions": path.name,
            "Threshold": threshold.rule,
            "This evaluation": describe_evaluation(config),
        },
        cost={"inference_ms_per_image": None, "model_megabytes": None},
    )


def subject_of_checkpoints(config: EvalConfig) -> Subject:
    """Score one checkpoint, or several as one.

    Raises:
        MelanomaError: of the kind that says what the user can mend.
    """
    members = score_members(config)
    threshold = settle_threshold(members, config)
    facts = describe_members(members, config, threshold.rule)
    split = members[0].opened.split
    part = "all images" if split == "all" else f"{split} split{'s' if config.ensemble == 'folds' else ''}"
    return Subject(
        _with_facts(_together(members, config), members, config),
        split=split,
        threshold=threshold,
        title=f"{facts['Model']}: {facts['Data set']}, {part}",
        scorer=name_scorer(members, config),
        facts=facts | {"This evaluation": describe_evaluation(config)},
        cost=_cost(members, config),
        is_probability=config.ensemble != "ranks" or len(members) == 1,
        further_thresholds=_further(members, config),
        uncalibrated=members[0].uncalibrated if len(members) == 1 and members[0].is_calibrated else None,
        calibrated_at=float(np.mean([_learnt_for(member) for member in members])),
        members=members,
        other_data=_other_data(members, config, threshold.value),
    )


def _other_data(members: list[Member], config: EvalConfig, threshold: float) -> OtherData | None:
    first = members[0].opened
    if first.overlap is None:
        if config.internal not in (None, "auto"):
            raise ConfigError("internal stands beside another data set, and this is the checkpoint's own; leave it out")
        return None
    own = {member.path: member.own_test for member in members}
    internal = gather_internal(own, [member.opened.checkpoint for member in members], config, threshold)
    names = " and ".join(dict.fromkeys(member.opened.trained.data.name for member in members))
    return OtherData(first.own.data.name, names, first.overlap, internal)


def _learnt_for(member: Member) -> float:
    checkpoint = member.opened.checkpoint
    return checkpoint.prior if member.is_calibrated else checkpoint.effective_prior


def _together(members: list[Member], config: EvalConfig) -> pd.DataFrame:
    tables = {member.path: member.predictions for member in members}
    if config.ensemble == "folds":
        tables = {member.path: member.predictions.assign(fold=fold_of(member.opened)) for member in members}
    return combine(tables, config.ensemble)


def _with_facts(predictions: pd.DataFrame, members: list[Member], config: EvalConfig) -> pd.DataFrame:
    """Add what the image files say of themselves, and which data set each image is of."""
    # Folds have images of their own; otherwise all members have the same.
    facts = pd.concat([_facts(member) for member in (members if config.ensemble == "folds" else members[:1])])
    return predictions.join(facts, on="image_name")


def _facts(member: Member) -> pd.DataFrame:
    names, opened = member.predictions["image_name"], member.opened
    return image_facts(opened.reader, names).assign(source=opened.table.set_index("image_name")["source"])


def _further(members: list[Member], config: EvalConfig) -> dict[str, float]:
    """Give the checkpoint's further thresholds; those of training do not hold for several, or for views."""
    if len(members) > 1 or (has_views(config) and not config.calibrate):
        return {}
    return members[0].opened.checkpoint.thresholds or {}


def _cost(members: list[Member], config: EvalConfig) -> Metrics:
    """Give time and size of what scores an image: of all checkpoints; with folds of one, the mean."""
    share = len(members) if config.ensemble == "folds" else 1
    return {
        "inference_ms_per_image": sum(member.milliseconds for member in members) / share,
        "model_megabytes": sum(member.megabytes for member in members) / share,
    }
